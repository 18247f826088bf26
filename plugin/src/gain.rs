//! Gains that follow their parameters without zipper noise.

use nice_plug::prelude::FloatParam;

/// Applies a gain in dB to planes of equal length. At a settled 0 dB samples pass bit for bit.
/// Realtime-safe.
pub fn apply(decibels: &FloatParam, planes: &mut [&mut [f32]]) {
    let length = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
    let moving = (decibels.smoothed.steps_left().max(0) as usize).min(length);
    for tick in 0..moving {
        let gain = factor(decibels.smoothed.next());
        planes.iter_mut().for_each(|plane| plane[tick] *= gain);
    }
    let gain = factor(decibels.value());
    if gain != 1.0 {
        planes.iter_mut().flat_map(|plane| &mut plane[moving..]).for_each(|x| *x *= gain);
    }
}

/// A host may send anything; what is not a number changes nothing.
fn factor(decibels: f32) -> f32 {
    if decibels.is_finite() { 10f32.powf(decibels / 20.0) } else { 1.0 }
}
