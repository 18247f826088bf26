//! Gains that change without clicks.

/// A gain on its way to another, along a line. Realtime-safe.
pub struct Ramp {
    from: f32,
    target: f32,
    /// Samples of a change, and how many of them have passed.
    length: usize,
    done: usize,
    /// Samples before it begins.
    delay: usize,
}

impl Ramp {
    /// Stays at `gain`; changes will take `length` samples.
    pub fn new(gain: f32, length: usize) -> Self {
        Self { from: gain, target: gain, length: length.max(1), done: length.max(1), delay: 0 }
    }

    /// Heads for another gain, from wherever it is.
    pub fn set(&mut self, target: f32) {
        self.set_after(target, 0);
    }

    /// As [`Ramp::set`], but stays where it is for `delay` samples first.
    pub fn set_after(&mut self, target: f32, delay: usize) {
        let now = self.gain();
        (self.from, self.target, self.delay) = (now, target, delay);
        self.done = if now == target { self.length } else { 0 };
    }

    /// Is there at once.
    pub fn jump(&mut self, gain: f32) {
        (self.from, self.target, self.done, self.delay) = (gain, gain, self.length, 0);
    }

    /// The gain that it moves to.
    pub fn target(&self) -> f32 {
        self.target
    }

    /// Samples until it is there.
    pub fn left(&self) -> usize {
        self.delay + self.length - self.done
    }

    /// The gain of the sample that was last.
    pub fn gain(&self) -> f32 {
        self.after(0)
    }

    /// The gain `samples` later, without the delay.
    fn after(&self, samples: usize) -> f32 {
        let done = self.done + samples;
        if done >= self.length {
            return self.target;
        }
        self.from + (self.target - self.from) * (done as f32 / self.length as f32)
    }

    /// Applies it to the next samples of all planes, from `at` to `end`. A gain of 1 leaves them as
    /// they are, bit for bit.
    pub fn apply(&mut self, planes: &mut [&mut [f32]], at: usize, end: usize) {
        let waits = self.delay.min(end - at);
        let start = at + waits;
        let moves = (self.length - self.done).min(end - start);
        for plane in &mut *planes {
            scale(&mut plane[at..start], self.gain());
            for (n, x) in plane[start..start + moves].iter_mut().enumerate() {
                *x *= self.after(n + 1);
            }
            scale(&mut plane[start + moves..end], self.target);
        }
        self.delay -= waits;
        self.done += moves;
    }
}

fn scale(samples: &mut [f32], gain: f32) {
    if gain == 0.0 {
        samples.fill(0.0);
    } else if gain != 1.0 {
        samples.iter_mut().for_each(|x| *x *= gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_evenly_and_ends_exactly() {
        let mut ramp = Ramp::new(1.0, 10);
        let mut plane = [1.0; 40];
        ramp.apply(&mut [&mut plane], 0, 5);
        ramp.set(0.0);
        assert_eq!(ramp.left(), 10);
        ramp.apply(&mut [&mut plane], 5, 9);
        ramp.apply(&mut [&mut plane], 9, 20);
        ramp.set_after(1.0, 7);
        ramp.apply(&mut [&mut plane], 20, 40);
        assert_eq!(plane[..5], [1.0; 5]);
        assert!(
            plane[5..15]
                .iter()
                .enumerate()
                .all(|(n, x)| { (x - (1.0 - (n + 1) as f32 / 10.0)).abs() < 1e-6 })
        );
        assert_eq!(plane[15..27], [0.0; 12]);
        assert!(plane.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.101));
        assert_eq!(plane[36..], [1.0; 4]);
        assert_eq!((ramp.gain(), ramp.left()), (1.0, 0));
    }
}
