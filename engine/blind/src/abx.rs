//! ABX tests: X is A or B, and the listener decides which.
//!
//! Source: D. Clark, "High-resolution subjective testing using a double-blind comparator", Journal
//! of the Audio Engineering Society 30 (1982).

use serde::Serialize;

use super::binomial::chance_of_at_least;
use super::random_source::{RandomError, RandomSource};

/// One of the two stimuli compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum AbxSide {
    /// The first stimulus.
    A,
    /// The second stimulus.
    B,
}

impl AbxSide {
    /// Draws a side, each with probability 1/2.
    pub(super) fn draw(random: &mut dyn RandomSource) -> Result<Self, RandomError> {
        Ok(if random.below(2)? == 0 { Self::A } else { Self::B })
    }
}

/// An ABX test of a number of trials that is fixed beforehand, because stopping at a favourable result would
/// invalidate its p-value.
pub struct AbxTest {
    random: Box<dyn RandomSource>,
    planned: usize,
    /// X and the answer of each finished trial.
    trials: Vec<(AbxSide, AbxSide)>,
    /// X of the current trial.
    x: AbxSide,
}

impl AbxTest {
    /// Returns a test of `planned` trials, at least 1.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn new(planned: usize, mut random: Box<dyn RandomSource>) -> Result<Self, RandomError> {
        let x = AbxSide::draw(&mut *random)?;
        Ok(Self { random, planned: planned.max(1), trials: Vec::new(), x })
    }

    /// Returns X of the current trial, for the player. A view that shows it invalidates the test.
    pub fn x(&self) -> AbxSide {
        self.x
    }

    /// Returns the number of trials planned.
    pub fn planned(&self) -> usize {
        self.planned
    }

    /// Returns the number of trials answered.
    pub fn answered(&self) -> usize {
        self.trials.len()
    }

    /// Records the answer to the current trial and draws the next. Ignored after the last trial.
    ///
    /// # Errors
    /// If there are no random numbers; the answer then does not count.
    pub fn answer(&mut self, answer: AbxSide) -> Result<(), RandomError> {
        if self.trials.len() < self.planned {
            let next = AbxSide::draw(&mut *self.random)?;
            self.trials.push((self.x, answer));
            self.x = next;
        }
        Ok(())
    }

    /// Returns the result once all trials are answered, `None` before.
    pub fn result(&self) -> Option<AbxResult> {
        (self.trials.len() == self.planned).then(|| AbxResult::new(&self.trials))
    }
}

/// The result of an ABX test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbxResult {
    /// Number of trials.
    pub trials: u32,
    /// Number of right answers.
    pub right: u32,
    /// p-value: probability of at least as many right answers by guessing.
    pub p: f64,
    /// X and the answer of each trial.
    pub answers: Vec<(AbxSide, AbxSide)>,
}

impl AbxResult {
    fn new(trials: &[(AbxSide, AbxSide)]) -> Self {
        let count = trials.len() as u32;
        let right = trials.iter().filter(|(x, answer)| x == answer).count() as u32;
        Self { trials: count, right, p: chance_of_at_least(right, count), answers: trials.to_vec() }
    }

    /// Returns the result as a sentence. p < 0.05 counts as heard, as is usual.
    pub fn sentence(&self) -> String {
        let Self { trials, right, p, .. } = self;
        let verdict = if *p < 0.05 {
            "a difference was heard"
        } else {
            "no difference was shown to be heard"
        };
        format!("{right} of {trials} right: {verdict}. Guessing does as well {}.", once_in(*p))
    }
}

/// Formats a p-value in words and as a number.
fn once_in(p: f64) -> String {
    let value = if p < 0.001 { format!("{p:.2e}") } else { format!("{p:.3}") };
    if p >= 0.5 {
        format!("{:.0}% of the time (p = {value})", 100.0 * p)
    } else {
        format!("once in {:.0} times (p = {value})", 1.0 / p)
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_source::{SeededRandom, SystemRandom};
    use super::*;

    #[test]
    fn right_answers_are_significant_and_guesses_are_not() {
        let mut hears = AbxTest::new(16, Box::new(SystemRandom)).unwrap();
        let mut guesses = AbxTest::new(400, Box::new(SeededRandom(1))).unwrap();
        for _ in 0..16 {
            assert_eq!(hears.result(), None);
            hears.answer(hears.x()).unwrap();
        }
        (0..400).for_each(|_| guesses.answer(AbxSide::A).unwrap());
        let result = hears.result().unwrap();
        assert_eq!((result.right, result.trials), (16, 16));
        assert!((result.p * 65_536.0 - 1.0).abs() < 1e-12);
        assert_eq!(
            result.sentence(),
            "16 of 16 right: a difference was heard. Guessing does as well once in 65536 times (p = 1.53e-5)."
        );
        let result = guesses.result().unwrap();
        assert!((160..240).contains(&result.right), "{}", result.right);
        assert!(result.p > 1e-4);
    }

    #[test]
    fn answers_after_the_last_trial_are_ignored() {
        let mut test = AbxTest::new(2, Box::new(SeededRandom(2))).unwrap();
        let wrong = |x| if x == AbxSide::A { AbxSide::B } else { AbxSide::A };
        (0..2).for_each(|_| test.answer(wrong(test.x())).unwrap());
        let result = test.result().unwrap();
        assert_eq!((result.right, result.p), (0, 1.0));
        test.answer(test.x()).unwrap();
        assert_eq!(test.result().unwrap(), result);
        assert_eq!(
            result.sentence(),
            "0 of 2 right: no difference was shown to be heard. Guessing does as well 100% of the time (p = 1.000)."
        );
    }
}
