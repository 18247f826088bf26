//! Staircase tests for the depth from which on no difference is audible.
//!
//! Source: H. Levitt, "Transformed up-down methods in psychoacoustics", Journal of the Acoustical
//! Society of America 49 (1971): two right answers make the next trial harder, one wrong answer makes
//! it easier, which converges to the depth at which 71% of answers are right.

use serde::Serialize;

use super::abx::AbxSide;
use super::random_source::{RandomError, RandomSource};

/// Reversals after which the test is over.
const REVERSALS: usize = 8;
/// Last reversals that the threshold averages.
const AVERAGED_REVERSALS: usize = 6;
/// Most trials of a [`Staircase`].
pub const MAX_TRIALS: usize = 80;
/// Consecutive right answers at full depth that end the test; their probability by guessing is 1/64.
const RIGHT_AT_FULL_DEPTH: usize = 6;
/// Factors of a step in depth: before the first reversal, after it, and after all later ones.
const FACTORS: [f64; 3] = [2.0, 1.5, 1.25];

/// An adaptive test of the original against a depth that follows the answers.
pub struct Staircase {
    random: Box<dyn RandomSource>,
    deepest: usize,
    depth: usize,
    x: AbxSide,
    /// Consecutive right answers at the current depth.
    streak: usize,
    /// Direction of the last step: true if it went deeper.
    deeper: Option<bool>,
    /// Depth at each reversal of direction.
    reversals: Vec<usize>,
    /// Depth and correctness of each trial.
    trials: Vec<(usize, bool)>,
}

/// The depth at which a difference is just audible.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Threshold {
    /// The geometric mean of the depths at the last reversals.
    Depth(f64),
    /// A difference is audible even at full depth.
    AboveFullDepth,
    /// The test did not converge: the answers did not follow the depth.
    Unsettled,
}

/// The result of a staircase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StaircaseResult {
    /// Depth at which a difference is just audible.
    pub threshold: Threshold,
    /// Depth of each trial, and true if the answer was right.
    pub trials: Vec<(usize, bool)>,
}

impl Staircase {
    /// Returns a test over depths 1 to `deepest`, starting at depth 1, where the difference is largest.
    ///
    /// # Errors
    /// If the random source fails.
    pub fn new(deepest: usize, mut random: Box<dyn RandomSource>) -> Result<Self, RandomError> {
        let x = AbxSide::draw(&mut *random)?;
        let (reversals, trials) = (Vec::new(), Vec::new());
        let deepest = deepest.max(1);
        Ok(Self { random, deepest, depth: 1, x, streak: 0, deeper: None, reversals, trials })
    }

    /// Returns the depth of side B in the current trial; side A is the original. A view that shows it reveals
    /// whether answers were right.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Returns X of the current trial, for the player. A view that shows it invalidates the test.
    pub fn x(&self) -> AbxSide {
        self.x
    }

    /// Records the answer to the current trial and draws the next. Ignored after the end.
    ///
    /// # Errors
    /// If there are no random numbers; the answer then does not count.
    pub fn answer(&mut self, answer: AbxSide) -> Result<(), RandomError> {
        if self.is_over() {
            return Ok(());
        }
        let next = AbxSide::draw(&mut *self.random)?;
        let right = answer == self.x;
        self.trials.push((self.depth, right));
        self.x = next;
        if !right {
            self.streak = 0;
            self.step(false);
        } else {
            self.streak += 1;
            if self.streak >= 2 && self.depth < self.deepest {
                self.streak = 0;
                self.step(true);
            }
        }
        Ok(())
    }

    /// Changes the depth and notes a reversal.
    fn step(&mut self, deeper: bool) {
        let depth = self.depth_after(deeper);
        if self.reverses(deeper) {
            self.reversals.push(self.depth);
        }
        self.deeper = Some(deeper);
        self.depth = depth;
    }

    /// Returns true if a step in this direction is a reversal.
    fn reverses(&self, deeper: bool) -> bool {
        self.deeper.is_some_and(|last| last != deeper)
    }

    /// Returns the depth after a step in this direction.
    fn depth_after(&self, deeper: bool) -> usize {
        let reversals = self.reversals.len() + usize::from(self.reverses(deeper));
        let factor = FACTORS[reversals.min(FACTORS.len() - 1)];
        let depth = self.depth as f64;
        // At least one layer a step.
        if deeper {
            ((depth * factor).round() as usize).max(self.depth + 1).min(self.deepest)
        } else {
            ((depth / factor).round() as usize).min(self.depth - 1).max(1)
        }
    }

