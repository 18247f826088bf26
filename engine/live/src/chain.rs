//! From host samples to lanes of host samples: rate conversion, framing, the model, and back.
//!
//! A chain is deterministic: what it makes of a stream depends on the samples, on the settings and
//! the samples they were set at, and on nothing else, such as how the stream was cut into blocks.

use std::collections::VecDeque;

use super::OpenError;
use super::declick::Declick;
use super::loudness::LoudnessMatch;
use super::model::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
};
use super::routing::Routing;
use super::settings::FrameEffects;
use super::timing::Timing;
use residue_core::audio::{MonoTreatment, RateConverter};

/// Largest sample that goes to the model or comes from it, 80 dB above full scale: beyond it the
/// arithmetic of a model could overflow and never recover.
const LOUDEST: f32 = 1e4;
/// Silence is fed in pieces of so many samples.
const SILENCE: usize = 4096;

/// One model's way from input to lanes.
pub struct Chain {
    format: ModelFormat,
    timing: Timing,
    routing: Routing,
    host_channels: usize,
    processor: Box<dyn FrameProcessor>,
    down: Vec<RateConverter>,
    /// Host samples by conversion, on their way into `down`.
    split: Vec<Vec<f32>>,
    /// Model samples by conversion; the first is the first of frame `frame`.
    pending: Vec<Vec<f32>>,
    /// The next frame to process.
    frame: u64,
    settings: FrameEffects,
    /// Settings to come and the frame they hold from.
    schedule: VecDeque<(u64, FrameEffects)>,
    processed: DecodedFrames,
    /// By lane and plane.
    declick: Vec<Declick>,
    matches: Vec<LoudnessMatch>,
    /// A decoded frame continues the one before.
    continues: bool,
    /// Frames are processed to see how long they take.
    rehearsal: bool,
    /// By lane and conversion.
    up: Vec<RateConverter>,
    lanes: Vec<Vec<f32>>,
    /// Samples that were not finite and became silence.
    non_finite: u64,
}

impl Chain {
    /// A chain at the start of a stream. May take long.
    ///
    /// # Errors
    /// If the host's rate or channels are not supported or the model cannot run.
    pub fn new(
        model: &dyn LiveModel,
        host_rate: u32,
        host_channels: usize,
        treatment: MonoTreatment,
    ) -> Result<Self, OpenError> {
        let format = model.format();
        let ModelFormat { rate, channels, frame, .. } = format;
        if rate == 0 || !(1..=2).contains(&channels) || frame == 0 {
            return Err(OpenError::Model(format!(
                "it has {channels} channels, frames of {frame} samples and a rate of {rate} Hz"
            )));
        }
        let timing = Timing::new(host_rate, format.rate, format.frame)?;
        let routing = Routing::new(host_channels, format.channels, treatment);
        let processor = model.processor(routing.streams).map_err(OpenError::Model)?;
        let planes = routing.streams * format.channels;
        let meter = |_| {
            LoudnessMatch::new(planes, format.rate, timing.frame_seconds()).map_err(|error| {
                OpenError::Model(format!("its loudness cannot be measured: {error}"))
            })
        };
        let matches = (0..DECODED_LANES).map(meter).collect::<Result<_, _>>()?;
        Ok(Self {
            processor,
            down: vec![timing.down(); routing.inputs],
            split: vec![Vec::new(); routing.inputs],
            pending: vec![Vec::new(); routing.inputs],
            frame: 0,
            settings: FrameEffects::default(),
            schedule: VecDeque::new(),
            processed: DecodedFrames::default(),
            declick: vec![Declick::new(format.rate); DECODED_LANES * planes],
            matches,
            continues: true,
            rehearsal: false,
            up: vec![timing.up(); DECODED_LANES * routing.outputs],
            lanes: vec![Vec::new(); DECODED_LANES * routing.outputs],
            non_finite: 0,
            host_channels,
            format,
            timing,
            routing,
        })
    }

    /// The clocks of host and model.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The model's shape.
    pub fn format(&self) -> &ModelFormat {
        &self.format
    }

    /// Streams of codes.
    pub fn streams(&self) -> usize {
        self.routing.streams
    }

