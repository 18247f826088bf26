//! Signals for the tests of this module.

use std::f64::consts::TAU;

use residue_engine_testing::SeededNoise;

use crate::audio::Audio;

/// Returns a sine of `amplitude` at `hertz` on every channel.
pub fn sine(rate: u32, channels: usize, samples: usize, hertz: f64, amplitude: f64) -> Audio {
    let wave: Vec<f32> = (0..samples)
        .map(|n| (amplitude * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32)
        .collect();
    Audio::new(rate, vec![wave; channels])
}

/// Returns uniform noise in `±amplitude`, different on every channel.
pub fn noise(rate: u32, channels: usize, samples: usize, amplitude: f32) -> Audio {
    let mut noise = SeededNoise::new(1);
    let mut plane = || noise.samples(samples).iter().map(|sample| amplitude * sample).collect();
    let channels = (0..channels).map(|_| plane()).collect();
    Audio::new(rate, channels)
}

/// Returns `a + gain * b`.
pub fn mix(a: &Audio, b: &Audio, gain: f32) -> Audio {
    let channels = a.channels.iter().zip(&b.channels);
    let add = |(x, y): (&Vec<f32>, &Vec<f32>)| x.iter().zip(y).map(|(x, y)| x + gain * y).collect();
    Audio::new(a.rate, channels.map(add).collect())
}
