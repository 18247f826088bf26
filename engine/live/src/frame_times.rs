//! Compute times of frames on noise: the time that the worker of a port needs.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use residue_core::audio::MonoTreatment;
use residue_core::random::SplitMix64;

use super::chain::{Chain, LaneSamples};
use super::error::OpenError;
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
    chain.measure_time();
    while times.len() < warm_up + passes {
        if progress(times.len() as f64 / (warm_up + passes) as f64).is_break() {
            break;
        }
        let input: Vec<f32> = (0..samples * channels).map(|_| LEVEL * random.sample()).collect();
        lanes.interleaved.clear();
        let began = Instant::now();
        chain.push(&input);
        // The converters' lookahead: the first input completes one frame less.
        if chain.process(together, &mut lanes).map_err(OpenError::Model)? == together {
            times.push(began.elapsed());
        }
    }
    Ok(times.split_off(warm_up.min(times.len())))
}
