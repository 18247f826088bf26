//! The audio thread's side.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::chain::silence_non_finite;
use super::conceal::Concealer;
use super::delay::Delay;
use super::history::HistoryWriter;
use super::lane_reader::{LaneReader, Span};
use super::latency::Latency;
use super::mixer::Mixer;
use super::model::DECODED_LANES;
use super::settings::{Concealment, PortSettings};
use super::status::SharedStatus;
use super::stream::Writer;
use super::telemetry::tap;
use super::worker::InputMark;
use residue_core::FlushDenormals;

/// Where audio goes in and comes out, delayed by a latency that never changes.
///
/// Belongs to the audio thread. No method allocates, locks, blocks or calls the system, except that
/// [`AudioPort::process`] waits for the worker while [offline](AudioPort::set_offline). Dropping a
/// port frees memory: do that elsewhere.
pub struct AudioPort {
    latency: Latency,
    /// So many host samples are so many frames, of the model the port was opened with.
    frame_ticks: (u64, u64),
    channels: usize,
    max_block: usize,
    shared: Arc<SharedStatus>,
    to_worker: Writer<InputMark>,
    lanes: LaneReader,
    settings: PortSettings,
    /// The worker does not know of a reset or of dropped samples yet: the next sample must say it.
    displaced: bool,
    /// The worker does not know of new settings yet: the next sample should say it.
    changed: bool,
    offline: bool,
    /// Number of the next input sample.
    position: u64,
    /// The stream's first sample.
    origin: u64,
    /// The last frame, by its first host sample, that was counted late.
    late_frame: Option<u64>,
    /// What was played of lanes A and B last, if the stream has started; a change is a join.
    playing: Option<Playing>,
    mixer: Mixer,
    delays: Vec<Delay>,
    /// By lane and channel.
    concealers: Vec<Concealer>,
    /// By channel, a block each.
    dry: Vec<Vec<f32>>,
    /// By lane and channel.
    wet: Vec<Vec<f32>>,
    out: Vec<Vec<f32>>,
    /// The last block: the number of its first lane sample, and where in the planes its lanes are.
    last: (u64, Range<usize>),
    interleaved: Vec<f32>,
    tap: HistoryWriter,
}

/// The lanes of a block as they were played, before they were mixed: for a recorder.
///
/// Holds only samples of the running stream: what is silent because it is older than that, for one
/// latency after a start, is left out.
#[derive(Clone, Copy)]
pub struct LaneBlock<'a> {
    port: &'a AudioPort,
}

impl<'a> LaneBlock<'a> {
    /// Number of the first lane sample, counted from the opening of the port, as in
    /// [`FrameCodes::position`](super::FrameCodes::position). Realtime-safe.
    pub fn first(&self) -> u64 {
        self.port.last.0
    }

    /// Samples of each plane. Realtime-safe.
    pub fn len(&self) -> usize {
        self.port.last.1.len()
    }

    /// Whether there are none. Realtime-safe.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dry lane. Realtime-safe.
    ///
    /// # Panics
    /// If the port has no such channel.
    pub fn dry(&self, channel: usize) -> &'a [f32] {
        &self.port.dry[channel][self.port.last.1.clone()]
    }

    /// Lane A (0) or B (1), with what stood in for what was late. Realtime-safe.
    ///
    /// # Panics
    /// If there is no such lane, or the port has no such channel.
    pub fn lane(&self, lane: usize, channel: usize) -> &'a [f32] {
        let port = self.port;
        assert!(channel < port.channels, "the port has {} channels", port.channels);
        &port.wet[lane * port.channels + channel][port.last.1.clone()]
    }

    /// What was heard. Realtime-safe.
    ///
    /// # Panics
    /// If the port has no such channel.
    pub fn heard(&self, channel: usize) -> &'a [f32] {
        &self.port.out[channel][self.port.last.1.clone()]
    }
}

/// What lanes A and B play.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Playing {
    Lane,
    Instead(Concealment),
}

impl Playing {
    fn new(span: Span, how: Concealment) -> Self {
        match span {
            Span::There(_) => Self::Lane,
            Span::Late(_) => Self::Instead(how),
            Span::NoModel(_) => Self::Instead(Concealment::Dry),
        }
    }
}

/// What a port is made of.
pub(super) struct PortParts {
    pub rate: u32,
    pub channels: usize,
    pub max_block: usize,
    pub latency: Latency,
    pub frame_ticks: (u64, u64),
    pub settings: PortSettings,
    pub shared: Arc<SharedStatus>,
    pub to_worker: Writer<InputMark>,
    pub lanes: LaneReader,
    pub tap: HistoryWriter,
}

