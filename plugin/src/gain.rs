//! Gain in dB that follows its smoothed parameter without zipper noise.

use nice_plug::prelude::FloatParam;

/// Applies a gain in dB to planes of equal length. At a constant 0 dB samples pass unchanged, bit for
/// bit. Realtime-safe.
pub fn apply_gain(decibels: &FloatParam, planes: &mut [&mut [f32]]) {
    let length = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
    let ramp = (decibels.smoothed.steps_left().max(0) as usize).min(length);
    for n in 0..ramp {
        let gain = linear(decibels.smoothed.next());
        planes.iter_mut().for_each(|plane| plane[n] *= gain);
    }
    let gain = linear(decibels.value());
    if gain != 1.0 {
        planes.iter_mut().flat_map(|plane| &mut plane[ramp..]).for_each(|x| *x *= gain);
    }
}

/// The linear gain of a level in dB; 1 for a value that is not finite, which a host may send.
fn linear(decibels: f32) -> f32 {
    if decibels.is_finite() { 10f32.powf(decibels / 20.0) } else { 1.0 }
}
