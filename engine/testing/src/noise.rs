//! Seeded white noise.

use residue_engine::dsp::SplitMix64;

/// Returns `length` samples of uniform white noise within ±`level`, the same for a seed every time.
pub fn noise(seed: u64, length: usize, level: f32) -> Vec<f32> {
    let mut random = SplitMix64::new(seed);
    (0..length).map(|_| random.sample() * level).collect()
}
