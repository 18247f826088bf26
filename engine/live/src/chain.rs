//! The processing chain of one model: host samples to lanes of host samples.
//!
//! ```text
//! host samples -> split -> to the model's rate -> pending -> model -> declick, loudness -> fold
//!              -> to the host's rate -> level guard -> interleaved lanes
//! ```
//!
//! A chain is deterministic: its output depends on the samples, on the settings and the samples they
//! were set at, and on nothing else, such as how the stream was cut into blocks.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::declick::Declick;
use super::error::{OpenError, ProcessorError};
use super::level_guard::{GuardCounts, LANE_CEILING, LevelGuard, has_fault};
use super::loudness_match::LoudnessMatch;
use super::model::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
};
use super::non_finite::limit_to_model_range;
use super::routing::Routing;
use super::settings::FrameEffects;
use super::timing::Timing;
use residue_core::audio::{MonoTreatment, RateConverter};

/// Samples of a piece of silence, all channels together.
const SILENCE: usize = 4096;

/// Processing chain of one model, from input to lanes.
pub struct Chain {
    format: ModelFormat,
    timing: Timing,
    routing: Routing,
    host_channels: usize,
    processor: Box<dyn FrameProcessor>,
    down: Vec<RateConverter>,
    /// Host samples by input conversion, before `down`.
    split: Vec<Vec<f32>>,
    /// Model samples by input conversion; the first is the first of frame `frame`.
    pending: Vec<Vec<f32>>,
    /// Number of the next frame to process.
    frame: u64,
    settings: FrameEffects,
    /// Settings to come, with the frame that they apply from.
    schedule: VecDeque<(u64, FrameEffects)>,
    decoded: DecodedFrames,
    /// By lane and plane.
    declick: Vec<Declick>,
    /// By lane.
    loudness: Vec<LoudnessMatch>,
    /// Whether the next decoded frame follows the one before.
    contiguous: bool,
    /// Whether frames are processed only to measure their compute time.
    timing_only: bool,
    /// By lane and output conversion.
    up: Vec<RateConverter>,
    lanes: Vec<Vec<f32>>,
    /// By lane.
    guards: [LevelGuard; DECODED_LANES],
    /// By lane and frame of the last batch: whether the model's output can only be a fault.
    faults: Vec<bool>,
    /// NaN and infinite samples that became silence.
    non_finite: u64,
}