    /// Starts a new stream with these settings.
    pub fn reset(&mut self, settings: FrameEffects) {
        self.processor.reset();
        self.down.iter_mut().chain(&mut self.up).for_each(RateConverter::reset);
        self.pending.iter_mut().chain(&mut self.lanes).for_each(Vec::clear);
        self.declick.iter_mut().for_each(Declick::reset);
        self.matches.iter_mut().for_each(LoudnessMatch::reset);
        self.schedule.clear();
        self.settings = settings;
        self.frame = 0;
        self.continues = true;
        self.rehearsal = false;
    }

    /// Until the next [reset](Self::reset), frames only show how long they take.
    pub fn rehearse(&mut self) {
        self.rehearsal = true;
    }

    /// Settings that hold from the first frame which starts at host sample `tick` or later.
    pub fn set(&mut self, tick: u64, settings: FrameEffects) {
        let frame = self.timing.frame_from(tick);
        match self.schedule.back_mut() {
            Some(last) if last.0 >= frame => last.1 = settings,
            _ => self.schedule.push_back((frame, settings)),
        }
    }

    /// Takes interleaved host samples.
    pub fn push(&mut self, interleaved: &[f32]) {
        self.routing.split(interleaved, &mut self.split);
        let conversions = self.down.iter_mut().zip(&mut self.split).zip(&mut self.pending);
        for ((converter, split), pending) in conversions {
            let before = pending.len();
            converter.process(split, pending);
            self.non_finite += tame(&mut pending[before..]);
            split.clear();
        }
    }

    /// Takes silence in place of `ticks` host samples that never came. Of whole frames of it only the
    /// last two are processed.
    pub fn push_gap(&mut self, mut ticks: u64) {
        let silence = [0.0; SILENCE];
        while ticks > 0 {
            let piece = ticks.min((SILENCE / self.host_channels) as u64) as usize;
            self.push(&silence[..piece * self.host_channels]);
            ticks -= piece as u64;
            if self.ready() > 2 {
                self.skip_to(self.frame + self.ready() as u64 - 2);
            }
        }
    }

    /// Whole frames that wait to be processed.
    pub fn ready(&self) -> usize {
        self.pending[0].len() / self.format.frame
    }

    /// The next frame to be processed.
    pub fn next_frame(&self) -> u64 {
        self.frame
    }

    /// Leaves out the frames before `frame`, which must be no later than the last one ready.
    pub fn skip_to(&mut self, frame: u64) {
        let samples = (frame - self.frame) as usize * self.format.frame;
        if samples == 0 {
            return;
        }
        self.pending.iter_mut().for_each(|pending| drop(pending.drain(..samples)));
        self.frame = frame;
        self.continues = false;
    }

    /// Processes up to `most` of the frames that are ready and appends what becomes of them to
    /// `out`. Returns how many frames it took, at least 1 if any was ready and asked for.
    ///
    /// # Errors
    /// What the model said.
    pub fn process(&mut self, most: usize, out: &mut LaneSamples) -> Result<usize, String> {
        let mut count = self.ready().min(most);
        if count == 0 {
            return Ok(0);
        }
        let before = self.settings;
        while let Some(&(frame, settings)) = self.schedule.front() {
            if frame > self.frame {
                break;
            }
            self.settings = settings;
            self.schedule.pop_front();
        }
        if let Some((frame, _)) = self.schedule.front() {
            count = count.min((frame - self.frame) as usize);
        }

        let samples = count * self.format.frame;
        let planes: Vec<&[f32]> =
            self.routing.planes.iter().map(|&input| &self.pending[input][..samples]).collect();
        let frames = FrameBatch {
            first: self.frame,
            count,
            planes: &planes,
            settings: &self.settings,
            rehearsal: self.rehearsal,
        };
        self.processor.process(&frames, &mut self.processed)?;
        self.check(planes.len(), samples)?;
        self.non_finite += tame(&mut self.processed.audio);

        let lanes = self.processed.audio.chunks_exact_mut(planes.len() * samples);
        for (lane, audio) in lanes.enumerate() {
            let heard = |settings: &FrameEffects| {
                let depth = settings.depths[lane].clamp(1, self.format.layers.max(1));
                (depth, settings.muted_layers)
            };
            let joins = self.frame > 0 && heard(&before) != heard(&self.settings);
            let declick = &mut self.declick[lane * planes.len()..];
            let lane_planes = audio.chunks_exact_mut(samples).zip(&planes);
            for ((plane, dry), declick) in lane_planes.zip(declick) {
                declick.process(plane, dry, joins);
            }
            let matched = &mut self.matches[lane];
            if before != self.settings {
                matched.restart();
            }
            for at in (0..samples).step_by(self.format.frame) {
                let range = at..at + self.format.frame;
                let dry: Vec<&[f32]> = planes.iter().map(|plane| &plane[range.clone()]).collect();
                let mut frame: Vec<&mut [f32]> = audio
                    .chunks_exact_mut(samples)
                    .map(|plane| &mut plane[range.clone()])
                    .collect();
                if self.settings.match_loudness {
                    matched.process(&dry, &mut frame, self.settings.freeze);
                } else {
                    matched.release(&mut frame);
                }
            }
        }
        self.convert_back(samples, out);
        self.pending.iter_mut().for_each(|pending| drop(pending.drain(..samples)));
        self.frame += count as u64;
        Ok(count)
    }

