//! Reproducible pseudorandom numbers.

/// A reproducible pseudorandom sequence (a linear congruential generator).
pub struct Random(pub u64);

impl Random {
    /// Returns the next number, 0 to 1, excluding 1.
    pub fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }

    /// Returns the next integer below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() * end as f64) as usize
    }
}
