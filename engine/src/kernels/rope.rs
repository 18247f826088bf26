//! Rotary position embedding, exact at any offset of the stream.
//!
//! Source of the frequencies: the reference, which rounds them to f32. Their product with the
//! position is taken in f64 here, so that hour ten is as exact as second one.

/// Cosines and sines of the rotary angles of consecutive positions.
pub struct Rotation {
    frequencies: Vec<f64>,
    /// For each position the cosine of each pair of numbers.
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Rotation {
    /// A table for heads of `head` numbers and at most `capacity` positions; the frequency of pair
    /// i is `max_period^(-2i / head)`, rounded to f32. Allocates.
    pub fn new(head: usize, max_period: f64, capacity: usize) -> Self {
        let half = head / 2;
        let frequency =
            |i| f64::from((-max_period.ln() * 2.0 * i as f64 / head as f64).exp() as f32);
        let zeros = vec![0.0; half * capacity];
        Self { frequencies: (0..half).map(frequency).collect(), cos: zeros.clone(), sin: zeros }
    }

    /// Fills the table for positions `offset .. offset + steps`. Realtime-safe.
    ///
    /// # Panics
    /// If `steps` exceeds the capacity.
    pub fn fill(&mut self, offset: u64, steps: usize) {
        let half = self.frequencies.len();
        for t in 0..steps {
            let position = (offset + t as u64) as f64;
            for (i, frequency) in self.frequencies.iter().enumerate() {
                let (sin, cos) = (position * frequency).sin_cos();
                self.cos[t * half + i] = cos as f32;
                self.sin[t * half + i] = sin as f32;
            }
        }
    }

    /// Rotates the interleaved pairs (2i, 2i+1) of one head at step `t` of the table.
    #[inline(always)]
    pub(super) fn apply(&self, t: usize, x: &mut [f32]) {
        let half = self.frequencies.len();
        let (cos, sin) = (&self.cos[t * half..][..half], &self.sin[t * half..][..half]);
        for ((pair, c), s) in x.as_chunks_mut::<2>().0.iter_mut().zip(cos).zip(sin) {
            let [a, b] = *pair;
            *pair = [a * c - b * s, a * s + b * c];
        }
    }
}
