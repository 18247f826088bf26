//! The audio thread's end of the live path.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use residue_core::FlushDenormals;
use residue_core::delay_line::DelayLine;

use super::concealment::Concealer;
use super::history::HistoryWriter;
use super::lane_block::LaneBlock;
use super::lane_reader::{Arrival, LaneReader};
use super::latency::Latency;
use super::marked_ring::MarkedWriter;
use super::marks::InputMark;
use super::mixer::Mixer;
use super::model::DECODED_LANES;
use super::non_finite::silence_non_finite;
use super::settings::{Concealment, PortSettings};
use super::status::SharedStatus;
use super::telemetry::push_lanes;

/// Input and output of the live path, a fixed latency apart.
///
/// Belongs to the audio thread. No method allocates, locks, blocks or calls the system, except that
/// [`AudioPort::process`] waits for the worker while [offline](AudioPort::set_offline). Dropping a
/// port frees memory: do that on another thread.
pub struct AudioPort {
    latency: Latency,
    /// Ratio (host samples, frames) of the model that the port was opened with.
    frame_ratio: (u64, u64),
    channels: usize,
    max_block: usize,
    shared: Arc<SharedStatus>,
    to_worker: MarkedWriter<InputMark>,
    lanes: LaneReader,
    settings: PortSettings,
    /// After a reset or dropped samples: the next sample must carry a mark.
    mark_required: bool,
    /// After a change of settings: the next sample should carry a mark.
    mark_wanted: bool,
    offline: bool,
    /// Position of the next input sample.
    position: u64,
    /// Position of the stream's first sample.
    origin: u64,
    /// The last frame that was counted as late, as a number within the stream.
    late_frame: Option<u64>,
    /// Signal that lanes A and B played last, once the stream has started; a change is a join.
    played: Option<LaneSignal>,
    mixer: Mixer,
    delays: Vec<DelayLine>,
    /// By lane and channel.
    concealers: Vec<Concealer>,
    /// By channel, a block each: the input, then the dry lane.
    dry: Vec<Vec<f32>>,
    /// By lane and channel, a block each.
    wet: Vec<Vec<f32>>,
    /// By channel, a block each.
    output: Vec<Vec<f32>>,
    /// Of the last block: position of its first lane sample, and the range of its lanes in the planes.
    last_block: (u64, Range<usize>),
    interleaved: Vec<f32>,
    lane_history: HistoryWriter,
}

/// Signal that lanes A and B play.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LaneSignal {
    Model,
    Concealed(Concealment),
}

impl LaneSignal {
    fn new(arrival: Arrival, concealment: Concealment) -> Self {
        match arrival {
            Arrival::Received(_) => Self::Model,
            Arrival::Late(_) => Self::Concealed(concealment),
            Arrival::NoModel(_) => Self::Concealed(Concealment::Dry),
        }
    }
}

/// Parts of a port.
pub(super) struct PortParts {
    pub rate: u32,
    pub channels: usize,
    pub max_block: usize,
    pub latency: Latency,
    pub frame_ratio: (u64, u64),
    pub settings: PortSettings,
    pub shared: Arc<SharedStatus>,
    pub to_worker: MarkedWriter<InputMark>,
    pub lanes: LaneReader,
    pub lane_history: HistoryWriter,
}

impl AudioPort {
    pub(super) fn new(parts: PortParts) -> Self {
        let PortParts { rate, channels, max_block, latency, frame_ratio, settings, .. } = parts;
        let PortParts { shared, to_worker, lanes, lane_history, .. } = parts;
        let planes = |count: usize| vec![vec![0.0; max_block]; count];
        let concealer = |_| Concealer::new(rate, latency.frame);
        Self {
            channels,
            max_block,
            to_worker,
            lanes,
            mark_required: true,
            mark_wanted: false,
            offline: false,
            position: 0,
            origin: 0,
            late_frame: None,
            played: None,
            mixer: Mixer::new(rate, &settings),
            delays: (0..channels).map(|_| DelayLine::new(latency.total(), max_block)).collect(),
            concealers: (0..DECODED_LANES * channels).map(concealer).collect(),
            dry: planes(channels),
            wet: planes(DECODED_LANES * channels),
            output: planes(channels),
            last_block: (0, 0..0),
            interleaved: vec![0.0; channels * max_block],
            latency,
            frame_ratio,
            settings,
            shared,
            lane_history,
        }
    }

    /// Returns the delay from input to output. Realtime-safe.
    pub fn latency(&self) -> Latency {
        self.latency
    }

