//! Sinusoidal position embedding, exact at any offset of the stream.

/// Periods of the embedding, rounded to f32 as the reference's are.
pub(super) struct Sinusoids {
    periods: Vec<f64>,
    scale: f32,
}

impl Sinusoids {
    pub fn new(width: usize, max_period: f64, scale: f64) -> Self {
        let half = width / 2;
        let period = |i| f64::from(max_period.powf(f64::from(i) / (half as f64 - 1.0)) as f32);
        Self { periods: (0..half as u32).map(period).collect(), scale: scale as f32 }
    }

    /// Adds to the rows of `x`, which stand at `position` and after: cosines of
    /// `p / max_period^(i / (width/2 - 1))`, then sines.
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
