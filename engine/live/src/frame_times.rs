//! Compute times of frames, one at a time on noise: the time that the worker of a port needs.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use residue_core::audio::MonoTreatment;
use residue_core::random::SplitMix64;

use super::chain::{Chain, LaneSamples};
use super::error::OpenError;
use super::model::LiveModel;

/// Peak of the noise.
const LEVEL: f32 = 0.5;

/// Measures how long frames of a live stream take: conversion from the host's rate, encoding, quantizing, decoding of
/// both lanes, and conversion back, one frame at a time on noise. Not realtime-safe.
///
/// The first `warm_up` frames fill the attention windows, and are not among the `count` times that are returned.
/// `progress` is told how many frames are done; where it breaks, fewer times are returned.
///
/// # Errors
/// If rate (in hertz) or channels (1 or 2) of the host are not supported, or the model fails.
pub fn measure_frame_times(
    model: &dyn LiveModel,
    rate: u32,
    channels: usize,
    (warm_up, count): (usize, usize),
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Vec<Duration>, OpenError> {
    if !(1..=2).contains(&channels) {
        return Err(OpenError::Channels(channels));
    }
    let mut chain = Chain::new(model, rate, channels, MonoTreatment::default())?;
    let mut times = time_frames(&mut chain, channels, warm_up + count, progress)?;
    Ok(times.split_off(warm_up.min(times.len())))
}

/// Returns the times of `count` frames of a chain, which is to be reset afterwards.
pub(super) fn time_frames(
    chain: &mut Chain,
    channels: usize,
    count: usize,
    progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Vec<Duration>, OpenError> {
    let samples = chain.timing().frame_length();
    let mut random = SplitMix64::new(1);
    let mut lanes = LaneSamples::default();
    let mut times = Vec::with_capacity(count);
    chain.measure_time();
    while times.len() < count {
        if progress(times.len()).is_break() {
            break;
        }
        let input: Vec<f32> = (0..samples * channels).map(|_| LEVEL * random.sample()).collect();
        lanes.interleaved.clear();
        let began = Instant::now();
        chain.push(&input);
        if chain.process(1, &mut lanes).map_err(OpenError::Model)? > 0 {
            times.push(began.elapsed());
        }
    }
    Ok(times)
}
