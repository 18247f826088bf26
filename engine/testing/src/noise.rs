//! Noise that is the same in every run.

/// Uniform white noise from a linear congruential generator (W. Press et al., "Numerical Recipes", 2nd
/// edition, section 7.1), the same on every machine.
#[derive(Clone, Debug)]
pub struct SeededNoise(u32);

impl SeededNoise {
    /// The noise of a seed. Neighboring seeds begin alike: spread them where that matters.
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// The next 32 bits; the low ones repeat soon.
    pub fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    /// The next sample, -1 to 1, in steps that are exact in 32-bit floats.
    pub fn sample(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    /// The next `length` samples.
    pub fn samples(&mut self, length: usize) -> Vec<f32> {
        (0..length).map(|_| self.sample()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_repeats_under_its_seed_and_has_no_bias() {
        // Goldens depend on these.
        assert_eq!(SeededNoise::new(0).bits(), 1_013_904_223);
        assert_eq!(SeededNoise::new(1).sample(), -0.527_089);
        let samples = SeededNoise::new(7).samples(100_000);
        assert_eq!(SeededNoise::new(7).samples(100), samples[..100]);
        assert!(samples.iter().all(|sample| (-1.0..1.0).contains(sample)));
        let count = samples.len() as f64;
        let mean = samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / count;
        let power = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 0.01 && (power - 1.0 / 3.0).abs() < 0.01, "{mean}, {power}");
    }
}
