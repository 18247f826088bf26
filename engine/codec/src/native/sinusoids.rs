//! Sinusoidal position embedding, exact at any offset of the stream.

/// Periods of the embedding in positions per radian, rounded to f32 as the reference's are, and its gain.
pub(super) struct Sinusoids {
    periods: Vec<f64>,
    scale: f32,
}

impl Sinusoids {
    /// Makes the embedding for rows of `width` numbers, an even number of 4 or more.
    pub fn new(width: usize, max_period: f64, scale: f64) -> Self {
        let half = width / 2;
        let period = |i| f64::from(max_period.powf(f64::from(i) / (half as f64 - 1.0)) as f32);
        Self { periods: (0..half as u32).map(period).collect(), scale: scale as f32 }
    }

    /// Adds to the rows of `x`, at positions p from `position` on, the cosines of
    /// `p / max_period^(i / (width/2 - 1))` and then the sines.
    pub fn add(&self, position: u64, x: &mut [f32]) {
        let half = self.periods.len();
        for (t, row) in x.chunks_exact_mut(2 * half).enumerate() {
            let (cosines, sines) = row.split_at_mut(half);
            let p = (position + t as u64) as f64;
            for ((c, s), period) in cosines.iter_mut().zip(sines).zip(&self.periods) {
                let (sin, cos) = (p / period).sin_cos();
                *c += cos as f32 * self.scale;
                *s += sin as f32 * self.scale;
            }
        }
    }
}
