//! Compute times of frames, on noise: the time that the worker of a port needs, and that of several ports.

use std::ops::Range;
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use residue_core::audio::MonoTreatment;
use residue_core::random::SplitMix64;

use super::chain::{Chain, LaneSamples};
use super::error::{OpenError, ProcessorError};
use super::model::LiveModel;

/// Peak of the noise.
const LEVEL: f32 = 0.5;

/// Measures how long frames of a live stream take: conversion from the host's rate, encoding, quantizing, decoding of
/// both lanes, and conversion back, one frame at a time on noise. Not realtime-safe.
///
/// The first `warm_up` frames fill the attention windows, and are not among the `count` times that are returned.
/// `progress` is told how many frames are done.
///
/// # Errors
/// If rate (in hertz) or channels (1 or 2) of the host are not supported, or the model fails.
pub fn measure_frame_times(
    model: &dyn LiveModel,
    rate: u32,
    channels: usize,
    (warm_up, count): (usize, usize),
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Duration>, OpenError> {
    if !(1..=2).contains(&channels) {
        return Err(OpenError::Channels(channels));
    }
    let mut chain = Chain::new(model, rate, channels, MonoTreatment::default())?;
    let mut times = time_frames(&mut chain, channels, warm_up + count, progress)?;
    Ok(times.split_off(warm_up))
}

/// Returns the times of `count` frames of a chain, which is to be reset afterwards.
pub(super) fn time_frames(
    chain: &mut Chain,
    channels: usize,
    count: usize,
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Duration>, OpenError> {
    let samples = chain.timing().frame_length();
    let mut random = SplitMix64::new(1);
    let mut lanes = LaneSamples::default();
    let mut times = Vec::with_capacity(count);
    chain.measure_time(true);
    while times.len() < count {
        progress(times.len());
        let input: Vec<f32> = (0..samples * channels).map(|_| LEVEL * random.sample()).collect();
        lanes.interleaved.clear();
        let began = Instant::now();
        chain.push(&input);
        if chain.process(1, None, &mut lanes).map_err(OpenError::Model)? > 0 {
            times.push(began.elapsed());
        }
    }
    Ok(times)
}

/// Instances of models that run side by side, each on a thread of its own, as the ports of one process do.
pub struct LiveInstances {
    rate: u32,
    channels: usize,
    instances: Vec<Mutex<TimedInstance>>,
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
        self.instances.push(Mutex::new(TimedInstance {
            chain,
            random,
            lanes: LaneSamples::default(),
        }));
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
        let barrier = Barrier::new(instances.len() + 1);
        let failed = Mutex::new(None);
        let mut times = Vec::with_capacity(rounds);
        std::thread::scope(|scope| {
            for instance in &self.instances[instances] {
                let (barrier, failed) = (&barrier, &failed);
                scope.spawn(move || {
                    let mut instance = instance.lock().unwrap_or_else(PoisonError::into_inner);
                    for _ in 0..rounds {
                        let input = instance.noise(frames, channels);
                        barrier.wait();
                        if let Err(error) = instance.round(&input, frames, sharing) {
                            failed
                                .lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .get_or_insert(error);
                        }
                        barrier.wait();
                    }
                });
            }
            for round in 0..rounds {
                barrier.wait();
                let began = Instant::now();
                barrier.wait();
                times.push(began.elapsed());
                progress(round + 1);
            }
        });
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(times),
            Some(error) => Err(OpenError::Model(error)),
        }
    }
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
