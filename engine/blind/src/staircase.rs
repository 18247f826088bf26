//! From which depth on is no difference heard?
//!
//! Source: H. Levitt, "Transformed up-down methods in psychoacoustics", Journal of the Acoustical
//! Society of America 49 (1971): two right answers make the next trial harder, one wrong answer makes
//! it easier, which settles where 71% of answers are right.

use serde::Serialize;

use super::abx::AbxSide;
use super::random_source::{RandomError, RandomSource};

/// Turns after which the test is over, and how many of the last ones count.
const TURNS: usize = 8;
const COUNTED: usize = 6;
/// Trials after which a [`Staircase`] is over in any case.
pub const MAX_TRIALS: usize = 80;
/// Right answers in a row at full depth that end the test: chance does that once in 64 times.
const AT_THE_TOP: usize = 6;
/// Factors of the depth from one level to the next, before the first turn and then after each.
const FACTORS: [f64; 3] = [2.0, 1.5, 1.25];

/// Trials of dry against a depth that follows the answers.
pub struct Staircase {
    draw: Box<dyn RandomSource>,
    deepest: usize,
    depth: usize,
    x: AbxSide,
    /// Right answers in a row at this depth.
    streak: usize,
    /// The way the depth last went: deeper or not.
    deeper: Option<bool>,
    turns: Vec<usize>,
    trials: Vec<(usize, bool)>,
}

/// Where a difference is just heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Threshold {
    /// At about this depth: the geometric mean of the last turns.
    Depth(f64),
    /// Even at full depth a difference is heard.
    AboveFullDepth,
    /// No steady level was reached: the answers did not follow the depth.
    Unsettled,
}

/// The result of a staircase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StaircaseResult {
    /// Where a difference is just heard.
    pub threshold: Threshold,
    /// The depth of each trial, and whether the answer was right.
    pub trials: Vec<(usize, bool)>,
}

impl Staircase {
    /// A test over depths 1 to `deepest`, starting where the difference is plain.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn new(deepest: usize, mut draw: Box<dyn RandomSource>) -> Result<Self, RandomError> {
        let x = AbxSide::draw(&mut *draw)?;
        let (turns, trials) = (Vec::new(), Vec::new());
        let deepest = deepest.max(1);
        Ok(Self { draw, deepest, depth: 1, x, streak: 0, deeper: None, turns, trials })
    }

    /// The depth that side B plays in this trial; side A is dry. A view that shows it tells whether
    /// answers were right.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// What X plays in this trial. For the player; a view that shows it spoils the test.
    pub fn x(&self) -> AbxSide {
        self.x
    }

    /// Takes the answer to this trial and draws the next. Answers after the end change nothing.
    ///
    /// # Errors
    /// If there are no random numbers; the answer then does not count.
    pub fn answer(&mut self, answer: AbxSide) -> Result<(), RandomError> {
        if self.is_over() {
            return Ok(());
        }
        let next = AbxSide::draw(&mut *self.draw)?;
        let right = answer == self.x;
        self.trials.push((self.depth, right));
        self.x = next;
        if !right {
            self.streak = 0;
            self.go(false);
        } else {
            self.streak += 1;
            if self.streak >= 2 && self.depth < self.deepest {
                self.streak = 0;
                self.go(true);
            }
        }
        Ok(())
    }

    fn go(&mut self, deeper: bool) {
        let depth = self.after(deeper);
        if self.turns_with(deeper) {
            self.turns.push(self.depth);
        }
        self.deeper = Some(deeper);
        self.depth = depth;
    }

    /// Whether going this way is a turn.
    fn turns_with(&self, deeper: bool) -> bool {
        self.deeper.is_some_and(|last| last != deeper)
    }

    /// The depth that going this way leads to.
    fn after(&self, deeper: bool) -> usize {
        let turns = self.turns.len() + usize::from(self.turns_with(deeper));
        let factor = FACTORS[turns.min(FACTORS.len() - 1)];
        let depth = self.depth as f64;
        // At least one layer a step.
        if deeper {
            ((depth * factor).round() as usize).max(self.depth + 1).min(self.deepest)
        } else {
            ((depth / factor).round() as usize).min(self.depth - 1).max(1)
        }
    }

    /// Every depth that the next trial may have, whatever is answered: to be made ready before. This
    /// one, the next shallower one and the next deeper one.
    pub fn reachable(&self) -> [usize; 3] {
        [self.depth, self.after(false), self.after(true)]
    }

    /// Trials answered.
    pub fn answered(&self) -> usize {
        self.trials.len()
    }

    fn at_the_top(&self) -> bool {
        self.depth == self.deepest && self.streak >= AT_THE_TOP
    }

    fn is_over(&self) -> bool {
        self.turns.len() >= TURNS || self.trials.len() >= MAX_TRIALS || self.at_the_top()
    }

    /// What came of it, once the test is over and not before.
    pub fn result(&self) -> Option<StaircaseResult> {
        let threshold = if self.at_the_top() {
            Threshold::AboveFullDepth
        } else if self.turns.len() >= TURNS {
            let last = &self.turns[self.turns.len() - COUNTED..];
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
    /// The result in a sentence.
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

    /// A listener who hears the difference up to a depth and guesses beyond.
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
    fn golden_ears_and_deaf_ears() {
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