impl AudioPort {
    pub(super) fn new(parts: PortParts) -> Self {
        let PortParts { rate, channels, max_block, latency, frame_ticks, settings, .. } = parts;
        let PortParts { shared, to_worker, lanes, tap, .. } = parts;
        let planes = |count: usize| vec![vec![0.0; max_block]; count];
        let concealer = |_| Concealer::new(rate, latency.frame);
        Self {
            channels,
            max_block,
            to_worker,
            lanes,
            displaced: true,
            changed: false,
            offline: false,
            position: 0,
            origin: 0,
            late_frame: None,
            playing: None,
            mixer: Mixer::new(rate, &settings),
            delays: (0..channels).map(|_| Delay::new(latency.total(), max_block)).collect(),
            concealers: (0..DECODED_LANES * channels).map(concealer).collect(),
            dry: planes(channels),
            wet: planes(DECODED_LANES * channels),
            out: planes(channels),
            last: (0, 0..0),
            interleaved: vec![0.0; channels * max_block],
            latency,
            frame_ticks,
            settings,
            shared,
            tap,
        }
    }

    /// The delay from input to output.
    pub fn latency(&self) -> Latency {
        self.latency
    }

    /// Channels.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The lanes of the block that was processed last; of one larger than the port's largest, which
    /// is processed in pieces, those of the last piece.
    pub fn last_block(&self) -> LaneBlock<'_> {
        LaneBlock { port: self }
    }

    /// What holds now.
    pub fn settings(&self) -> &PortSettings {
        &self.settings
    }

    /// Changes settings. What happens to frames holds for what comes in from now on, and so is heard
    /// a latency later; source, mix and concealment hold for what goes out from now on.
    pub fn set(&mut self, settings: &PortSettings) {
        let mut settings = *settings;
        settings.frames.loss = settings.frames.loss.sane();
        self.changed |= self.settings.frames != settings.frames;
        self.settings = settings;
        self.mixer.set(&settings);
    }

    /// Offline, [`AudioPort::process`] waits for the worker, so that nothing is ever late and the
    /// result depends on the input and the settings alone. For renders: it blocks.
    pub fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
        self.shared.offline.store(offline, Ordering::Relaxed);
    }

    /// Starts a new stream: what was put in before is forgotten and never comes out.
    pub fn reset(&mut self) {
        self.origin = self.position;
        self.displaced = true;
        self.late_frame = None;
        self.playing = None;
        self.mixer.settle();
        self.concealers.iter_mut().for_each(Concealer::reset);
    }

    /// Replaces audio by what is heard: one plane a channel, in place, blocks of any size and also
    /// none. Missing channels count as silent, further ones are silenced. The shortest plane is the
    /// block; what others have beyond stays as it is.
    pub fn process(&mut self, planes: &mut [&mut [f32]]) {
        let total = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
        let mut at = 0;
        while at < total {
            let count = (total - at).min(self.max_block);
            for (channel, dry) in self.dry.iter_mut().enumerate() {
                match planes.get(channel) {
                    Some(plane) => dry[..count].copy_from_slice(&plane[at..at + count]),
                    None => dry[..count].fill(0.0),
                }
            }
            self.block(count);
            for (channel, plane) in planes.iter_mut().enumerate() {
                match self.out.get(channel) {
                    Some(out) => plane[at..at + count].copy_from_slice(&out[..count]),
                    None => plane[at..at + count].fill(0.0),
                }
            }
            at += count;
        }
    }

    /// As [`AudioPort::process`], from one set of planes to another. Inputs beyond the outputs are not
    /// heard.
    pub fn process_to(&mut self, input: &[&[f32]], output: &mut [&mut [f32]]) {
        for (channel, plane) in output.iter_mut().enumerate() {
            match input.get(channel) {
                Some(input) => {
                    let count = plane.len().min(input.len());
                    plane[..count].copy_from_slice(&input[..count]);
                    plane[count..].fill(0.0);
                }
                None => plane.fill(0.0),
            }
        }
        self.process(output);
    }

    /// One block of at most `max_block` samples: from `dry`, where the input is, to `out`.
    fn block(&mut self, count: usize) {
        let _flush = FlushDenormals::new();
        self.take(count);
        let delay = self.latency.total() as u64;
        // Before the stream's first sample there was silence.
        let silent = (self.origin + delay).saturating_sub(self.position).min(count as u64) as usize;
        let first = (self.position + silent as u64).wrapping_sub(delay);
        for (delay, dry) in self.delays.iter().zip(&mut self.dry) {
            dry[..silent].fill(0.0);
            delay.read(first, &mut dry[silent..count]);
        }
        self.wet.iter_mut().for_each(|wet| wet[..silent].fill(0.0));
        self.position += count as u64;
        self.shared.playing.store(self.position.saturating_sub(delay), Ordering::Relaxed);
        if silent == count {
            // Nothing is read, and what an old stream left must not fill the ring.
            self.lanes.discard(self.origin, self.origin);
        }
        self.fill_lanes(first, silent, count);
        self.last = (first, silent..count);

        let planes = self.dry.iter().zip(&self.wet[..self.channels]);
        let planes = planes.zip(&self.wet[self.channels..]).zip(&mut self.out);
        self.mixer.mix(
            count,
            planes.map(|(((dry, a), b), out)| {
                ([&dry[..count], &a[..count], &b[..count]], &mut out[..count])
            }),
        );
        self.publish(count);
    }

    /// Takes the block in `dry` as input: to the worker and to the dry lane.
    fn take(&mut self, count: usize) {
        let mut non_finite = 0;
        for (channel, plane) in self.dry.iter_mut().enumerate() {
            let plane = &mut plane[..count];
            non_finite += silence_non_finite(plane);
            raise_peak(&self.shared, 0, channel, plane);
            self.delays[channel].write(self.position, plane);
            let to = self.interleaved.iter_mut().skip(channel).step_by(self.channels);
            to.zip(plane).for_each(|(to, from)| *to = *from);
        }
        if non_finite > 0 {
            self.shared.non_finite[0].fetch_add(non_finite, Ordering::Relaxed);
        }
        let mut sent = 0;
        loop {
            sent += self.send(sent, count);
            if sent == count {
                return;
            }
            if !self.offline || self.shared.stop.load(Ordering::Relaxed) {
                break;
            }
            std::thread::yield_now();
        }
        // The worker is far behind. It takes silence for what it does not get, and leaves out what is
        // too late by then.
        let dropped = (count - sent) as u64;
        self.shared.dropped_samples.fetch_add(dropped, Ordering::Relaxed);
        self.displaced = true;
    }

    /// Sends what there is room for of the block, from sample `from` on; returns how much.
    fn send(&mut self, from: usize, count: usize) -> usize {
        let room = self.to_worker.room().min(count - from);
        if room == 0 {
            return 0;
        }
        if self.displaced || self.changed {
            let mark = InputMark {
                position: self.position + from as u64,
                origin: self.origin,
                settings: self.settings.frames,
            };
            if self.to_worker.mark(mark) {
                (self.displaced, self.changed) = (false, false);
            } else if self.displaced {
                return 0;
            }
        }
        self.to_worker
            .write(&self.interleaved[from * self.channels..(from + room) * self.channels]);
        room
    }

    /// Fills lanes A and B from `at` to `end` with what came for the lane samples from `first` on,
    /// or with what stands in for it.
    fn fill_lanes(&mut self, first: u64, mut at: usize, end: usize) {
        let start = at;
        while at < end {
            let wanted = first + (at - start) as u64;
            let span = self.lanes.read(self.origin, wanted, &mut self.wet, at, end, self.offline);
            let (Span::There(count) | Span::Late(count) | Span::NoModel(count)) = span;
            if let Span::Late(_) = span {
                self.count_late(wanted, count as u64);
            }
            let playing = Playing::new(span, self.settings.concealment);
            let joins = self.playing.is_some_and(|before| before != playing);
            self.playing = Some(playing);
            for (plane, (wet, concealer)) in
                self.wet.iter_mut().zip(&mut self.concealers).enumerate()
            {
                let range = at..at + count;
                let dry = &self.dry[plane % self.channels][range.clone()];
                let how = self.settings.concealment;
                concealer.process(span, how, dry, &mut wet[range], joins);
            }
            at += count;
        }
    }

    /// Counts the frames that samples `wanted..wanted + count` belong to, each once.
    fn count_late(&mut self, wanted: u64, count: u64) {
        let (ticks, frames) = self.frame_ticks;
        let number = |sample: u64| {
            (u128::from(sample - self.origin) * u128::from(frames) / u128::from(ticks)) as u64
        };
        let (first, last) = (number(wanted), number(wanted + count - 1));
        let known = self.late_frame.map_or(first, |frame| first.max(frame + 1));
        if last >= known {
            self.shared.late_frames.fetch_add(last - known + 1, Ordering::Relaxed);
            self.late_frame = Some(last);
        }
    }

    fn publish(&mut self, count: usize) {
        for (channel, out) in self.out.iter().enumerate() {
            raise_peak(&self.shared, 1, channel, &out[..count]);
        }
        if self.tap.watched() {
            let scale = 1.0 / self.channels as f32;
            let (a, b) = self.wet.split_at(self.channels);
            for tick in 0..count {
                let mid = |planes: &[Vec<f32>]| {
                    scale * planes.iter().map(|plane| plane[tick]).sum::<f32>()
                };
                tap(&mut self.tap, [mid(&self.dry), mid(a), mid(b)]);
            }
        }
    }
}

fn raise_peak(shared: &SharedStatus, side: usize, channel: usize, samples: &[f32]) {
    let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    shared.peaks[side][channel].raise(peak);
}
