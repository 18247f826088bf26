//! Test signals, and distances between signals.

use residue_engine_testing::SeededNoise;
use residue_media::audio::Audio;

/// Returns `length` samples of a sine at `hertz`.
pub fn sine(rate: u32, hertz: f64, amplitude: f64, length: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * hertz / f64::from(rate);
    (0..length).map(|n| (amplitude * (step * n as f64).sin()) as f32).collect()
}

/// Returns the signal of the fixtures, at `rate` and with `channels` channels.
pub fn fixture_signal(rate: u32, channels: usize) -> Audio {
    let length = (rate as usize) / 5;
    let voices = [sine(rate, 440.0, 0.5, length), sine(rate, 1000.0, 0.25, length)];
    Audio::new(rate, (0..channels).map(|c| voices[c % 2].clone()).collect())
}

/// Returns seeded noise in -1..1.
pub fn noise(length: usize, seed: u32) -> Vec<f32> {
    SeededNoise::new(seed).samples(length)
}

/// Returns the signal-to-noise ratio of `found` against `expected` in decibels.
pub fn snr(expected: &[f32], found: &[f32]) -> f64 {
    assert_eq!(expected.len(), found.len());
    let power: f64 = expected.iter().map(|&x| f64::from(x).powi(2)).sum();
    let error: f64 =
        expected.iter().zip(found).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum();
    10.0 * (power / error).log10()
}

/// Returns the largest absolute difference.
pub fn largest_error(expected: &[f32], found: &[f32]) -> f32 {
    assert_eq!(expected.len(), found.len());
    expected.iter().zip(found).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}
