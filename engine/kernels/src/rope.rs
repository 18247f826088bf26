//! Rotary position embedding, exact at any offset of the stream.
//!
//! The frequencies are the reference implementation's, which rounds them to f32. Their product with the
//! position is taken in f64 here, so that hour ten is as exact as second one.

/// Positions that share one call of sine and cosine: the angle of a position is that of its group plus a
/// tabulated offset.
const ANGLE_GROUP: u64 = 64;

/// Cosines and sines of the rotary angles of consecutive positions (RoPE).
pub struct RopeTable {
    frequencies: Vec<f64>,
    /// `[position in a group][pair]`: sine and cosine of the offset's angle.
    offsets: Vec<(f64, f64)>,
    /// `[position][pair]`
    cos: Vec<f32>,
    /// `[position][pair]`
    sin: Vec<f32>,
}

impl RopeTable {
    /// Allocates a table for heads of `head_dim` numbers and at most `capacity` positions; the frequency of
    /// pair i is `max_period^(-2i / head_dim)` radians per position, rounded to f32.
    pub fn new(head_dim: usize, max_period: f64, capacity: usize) -> Self {
        let half = head_dim / 2;
        let frequency =
            |i| f64::from((-max_period.ln() * 2.0 * i as f64 / head_dim as f64).exp() as f32);
        let frequencies: Vec<f64> = (0..half).map(frequency).collect();
        let offset = |p: u64| frequencies.iter().map(move |f| (p as f64 * f).sin_cos());
        let offsets = (0..ANGLE_GROUP).flat_map(offset).collect();
        let zeros = vec![0.0; half * capacity];
        Self { frequencies, offsets, cos: zeros.clone(), sin: zeros }
    }

    /// Fills the table for positions `start .. start + steps`; each row is a function of its position alone.
    /// Realtime-safe.
    ///
    /// # Panics
    /// If `steps` exceeds the capacity.
    pub fn fill(&mut self, start: u64, steps: usize) {
        let half = self.frequencies.len();
        let end = start + steps as u64;
        let mut position = start;
        while position < end {
            let group = position - position % ANGLE_GROUP;
            let next = (group + ANGLE_GROUP).min(end);
            for (i, frequency) in self.frequencies.iter().enumerate() {
                let (sin, cos) = (group as f64 * frequency).sin_cos();
                for p in position..next {
                    let (offset_sin, offset_cos) = self.offsets[(p - group) as usize * half + i];
                    let at = (p - start) as usize * half + i;
                    // Angle addition; exact to a few ulp of f64.
                    self.cos[at] = (cos * offset_cos - sin * offset_sin) as f32;
                    self.sin[at] = (sin * offset_cos + cos * offset_sin) as f32;
                }
            }
            position = next;
        }
    }

    /// Rotates the interleaved pairs (2i, 2i+1) of one head, an even number of numbers, by row `t` of the
    /// table, into `y`.
    #[inline(always)]
    pub(super) fn rotate(&self, t: usize, x: &[f32], y: &mut [f32]) {
        let half = self.frequencies.len();
        let (cos, sin) = (&self.cos[t * half..][..half], &self.sin[t * half..][..half]);
        let pairs = y.as_chunks_mut::<2>().0.iter_mut().zip(x.as_chunks::<2>().0);
        for ((([p, q], [a, b]), c), s) in pairs.zip(cos).zip(sin) {
            (*p, *q) = (a * c - b * s, a * s + b * c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_depend_on_the_position_alone() {
        let mut all = RopeTable::new(64, 10_000.0, 200);
        let mut one = RopeTable::new(64, 10_000.0, 1);
        for start in [0, 5, 63, 14_400_017] {
            all.fill(start, 200);
            for t in 0..200 {
                one.fill(start + t as u64, 1);
                assert_eq!(one.cos, all.cos[t * 32..][..32]);
                assert_eq!(one.sin, all.sin[t * 32..][..32]);
                for (i, f) in one.frequencies.iter().enumerate() {
                    let (sin, cos) = ((start + t as u64) as f64 * f).sin_cos();
                    assert!((f64::from(one.cos[i]) - cos).abs() < 6e-8);
                    assert!((f64::from(one.sin[i]) - sin).abs() < 6e-8);
                }
            }
        }
    }
}
