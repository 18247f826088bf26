//! Compute times of frames on noise: the time that the worker of a port needs, and that of several ports.

use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use residue_core::audio::MonoTreatment;
use residue_core::random::SplitMix64;

use super::chain::{Chain, LaneSamples};
use super::error::{OpenError, ProcessorError};
use super::model::LiveModel;

/// Peak of the noise.
const LEVEL: f32 = 0.5;

/// Frames of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedFrames {
    /// Frames before the first that is timed: they fill the attention windows.
    pub warm_up: usize,
    /// Passes that are timed.
    pub passes: usize,
    /// Frames of a pass, at least 1: 1 as a port runs them, more as after a hold-up.
    pub together: usize,
}

/// Measures how long passes of a live stream take: conversion from the host's rate, encoding, quantizing, decoding of
/// both lanes, and conversion back, of noise. Returns the times of `passes` passes. Not realtime-safe.
///
/// `progress` is told the share that is done, 0 to 1; where it breaks, fewer times are returned.
///
/// # Errors
/// If rate (in hertz) or channels (1 or 2) of the host are not supported, or the model fails.
pub fn measure_frame_times(
    model: &dyn LiveModel,
    rate: u32,
    channels: usize,
    frames: TimedFrames,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Vec<Duration>, OpenError> {
    if !(1..=2).contains(&channels) {
        return Err(OpenError::Channels(channels));
    }
    let mut chain = Chain::new(model, rate, channels, MonoTreatment::default())?;
    time_frames(&mut chain, channels, frames, progress)
}

/// Returns the times of passes of a chain, which is to be reset afterwards.
pub(super) fn time_frames(
    chain: &mut Chain,
    channels: usize,
    frames: TimedFrames,
    progress: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Vec<Duration>, OpenError> {
    let TimedFrames { warm_up, passes, together } = frames;
    let warm_up = warm_up.div_ceil(together);
    let samples = chain.timing().frame_length() * together;
    let mut random = SplitMix64::new(1);
    let mut lanes = LaneSamples::default();
    let mut times = Vec::with_capacity(warm_up + passes);
    chain.measure_time(true);
    while times.len() < warm_up + passes {
        if progress(times.len() as f64 / (warm_up + passes) as f64).is_break() {
            break;
        }
        let input: Vec<f32> = (0..samples * channels).map(|_| LEVEL * random.sample()).collect();
        lanes.interleaved.clear();
        let began = Instant::now();
        chain.push(&input);
        // The converters' lookahead: the first input completes one frame less.
        if chain.process(together, None, &mut lanes).map_err(OpenError::Model)? == together {
            times.push(began.elapsed());
        }
    }
    Ok(times.split_off(warm_up.min(times.len())))
}

/// Instances of models that run side by side, each on a thread of its own, as the ports of one process do.
pub struct LiveInstances {
    rate: u32,
    channels: usize,
    instances: Vec<TimedInstance>,
}

struct TimedInstance {
    chain: Chain,
    random: SplitMix64,
    lanes: LaneSamples,
}

/// How the frames of [`LiveInstances`] are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceSharing {
    /// In passes that instances of one model share.
    Shared,
    /// In passes of each instance's own.
    Separate,
}

impl LiveInstances {
    /// Returns none yet, for a host of this rate (in hertz) and these channels (1 or 2).
    pub fn new(rate: u32, channels: usize) -> Self {
        Self { rate, channels, instances: Vec::new() }
    }

    /// Adds an instance of `model`, with empty attention windows.
    ///
    /// # Errors
    /// If rate or channels of the host are not supported, or the model fails.
    pub fn add(&mut self, model: &dyn LiveModel) -> Result<(), OpenError> {
        if !(1..=2).contains(&self.channels) {
            return Err(OpenError::Channels(self.channels));
        }
        let chain = Chain::new(model, self.rate, self.channels, MonoTreatment::default())?;
        let random = SplitMix64::new(self.instances.len() as u64 + 1);
        self.instances.push(TimedInstance { chain, random, lanes: LaneSamples::default() });
        Ok(())
    }

    /// Returns the number of instances.
    pub fn count(&self) -> usize {
        self.instances.len()
    }

    /// Gives each of `instances` the input of `frames` frames at once, `rounds` times, and returns how long it took
    /// until all had been computed. `progress` is told how many rounds are done. Not realtime-safe.
    ///
    /// # Errors
    /// If the model fails.
    ///
    /// # Panics
    /// If there are fewer instances.
    pub fn time(
        &mut self,
        instances: Range<usize>,
        sharing: InstanceSharing,
        (frames, rounds): (usize, usize),
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<Duration>, OpenError> {
        let channels = self.channels;
        // Of the instances and this thread, which only counts.
        let barrier = Barrier::new(instances.len() + 1);
        // By instance, from the input of a round to its result.
        let spans = Mutex::new(vec![Vec::with_capacity(instances.len()); rounds]);
        let failure = Mutex::new(None);
        std::thread::scope(|scope| {
            for instance in &mut self.instances[instances] {
                let (barrier, spans, failure) = (&barrier, &spans, &failure);
                scope.spawn(move || {
                    for round in 0..rounds {
                        let input = instance.noise(frames, channels);
                        barrier.wait();
                        let began = Instant::now();
                        let round_of = AssertUnwindSafe(|| instance.round(&input, frames, sharing));
                        let result = catch_unwind(round_of)
                            .unwrap_or_else(|panic| Err(ProcessorError::from_panic(&*panic)));
                        let span = (began, Instant::now());
                        // After an error it still comes to the barrier, where the others wait for it.
                        match result {
                            Ok(()) => lock(spans)[round].push(span),
                            Err(error) => *lock(failure) = Some(error),
                        }
                        barrier.wait();
                    }
                });
            }
            for round in 0..rounds {
                barrier.wait();
                barrier.wait();
                progress(round + 1);
            }
        });
        if let Some(error) = lock(&failure).take() {
            return Err(OpenError::Model(error));
        }
        let duration = |spans: &Vec<(Instant, Instant)>| {
            let began = spans.iter().map(|span| span.0).min();
            let ended = spans.iter().map(|span| span.1).max();
            began.zip(ended).map_or(Duration::ZERO, |(began, ended)| ended - began)
        };
        Ok(lock(&spans).iter().map(duration).collect())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TimedInstance {
    fn noise(&mut self, frames: usize, channels: usize) -> Vec<f32> {
        let samples = frames * self.chain.timing().frame_length() * channels;
        (0..samples).map(|_| LEVEL * self.random.sample()).collect()
    }

    /// Computes the frames of `input`, due when as many have passed.
    fn round(
        &mut self,
        input: &[f32],
        frames: usize,
        sharing: InstanceSharing,
    ) -> Result<(), ProcessorError> {
        let length = self.chain.timing().frame_seconds() * frames as f64;
        let due = Instant::now() + Duration::from_secs_f64(length);
        self.chain.measure_time(sharing == InstanceSharing::Separate);
        self.lanes.interleaved.clear();
        self.chain.push(input);
        while self.chain.process(frames, Some(due), &mut self.lanes)? > 0 {}
        Ok(())
    }
}
