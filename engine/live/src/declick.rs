//! Joins without clicks between pieces of a signal that do not meet.

use std::f32::consts::PI;

/// Duration over which a step is faded out, in seconds.
const SECONDS: f64 = 0.005;

/// Joins pieces of one channel of a lane.
///
/// Both signals at a join are versions of the dry one, so that it is their difference from it that must
/// not jump: where a new piece begins, the step of that difference is added back and fades out along
/// half a cosine. Two pieces without a difference join without a trace. Between joins the signal
/// passes unchanged, bit for bit. Realtime-safe.
#[derive(Clone, Debug)]
pub struct Declick {
    length: usize,
    /// Samples of the current fade that are still to come.
    left: usize,
    step: f32,
    /// Difference of the last sample from dry.
    last: f32,
}

impl Declick {
    /// Returns the state of a lane at `rate` hertz that was silent so far.
    pub fn new(rate: u32) -> Self {
        let length = (f64::from(rate) * SECONDS) as usize;
        Self { length, left: 0, step: 0.0, last: 0.0 }
    }

    /// Processes the next samples in place, beside the dry ones of the same time; `joins`: they do
    /// not continue the ones before.
    pub fn process(&mut self, samples: &mut [f32], dry: &[f32], joins: bool) {
        let (Some(first), Some(first_dry)) = (samples.first(), dry.first()) else { return };
        if joins {
            self.step = self.last - (first - first_dry);
            self.left = self.length;
        }
        for sample in samples.iter_mut().take(self.left) {
            let along = (self.length - self.left) as f32 / self.length as f32;
            *sample += self.step * (0.5 + 0.5 * (PI * along).cos());
            self.left -= 1;
        }
        let end = samples.len().min(dry.len()) - 1;
        self.last = samples[end] - dry[end];
    }

    /// Sets the past to silence.
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
        let dry = vec![0.0; 60];
        let mut before = vec![0.5; 10];
        declick.process(&mut before, &dry, false);
        assert_eq!(before, [0.5; 10]);
        let mut after = vec![-0.5; 60];
        let (one, two) = after.split_at_mut(7);
        declick.process(one, &dry, true);
        declick.process(two, &dry, false);
        assert_eq!(after[0], 0.5);
        let steps = after.windows(2).map(|pair| (pair[1] - pair[0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.05);
        assert!(after[40..].iter().all(|&x| x == -0.5), "{after:?}");
    }

    #[test]
    fn pieces_of_one_signal_join_without_a_trace() {
        let mut declick = Declick::new(24_000);
        let tone: Vec<f32> = (0..500).map(|n| (n as f32 * 2.1).sin()).collect();
        let mut lane = tone.clone();
        for (piece, (samples, dry)) in lane.chunks_mut(100).zip(tone.chunks(100)).enumerate() {
            declick.process(samples, dry, piece > 0);
        }
        assert!(lane == tone);
    }
}
