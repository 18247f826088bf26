//! ABX: X is A or B; which?
//!
//! Source: D. Clark, "High-resolution subjective testing using a double-blind comparator", Journal
//! of the Audio Engineering Society 30 (1982).

use serde::Serialize;

use super::binomial::chance_of_at_least;
use super::random_source::{RandomError, RandomSource};

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum AbxSide {
    /// The first.
    A,
    /// The second.
    B,
}

impl AbxSide {
    /// One of the two.
    pub(super) fn draw(draw: &mut dyn RandomSource) -> Result<Self, RandomError> {
        Ok(if draw.below(2)? == 0 { Self::A } else { Self::B })
    }
}

/// A test of a fixed number of trials. The number is chosen before: stopping when the result pleases
/// would make it worthless.
pub struct AbxTest {
    draw: Box<dyn RandomSource>,
    planned: usize,
    /// What X was and what was answered, of the trials that are over.
    trials: Vec<(AbxSide, AbxSide)>,
    /// What X is now.
    x: AbxSide,
}

impl AbxTest {
    /// A test of `planned` trials, at least 1.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn new(planned: usize, mut draw: Box<dyn RandomSource>) -> Result<Self, RandomError> {
        let x = AbxSide::draw(&mut *draw)?;
        Ok(Self { draw, planned: planned.max(1), trials: Vec::new(), x })
    }

    /// What X plays in this trial. For the player; a view that shows it spoils the test.
    pub fn x(&self) -> AbxSide {
        self.x
    }

    /// Trials planned.
    pub fn planned(&self) -> usize {
        self.planned
    }

    /// Trials answered.
    pub fn answered(&self) -> usize {
        self.trials.len()
    }

    /// Takes the answer to this trial and draws the next. Answers after the last trial change
    /// nothing.
    ///
    /// # Errors
    /// If there are no random numbers; the answer then does not count.
    pub fn answer(&mut self, answer: AbxSide) -> Result<(), RandomError> {
        if self.trials.len() < self.planned {
            let next = AbxSide::draw(&mut *self.draw)?;
            self.trials.push((self.x, answer));
            self.x = next;
        }
        Ok(())
    }

    /// What came of it, once all trials are answered and not before.
    pub fn result(&self) -> Option<AbxResult> {
        (self.trials.len() == self.planned).then(|| AbxResult::new(&self.trials))
    }
}

/// The result of an ABX test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AbxResult {
    /// Trials.
    pub trials: u32,
    /// Right answers.
    pub right: u32,
    /// Chance to be right that often or more often by guessing.
    pub p: f64,
    /// What X was in each trial, and what was answered.
    pub answers: Vec<(AbxSide, AbxSide)>,
}

impl AbxResult {
    fn new(trials: &[(AbxSide, AbxSide)]) -> Self {
        let count = trials.len() as u32;
        let right = trials.iter().filter(|(x, answer)| x == answer).count() as u32;
        Self { trials: count, right, p: chance_of_at_least(right, count), answers: trials.to_vec() }
    }

    /// The result in a sentence. Below 5% counts as heard, as is usual; what is not heard in one
    /// test may be in another.
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

/// A chance in words, and as the p-value it is.
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
    fn who_hears_it_is_always_right_and_who_guesses_is_not() {
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
    fn a_finished_test_stays_as_it_is() {
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
