//! Smooth joins between signals that do not meet.

use std::f32::consts::PI;

/// Time over which a step is spread.
const SECONDS: f64 = 0.005;

/// Joins one channel's pieces: where a new piece begins, the step to it is added back and fades out
/// along half a cosine, so that the signal goes on from where it was. Between joins the signal
/// passes unchanged, bit for bit. Realtime-safe.
#[derive(Clone, Debug)]
pub struct Declick {
    length: usize,
    /// Samples of the current join that are still to come.
    left: usize,
    step: f32,
    last: f32,
}

impl Declick {
    /// For a signal of `rate` samples a second, that was silent so far.
    pub fn new(rate: u32) -> Self {
        let length = (f64::from(rate) * SECONDS) as usize;
        Self { length, left: 0, step: 0.0, last: 0.0 }
    }

    /// Passes the next samples; `joins` says that they do not continue the ones before.
    pub fn process(&mut self, samples: &mut [f32], joins: bool) {
        let Some(first) = samples.first() else { return };
        if joins {
            self.step = self.last - first;
            self.left = self.length;
        }
        for sample in samples.iter_mut().take(self.left) {
            let along = (self.length - self.left) as f32 / self.length as f32;
            *sample += self.step * (0.5 + 0.5 * (PI * along).cos());
            self.left -= 1;
        }
        self.last = samples[samples.len() - 1];
    }

    /// Forgets the past: silence.
    pub fn reset(&mut self) {
        (self.left, self.last) = (0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_becomes_a_slope_and_ends() {
        let mut declick = Declick::new(8000);
        let mut before = vec![0.5; 10];
        declick.process(&mut before, false);
        assert_eq!(before, [0.5; 10]);
        let mut after = vec![-0.5; 60];
        let (one, two) = after.split_at_mut(7);
        declick.process(one, true);
        declick.process(two, false);
        assert_eq!(after[0], 0.5);
        let steps = after.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.05);
        assert!(after[40..].iter().all(|&x| x == -0.5), "{after:?}");
    }
}