    /// Returns every depth that the next trial may have, to be prepared beforehand: the current one, the next
    /// shallower one and the next deeper one.
    pub fn reachable(&self) -> [usize; 3] {
        [self.depth, self.depth_after(false), self.depth_after(true)]
    }

    /// Returns the number of trials answered.
    pub fn answered(&self) -> usize {
        self.trials.len()
    }

    fn heard_at_full_depth(&self) -> bool {
        self.depth == self.deepest && self.streak >= RIGHT_AT_FULL_DEPTH
    }

    fn is_over(&self) -> bool {
        self.reversals.len() >= REVERSALS
            || self.trials.len() >= MAX_TRIALS
            || self.heard_at_full_depth()
    }

    /// Returns the result once the test is over, `None` before.
    pub fn result(&self) -> Option<StaircaseResult> {
        let threshold = if self.heard_at_full_depth() {
            Threshold::AboveFullDepth
        } else if self.reversals.len() >= REVERSALS {
            let last = &self.reversals[self.reversals.len() - AVERAGED_REVERSALS..];
            let mean =
                last.iter().map(|&depth| (depth as f64).ln()).sum::<f64>() / last.len() as f64;
            Threshold::Depth(mean.exp())
        } else {
            Threshold::Unsettled
        };
        self.is_over().then(|| StaircaseResult { threshold, trials: self.trials.clone() })
    }
}

impl StaircaseResult {
    /// Returns the result as a sentence.
    pub fn sentence(&self) -> String {
        let trials = self.trials.len();
        match self.threshold {
            Threshold::Depth(depth) => format!(
                "After {trials} trials: a difference from the original is just heard at a depth of about {depth:.1} layers."
            ),
            Threshold::AboveFullDepth => {
                format!("After {trials} trials: a difference is heard even at full depth.")
            }
            Threshold::Unsettled => format!(
                "After {trials} trials the answers did not settle: perhaps no difference was heard at any depth."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_source::SeededRandom;
    use super::*;

    /// Simulates a listener who answers right where `hears` says so, and guesses elsewhere.
    fn listen(seed: u64, hears: impl Fn(usize) -> bool) -> StaircaseResult {
        let mut test = Staircase::new(32, Box::new(SeededRandom(seed))).unwrap();
        let mut guess = SeededRandom(seed + 1000);
        let mut ready = test.reachable();
        loop {
            assert!(ready.contains(&test.depth()), "{ready:?}, now {}", test.depth());
            ready = test.reachable();
            if let Some(result) = test.result() {
                return result;
            }
            let right = hears(test.depth()) || guess.below(2).unwrap() == 0;
            let other = if test.x() == AbxSide::A { AbxSide::B } else { AbxSide::A };
            let answer = if right { test.x() } else { other };
            test.answer(answer).unwrap();
        }
    }

    #[test]
    fn the_threshold_is_found() {
        for threshold in [2, 6, 12, 20] {
            let found: Vec<f64> = (0..40)
                .filter_map(|seed| match listen(seed, |depth| depth <= threshold).threshold {
                    Threshold::Depth(depth) => Some(depth.ln()),
                    _ => None,
                })
                .collect();
            assert!(found.len() > 30, "{threshold}: settled {} of 40", found.len());
            let mean = (found.iter().sum::<f64>() / found.len() as f64).exp();
            let ratio = mean / threshold as f64;
            assert!((0.8..1.5).contains(&ratio), "{threshold}: {mean}");
        }
    }

    #[test]
    fn perfect_and_deaf_listeners() {
        assert_eq!(listen(1, |_| true).threshold, Threshold::AboveFullDepth);
        let deaf = listen(1, |_| false);
        assert!(deaf.trials.len() <= MAX_TRIALS);
        match deaf.threshold {
            Threshold::Depth(depth) => assert!(depth < 6.0, "{depth}"),
            other => assert_eq!(other, Threshold::Unsettled),
        }
    }

    #[test]
    fn it_starts_plain_and_follows_the_answers() {
        let mut test = Staircase::new(32, Box::new(SeededRandom(3))).unwrap();
        let mut depths = Vec::new();
        for _ in 0..8 {
            depths.push(test.depth());
            test.answer(test.x()).unwrap();
        }
        assert_eq!(depths, [1, 1, 2, 2, 4, 4, 8, 8]);
        assert_eq!((test.depth(), test.result()), (16, None));
    }
}
