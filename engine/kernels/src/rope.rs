//! Rotary position embedding, exact at any offset of the stream.
//!
//! Source of the frequencies: the reference, which rounds them to f32. Their product with the
//! position is taken in f64 here, so that hour ten is as exact as second one.

/// Positions whose angles are put together from one sine and cosine: a position's own place in its
/// group is looked up, so that only the group's costs a library call.
const GROUP: u64 = 64;

/// Cosines and sines of the rotary angles of consecutive positions.
pub struct Rotation {
    frequencies: Vec<f64>,
    /// For each place in a group and pair of numbers, sine and cosine of its angle.
    places: Vec<(f64, f64)>,
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
        let frequencies: Vec<f64> = (0..half).map(frequency).collect();
        let place = |p: u64| frequencies.iter().map(move |f| (p as f64 * f).sin_cos());
        let places = (0..GROUP).flat_map(place).collect();
        let zeros = vec![0.0; half * capacity];
        Self { frequencies, places, cos: zeros.clone(), sin: zeros }
    }

    /// Fills the table for positions `offset .. offset + steps`, each a function of the position
    /// alone. Realtime-safe.
    ///
    /// # Panics
    /// If `steps` exceeds the capacity.
    pub fn fill(&mut self, offset: u64, steps: usize) {
        let half = self.frequencies.len();
        let end = offset + steps as u64;
        let mut position = offset;
        while position < end {
            let group = position - position % GROUP;
            let next = (group + GROUP).min(end);
            for (i, frequency) in self.frequencies.iter().enumerate() {
                let (sin, cos) = (group as f64 * frequency).sin_cos();
                for p in position..next {
                    let (place_sin, place_cos) = self.places[(p - group) as usize * half + i];
                    let at = (p - offset) as usize * half + i;
                    // The angle's sum; wrong by a few units of f64's last place.
                    self.cos[at] = (cos * place_cos - sin * place_sin) as f32;
                    self.sin[at] = (sin * place_cos + cos * place_sin) as f32;
                }
            }
            position = next;
        }
    }

    /// Writes to `y` the interleaved pairs (2i, 2i+1) of one head, an even number of numbers, rotated as at
    /// step `t` of the table.
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
    fn angles_are_those_of_the_position_whatever_the_offset() {
        let mut all = Rotation::new(64, 10_000.0, 200);
        let mut one = Rotation::new(64, 10_000.0, 1);
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
