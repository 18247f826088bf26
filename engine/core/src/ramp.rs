//! Linear ramps of gains: changes without clicks.
//!
//! | ramp | duration | used where |
//! |---|---|---|
//! | [`Ramp`] | fixed, over blocks of any size | sources of a port, gains and fades of the app |
//! | [`SlewLimiter`] | proportional to the change: fixed slope | the plugin's bypass, which may turn back halfway |
//! | [`ramp_gain`] | within one block | loudness matching, a codec frame at a time |
//!
//! Everything here is realtime-safe.

/// A value on a straight line to its target, over a fixed number of samples.
#[derive(Clone, Debug)]
pub struct Ramp {
    from: f32,
    target: f32,
    /// Samples of a change, at least 1.
    length: usize,
    /// Samples of the change that have passed.
    done: usize,
    /// Samples before the change begins.
    delay: usize,
}

impl Ramp {
    /// Returns a ramp that rests at `value`; changes take `length` samples, at least 1.
    pub fn new(value: f32, length: usize) -> Self {
        let length = length.max(1);
        Self { from: value, target: value, length, done: length, delay: 0 }
    }

    /// Begins a change to `target`, from the current value.
    pub fn set(&mut self, target: f32) {
        self.set_after(target, 0);
    }

    /// Begins a change to `target` after `delay` more samples at the current value.
    pub fn set_after(&mut self, target: f32, delay: usize) {
        let now = self.value();
        (self.from, self.target, self.delay) = (now, target, delay);
        self.done = if now == target { self.length } else { 0 };
    }

    /// Changes to `value` at once.
    pub fn jump(&mut self, value: f32) {
        (self.from, self.target, self.done, self.delay) = (value, value, self.length, 0);
    }

    /// Ends a change at once.
    pub fn settle(&mut self) {
        self.jump(self.target);
    }

    /// Returns the value that the ramp ends at.
    pub fn target(&self) -> f32 {
        self.target
    }

    /// Returns the samples until the target is reached; 0 at rest.
    pub fn remaining(&self) -> usize {
        self.delay + self.length - self.done
    }

    /// Returns the value of the sample that has passed last.
    pub fn value(&self) -> f32 {
        self.at(self.done)
    }

    /// Returns the value at sample `n` after the one that has passed last.
    pub fn value_after(&self, n: usize) -> f32 {
        self.at(self.done + n.saturating_sub(self.delay))
    }

    /// Lets `samples` samples pass.
    pub fn advance(&mut self, samples: usize) {
        let waits = self.delay.min(samples);
        self.delay -= waits;
        self.done = (self.done + samples - waits).min(self.length);
    }

    /// Multiplies the next samples of all planes, those from `start` to `end`, by the value. A value
    /// of 1 leaves samples as they are, bit for bit, and one of 0 replaces them by silence.
    pub fn apply(&mut self, planes: &mut [&mut [f32]], start: usize, end: usize) {
        let waits = self.delay.min(end - start);
        let begin = start + waits;
        let moves = (self.length - self.done).min(end - begin);
        for plane in &mut *planes {
            scale(&mut plane[start..begin], self.value());
            for (n, x) in plane[begin..begin + moves].iter_mut().enumerate() {
                *x *= self.at(self.done + n + 1);
            }
            scale(&mut plane[begin + moves..end], self.target);
        }
        self.advance(end - start);
    }

    fn at(&self, done: usize) -> f32 {
        if done >= self.length {
            return self.target;
        }
        self.from + (self.target - self.from) * (done as f32 / self.length as f32)
    }
}

/// A value from 0 to 1 that changes by at most `step` a sample.
#[derive(Clone, Debug)]
pub struct SlewLimiter {
    value: f32,
    step: f32,
}

impl SlewLimiter {
    /// Returns a limiter at `value`; `step` is at most 1.
    pub fn new(value: f32, step: f32) -> Self {
        Self { value, step }
    }

    /// Returns the current value.
    pub fn value(&self) -> f32 {
        self.value
    }

    /// Moves one step towards `target`, which is 0 or 1, and returns the new value.
    pub fn next(&mut self, target: f32) -> f32 {
        if self.value < target {
            self.value = (self.value + self.step).clamp(0.0, 1.0);
        } else if self.value > target {
            self.value = (self.value - self.step).clamp(0.0, 1.0);
        }
        self.value
    }
}

/// Multiplies samples by a gain that goes from `from` (before the first sample) to `to` along a line
/// over the first `length` samples, and stays there.
pub fn ramp_gain(samples: &mut [f32], from: f32, to: f32, length: usize) {
    let step = (to - from) / length.max(1) as f32;
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample *= if n < length { from + step * (n + 1) as f32 } else { to };
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
    fn a_ramp_is_even_and_ends_exactly() {
        let mut ramp = Ramp::new(1.0, 10);
        let mut plane = [1.0; 40];
        ramp.apply(&mut [&mut plane], 0, 5);
        ramp.set(0.0);
        assert_eq!(ramp.remaining(), 10);
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
        assert_eq!((ramp.value(), ramp.remaining()), (1.0, 0));
    }

    #[test]
    fn values_ahead_are_those_that_apply_uses() {
        let mut ramp = Ramp::new(0.25, 10);
        ramp.set_after(1.0, 3);
        let ahead: Vec<f32> = (1..=20).map(|n| ramp.value_after(n)).collect();
        let mut plane = [1.0; 20];
        ramp.clone().apply(&mut [&mut plane], 0, 20);
        assert_eq!(ahead, plane);
        for (n, value) in ahead.into_iter().enumerate() {
            assert_eq!((ramp.value_after(1), ramp.remaining()), (value, 13usize.saturating_sub(n)));
            ramp.advance(1);
        }
        ramp.set(0.0);
        ramp.settle();
        assert_eq!((ramp.value(), ramp.target(), ramp.remaining()), (0.0, 0.0, 0));
    }

    #[test]
    fn a_slew_limiter_keeps_its_slope_and_stops_at_the_ends() {
        let mut slew = SlewLimiter::new(0.0, 0.375);
        assert_eq!([1.0, 1.0, 1.0, 1.0].map(|to| slew.next(to)), [0.375, 0.75, 1.0, 1.0]);
        assert_eq!([0.0, 0.0, 1.0].map(|to| slew.next(to)), [0.625, 0.25, 0.625]);
    }

    #[test]
    fn a_gain_ramp_within_a_block_holds_its_end() {
        let mut samples = [1.0; 6];
        ramp_gain(&mut samples, 0.0, 1.0, 4);
        assert_eq!(samples, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
        ramp_gain(&mut samples, 5.0, 2.0, 0);
        assert_eq!(samples, [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]);
    }
}