    /// The codes of the frames processed last: for each stream, for each layer, one a frame.
    pub fn codes(&self) -> &[u32] {
        &self.processed.codes
    }

    /// Samples from the model that were not finite, since this was last asked.
    pub fn take_non_finite(&mut self) -> u64 {
        std::mem::take(&mut self.non_finite)
    }

    /// The model's planes become host samples.
    fn convert_back(&mut self, samples: usize, out: &mut LaneSamples) {
        let planes = self.routing.planes.len();
        if !self.continues {
            let start = self.timing.start(self.frame);
            let sample = self.frame * self.format.frame as u64;
            for converter in &mut self.up {
                // The way back starts over at this frame; what lies before it counts as silence.
                let next = converter.seek(start);
                let silence = vec![0.0; sample.saturating_sub(next) as usize];
                converter.process(&silence, &mut Vec::new());
            }
            self.continues = true;
            out.starts_at = Some(start);
        }
        let outputs = self.routing.outputs;
        let lanes = self.processed.audio.chunks_exact_mut(planes * samples);
        for (lane, audio) in lanes.enumerate() {
            self.routing.fold(audio);
            for (output, plane) in audio.chunks_exact(samples).take(outputs).enumerate() {
                let at = lane * outputs + output;
                self.lanes[at].clear();
                self.up[at].process(plane, &mut self.lanes[at]);
            }
        }
        for tick in 0..self.lanes[0].len() {
            for lane in self.lanes.chunks_exact(outputs) {
                let channel = |channel| lane[self.routing.output(channel)][tick];
                out.interleaved.extend((0..self.host_channels).map(channel));
            }
        }
    }

    /// A model must give what it promised; nothing else guards the lanes' alignment.
    fn check(&self, planes: usize, samples: usize) -> Result<(), String> {
        let (expected, found) = (DECODED_LANES * planes * samples, self.processed.audio.len());
        if found != expected {
            return Err(format!("it gave {found} samples, expected {expected}"));
        }
        Ok(())
    }
}

/// Lane samples on their way to the port.
#[derive(Debug, Default)]
pub struct LaneSamples {
    /// Ticks: all channels of lane A, then of lane B.
    pub interleaved: Vec<f32>,
    /// The host sample of the first tick, if it does not follow the one before.
    pub starts_at: Option<u64>,
}

/// Makes samples such as a model can take: what is not finite becomes silence, and what is louder
/// than [`LOUDEST`] that. Returns how many were not finite.
fn tame(samples: &mut [f32]) -> u64 {
    let found = silence_non_finite(samples);
    samples.iter_mut().for_each(|sample| *sample = sample.clamp(-LOUDEST, LOUDEST));
    found
}

/// Replaces what is not finite by silence; returns how many samples that were.
pub(super) fn silence_non_finite(samples: &mut [f32]) -> u64 {
    let mut found = 0;
    for sample in samples.iter_mut().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
        found += 1;
    }
    found
}