impl Chain {
    /// Returns a chain at the start of a stream. May take seconds.
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
            return Err(OpenError::Model(ProcessorError::Format { channels, frame, rate }));
        }
        let timing = Timing::new(host_rate, format.rate, format.frame)?;
        let routing = Routing::new(host_channels, format.channels, treatment);
        let processor = model.processor(routing.streams).map_err(OpenError::Model)?;
        let planes = routing.streams * format.channels;
        let meter = |_| {
            LoudnessMatch::new(planes, format.rate, timing.frame_seconds())
                .map_err(|error| OpenError::Model(ProcessorError::Loudness(error)))
        };
        let loudness = (0..DECODED_LANES).map(meter).collect::<Result<_, _>>()?;
        Ok(Self {
            processor,
            down: vec![timing.down(); routing.inputs],
            split: vec![Vec::new(); routing.inputs],
            pending: vec![Vec::new(); routing.inputs],
            frame: 0,
            settings: FrameEffects::default(),
            schedule: VecDeque::new(),
            decoded: DecodedFrames::default(),
            declick: vec![Declick::new(format.rate); DECODED_LANES * planes],
            loudness,
            contiguous: true,
            timing_only: false,
            up: vec![timing.up(); DECODED_LANES * routing.outputs],
            lanes: vec![Vec::new(); DECODED_LANES * routing.outputs],
            guards: [0; DECODED_LANES].map(|_| LevelGuard::new(LANE_CEILING, host_rate)),
            faults: Vec::new(),
            non_finite: 0,
            host_channels,
            format,
            timing,
            routing,
        })
    }

    /// Returns the clocks of host and model.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// Returns the shape of the model's audio and codes.
    pub fn format(&self) -> &ModelFormat {
        &self.format
    }

    /// Returns the number of streams.
    pub fn streams(&self) -> usize {
        self.routing.streams
    }

    /// Starts a new stream with these settings.
    pub fn reset(&mut self, settings: FrameEffects) {
        self.processor.reset();
        self.down.iter_mut().chain(&mut self.up).for_each(RateConverter::reset);
        self.pending.iter_mut().chain(&mut self.lanes).for_each(Vec::clear);
        self.declick.iter_mut().for_each(Declick::reset);
        self.loudness.iter_mut().for_each(LoudnessMatch::reset);
        self.guards.iter_mut().for_each(LevelGuard::reset);
        self.schedule.clear();
        self.settings = settings;
        self.frame = 0;
        self.contiguous = true;
        self.timing_only = false;
    }

    /// Processes frames only to measure their compute time alone, or not, until the next [reset](Self::reset).
    pub fn measure_time(&mut self, timing_only: bool) {
        self.timing_only = timing_only;
    }

    /// Schedules settings for the frames that start at host sample `sample` or later.
    pub fn set(&mut self, sample: u64, settings: FrameEffects) {
        let frame = self.timing.first_frame_at(sample);
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
            self.non_finite += limit_to_model_range(&mut pending[before..]);
            split.clear();
        }
    }

    /// Takes silence in the place of `count` host samples that were dropped. Of whole frames of it only
    /// the last two are processed.
    pub fn push_silence(&mut self, mut count: u64) {
        let silence = [0.0; SILENCE];
        while count > 0 {
            let piece = count.min((SILENCE / self.host_channels) as u64) as usize;
            self.push(&silence[..piece * self.host_channels]);
            count -= piece as u64;
            if self.ready() > 2 {
                self.skip_to(self.frame + self.ready() as u64 - 2);
            }
        }
    }

    /// Returns the number of complete frames that wait to be processed.
    pub fn ready(&self) -> usize {
        self.pending[0].len() / self.format.frame
    }

    /// Returns the number of the next frame to be processed.
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
        self.contiguous = false;
    }

    /// Processes up to `most` of the complete frames, needed at `due`, and appends their lane samples to `out`.
    /// Returns the number of frames processed, at least 1 if any was complete and asked for.
    ///
    /// # Errors
    /// If the model fails, or returns the wrong number of samples.
    pub fn process(
        &mut self,
        most: usize,
        due: Option<Instant>,
        out: &mut LaneSamples,
    ) -> Result<usize, ProcessorError> {
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
            first_frame: self.frame,
            count,
            planes: &planes,
            settings: &self.settings,
            timing_only: self.timing_only,
            due,
        };
        self.decoded.held = Duration::ZERO;
        self.processor.process(&frames, &mut self.decoded)?;
        self.check_output(planes.len(), samples)?;
        find_faults(
            &self.decoded.audio,
            planes.len() * samples,
            samples,
            self.format.frame,
            &mut self.faults,
        );
        self.non_finite += limit_to_model_range(&mut self.decoded.audio);

        let lanes = self.decoded.audio.chunks_exact_mut(planes.len() * samples);
        for (lane, audio) in lanes.enumerate() {
            let layers = |settings: &FrameEffects| {
                let depth = settings.depths[lane].clamp(1, self.format.layers.max(1));
                (depth, settings.muted_layers)
            };
            let joins = self.frame > 0 && layers(&before) != layers(&self.settings);
            let declick = &mut self.declick[lane * planes.len()..];
            let lane_planes = audio.chunks_exact_mut(samples).zip(&planes);
            for ((plane, dry), declick) in lane_planes.zip(declick) {
                declick.process(plane, dry, joins);
            }
            let loudness = &mut self.loudness[lane];
            if before != self.settings {
                loudness.restart();
            }
            for at in (0..samples).step_by(self.format.frame) {
                let range = at..at + self.format.frame;
                let dry: Vec<&[f32]> = planes.iter().map(|plane| &plane[range.clone()]).collect();
                let mut frame: Vec<&mut [f32]> = audio
                    .chunks_exact_mut(samples)
                    .map(|plane| &mut plane[range.clone()])
                    .collect();
                if self.settings.match_loudness {
                    loudness.process(&dry, &mut frame, self.settings.freeze);
                } else {
                    loudness.release(&mut frame);
                }
            }
        }
        self.convert_back(samples, out);
        self.pending.iter_mut().for_each(|pending| drop(pending.drain(..samples)));
        self.frame += count as u64;
        Ok(count)
    }

    /// Returns the codes of the frames processed last, `[streams][layers][frames]`.
    pub fn codes(&self) -> &[u32] {
        &self.decoded.codes
    }

    /// Returns the time that the frames processed last were held back for those of other instances.
    pub fn held(&self) -> Duration {
        self.decoded.held
    }

    /// Returns the number of NaN and infinite samples that became silence since the last call.
    pub fn take_non_finite(&mut self) -> u64 {
        std::mem::take(&mut self.non_finite)
    }

    /// Returns the samples of both lanes that were limited or muted since the last call.
    pub fn take_guard_counts(&mut self) -> GuardCounts {
        let [a, b] = self.guards.each_mut().map(LevelGuard::take_counts);
        GuardCounts { limited: a.limited + b.limited, muted: a.muted + b.muted }
    }

    /// Returns which lanes are muted now.
    pub fn muted_lanes(&self) -> [bool; DECODED_LANES] {
        self.guards.each_ref().map(LevelGuard::is_muted)
    }

    /// Converts the model's planes to host samples.
    fn convert_back(&mut self, samples: usize, out: &mut LaneSamples) {
        let planes = self.routing.planes.len();
        if !self.contiguous {
            let start = self.timing.frame_start(self.frame);
            let sample = self.frame * self.format.frame as u64;
            for converter in &mut self.up {
                // The conversion back restarts at this frame; the samples before it count as silence.
                let next = converter.seek(start);
                let silence = vec![0.0; sample.saturating_sub(next) as usize];
                converter.process(&silence, &mut Vec::new());
            }
            self.contiguous = true;
            out.starts_at = Some(start);
        }
        let outputs = self.routing.outputs;
        let lanes = self.decoded.audio.chunks_exact_mut(planes * samples);
        for (lane, audio) in lanes.enumerate() {
            self.routing.fold(audio);
            let lanes = &mut self.lanes[lane * outputs..][..outputs];
            lanes.iter_mut().for_each(Vec::clear);
            // Frame by frame, so that a mute begins at the same sample however frames are batched.
            for (frame, at) in (0..samples).step_by(self.format.frame).enumerate() {
                let from = lanes[0].len();
                let converters = self.up[lane * outputs..].iter_mut().zip(&mut *lanes);
                for ((converter, lane), plane) in converters.zip(audio.chunks_exact(samples)) {
                    converter.process(&plane[at..at + self.format.frame], lane);
                }
                if self.faults[lane * samples / self.format.frame + frame] {
                    self.guards[lane].mute();
                }
                self.guards[lane].process_from(from, lanes);
            }
        }
        for n in 0..self.lanes[0].len() {
            for lane in self.lanes.chunks_exact(outputs) {
                let channel = |channel| lane[self.routing.output(channel)][n];
                out.interleaved.extend((0..self.host_channels).map(channel));
            }
        }
    }

    /// Checks the number of decoded samples: nothing else would keep the lanes aligned.
    fn check_output(&self, planes: usize, samples: usize) -> Result<(), ProcessorError> {
        let (expected, found) = (DECODED_LANES * planes * samples, self.decoded.audio.len());
        if found != expected {
            return Err(ProcessorError::OutputLength { found, expected });
        }
        Ok(())
    }
}

/// Notes by lane and frame of `frame` samples whether it can only be a fault of the model. A lane of
/// `audio` has `lane` samples, in planes of `plane`.
fn find_faults(audio: &[f32], lane: usize, plane: usize, frame: usize, faults: &mut Vec<bool>) {
    faults.clear();
    for lane in audio.chunks_exact(lane) {
        let of_frame =
            |at: usize| lane.chunks_exact(plane).any(|plane| has_fault(&plane[at..at + frame]));
        faults.extend((0..plane).step_by(frame).map(of_frame));
    }
}

/// Lane samples on their way to the port.
#[derive(Debug, Default)]
pub struct LaneSamples {
    /// Sample frames: all channels of lane A, then of lane B.
    pub interleaved: Vec<f32>,
    /// The host sample of the first one, if it does not follow the last one before.
    pub starts_at: Option<u64>,
}