    /// Returns the number of channels. Realtime-safe.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Returns the lanes of the block that was processed last; of one larger than the port's largest,
    /// which is processed in pieces, those of the last piece. Realtime-safe.
    pub fn last_block(&self) -> LaneBlock<'_> {
        let (position, Range { start, end }) = self.last_block.clone();
        let Self { dry, wet, output, .. } = self;
        LaneBlock { position, start, end, dry, wet, output }
    }

    /// Returns the current settings. Realtime-safe.
    pub fn settings(&self) -> &PortSettings {
        &self.settings
    }

    /// Applies settings. Frame effects apply to input from now on, and so are heard a latency later;
    /// source, mix and concealment apply to output from now on. Realtime-safe.
    pub fn set(&mut self, settings: &PortSettings) {
        let mut settings = *settings;
        settings.frames.loss = settings.frames.loss.clamped();
        self.mark_wanted |= self.settings.frames != settings.frames;
        self.settings = settings;
        self.mixer.set(&settings);
    }

    /// Sets offline mode, in which [`AudioPort::process`] waits for the worker: nothing is ever late,
    /// and the output depends on input and settings alone. For renders: processing blocks. This call
    /// itself is realtime-safe.
    pub fn set_offline(&mut self, offline: bool) {
        self.offline = offline;
        self.shared.offline.store(offline, Ordering::Relaxed);
    }

    /// Starts a new stream: earlier input is dropped and never comes out. Realtime-safe.
    pub fn reset(&mut self) {
        self.origin = self.position;
        self.mark_required = true;
        self.late_frame = None;
        self.played = None;
        self.mixer.settle();
        self.concealers.iter_mut().for_each(Concealer::reset);
    }

    /// Processes audio in place: one plane a channel, blocks of any size and also none. Missing
    /// channels count as silent, further ones are silenced. The shortest plane is the block; the rest
    /// of longer ones stays as it is. Realtime-safe, except offline.
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
            self.process_block(count);
            for (channel, plane) in planes.iter_mut().enumerate() {
                match self.output.get(channel) {
                    Some(output) => plane[at..at + count].copy_from_slice(&output[..count]),
                    None => plane[at..at + count].fill(0.0),
                }
            }
            at += count;
        }
    }

    /// As [`AudioPort::process`], from one set of planes to another. Inputs beyond the outputs are
    /// ignored. Realtime-safe, except offline.
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

    /// Processes one block of at most `max_block` samples, from `dry` to `output`.
    fn process_block(&mut self, count: usize) {
        let _flush = FlushDenormals::new();
        self.accept_input(count);
        let delay = self.latency.total() as u64;
        // Samples that lie before the stream's first one are silent.
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
            // Nothing is read, and the rest of an old stream must not fill the ring.
            self.lanes.discard(self.origin, self.origin);
        }
        self.fill_lanes(first, silent, count);
        self.last_block = (first, silent..count);

        let planes = self.dry.iter().zip(&self.wet[..self.channels]);
        let planes = planes.zip(&self.wet[self.channels..]).zip(&mut self.output);
        self.mixer.mix(
            count,
            planes.map(|(((dry, a), b), output)| {
                ([&dry[..count], &a[..count], &b[..count]], &mut output[..count])
            }),
        );
        self.publish(count);
    }

    /// Sends the block in `dry` to the worker and to the delay lines.
    fn accept_input(&mut self, count: usize) {
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
        // The worker is far behind. It puts silence in the place of dropped samples, and leaves out
        // frames that are too late by then.
        let dropped = (count - sent) as u64;
        self.shared.dropped_samples.fetch_add(dropped, Ordering::Relaxed);
        self.mark_required = true;
    }

    /// Sends as much of the block, from sample `from` on, as there is room for; returns how much.
    fn send(&mut self, from: usize, count: usize) -> usize {
        let room = self.to_worker.room().min(count - from);
        if room == 0 {
            return 0;
        }
        if self.mark_required || self.mark_wanted {
            let mark = InputMark {
                position: self.position + from as u64,
                origin: self.origin,
                settings: self.settings.frames,
            };
            if self.to_worker.mark(mark) {
                (self.mark_required, self.mark_wanted) = (false, false);
            } else if self.mark_required {
                return 0;
            }
        }
        self.to_worker
            .write(&self.interleaved[from * self.channels..(from + room) * self.channels]);
        room
    }

    /// Fills lanes A and B from `start` to `end` with the lane samples from position `first` on, late
    /// ones concealed.
    fn fill_lanes(&mut self, first: u64, start: usize, end: usize) {
        let concealment = self.settings.concealment;
        let mut at = start;
        while at < end {
            let wanted = first + (at - start) as u64;
            let arrival =
                self.lanes.read(self.origin, wanted, &mut self.wet, at, end, self.offline);
            let (Arrival::Received(count) | Arrival::Late(count) | Arrival::NoModel(count)) =
                arrival;
            if let Arrival::Late(_) = arrival {
                self.count_late(wanted, count as u64);
            }
            let signal = LaneSignal::new(arrival, concealment);
            let joins = self.played.is_some_and(|before| before != signal);
            self.played = Some(signal);
            for (plane, (wet, concealer)) in
                self.wet.iter_mut().zip(&mut self.concealers).enumerate()
            {
                let range = at..at + count;
                let dry = &self.dry[plane % self.channels][range.clone()];
                concealer.process(arrival, concealment, dry, &mut wet[range], joins);
            }
            at += count;
        }
    }

    /// Counts the frames of the late samples `wanted..wanted + count`, each once.
    fn count_late(&mut self, wanted: u64, count: u64) {
        let (samples, frames) = self.frame_ratio;
        let number = |sample: u64| {
            (u128::from(sample - self.origin) * u128::from(frames) / u128::from(samples)) as u64
        };
        let (first, last) = (number(wanted), number(wanted + count - 1));
        let uncounted = self.late_frame.map_or(first, |frame| first.max(frame + 1));
        if last >= uncounted {
            self.shared.late_frames.fetch_add(last - uncounted + 1, Ordering::Relaxed);
            self.late_frame = Some(last);
        }
    }

    /// Publishes the peaks of the output and, if there is a reader, the lanes.
    fn publish(&mut self, count: usize) {
        for (channel, output) in self.output.iter().enumerate() {
            raise_peak(&self.shared, 1, channel, &output[..count]);
        }
        if self.lane_history.has_readers() {
            let scale = 1.0 / self.channels as f32;
            let (a, b) = self.wet.split_at(self.channels);
            for n in 0..count {
                let mid =
                    |planes: &[Vec<f32>]| scale * planes.iter().map(|plane| plane[n]).sum::<f32>();
                push_lanes(&mut self.lane_history, [mid(&self.dry), mid(a), mid(b)]);
            }
        }
    }
}

/// `side`: 0 for the input, 1 for the output.
fn raise_peak(shared: &SharedStatus, side: usize, channel: usize, samples: &[f32]) {
    let peak = samples.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    shared.peaks[side][channel].raise(peak);
}
