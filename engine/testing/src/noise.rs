//! Seeded noise for tests and benchmarks.

/// Uniform noise that is the same for a seed on every machine: the linear congruential generator of Press et
/// al., "Numerical Recipes" (x -> 1664525 x + 1013904223 mod 2^32), of which the upper 24 bits are used. The
/// scripts that made golden files use it too.
#[derive(Clone, Debug)]
pub struct SeededNoise(u32);

impl SeededNoise {
    /// Returns the sequence of a seed. Sequences of neighbouring seeds begin alike.
    pub fn new(seed: u32) -> Self {
        Self(seed)
    }

    /// Returns the next 32 bits; the low ones repeat soon.
    pub fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0
    }

    /// Returns the next sample, in -1..1, a multiple of 2^-23.
    pub fn sample(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    /// Returns the next `count` samples.
    pub fn samples(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.sample()).collect()
    }
}

/// Returns `length` samples of uniform noise within ±`level`; seeds next to each other do not begin alike.
pub fn noise(seed: u64, length: usize, level: f32) -> Vec<f32> {
    let mut noise = SeededNoise::new((seed as u32).wrapping_mul(0x9e37_79b9));
    (0..length).map(|_| noise.sample() * level).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_of_a_seed_does_not_change() {
        let mut noise = SeededNoise::new(1);
        // (1664525 * 1 + 1013904223) >> 8 = 3967065, and so on.
        assert_eq!(noise.sample(), 3_967_065.0 / 8_388_608.0 - 1.0);
        let samples = noise.samples(100_000);
        assert!(samples.iter().all(|x| (-1.0..1.0).contains(x)));
        // The mean of n samples has a standard deviation of 1 / sqrt(3 n): 0.0018.
        let mean = samples.iter().sum::<f32>() / samples.len() as f32;
        assert!(mean.abs() < 0.01, "{mean}");
    }
}
