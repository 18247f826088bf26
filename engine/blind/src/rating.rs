//! How close is each of several to the reference?
//!
//! In the manner of ITU-R BS.1534-3 (MUSHRA): all are rated beside each other, 0 (bad) to 100
//! (excellent), among them the reference itself and an anchor, without their names.

use serde::Serialize;

use super::random_source::{RandomError, RandomSource};

/// Below this score of the hidden reference a listener did not hear it (BS.1534-3, 4.1.2).
const REFERENCE_HEARD: u8 = 90;

/// What a rating refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// A score above 100.
    #[error("a score of {0}, expected 0 to 100")]
    Score(u8),
    /// A position that does not exist.
    #[error("position {found} of {count}")]
    Position {
        /// Positions there are.
        count: usize,
        /// The position asked for, from 0.
        found: usize,
    },
    /// The rating has been closed.
    #[error("the rating is closed; scores can no longer change")]
    Closed,
    /// Not all have been rated.
    #[error("{0} have not been rated yet")]
    Missing(usize),
}

/// A page of stimuli to rate.
pub struct RatingTest {
    names: Vec<String>,
    /// Which stimulus plays at each position.
    order: Vec<usize>,
    scores: Vec<Option<u8>>,
    reference: usize,
    closed: bool,
}

/// What a stimulus was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StimulusScore {
    /// Its name.
    pub name: String,
    /// Its score, 0 to 100.
    pub score: u8,
}

impl RatingTest {
    /// A page of `names`, shuffled; `reference` is the one among them that is the reference itself.
    ///
    /// # Errors
    /// If there are no random numbers.
    ///
    /// # Panics
    /// If `reference` is not one of them.
    pub fn new(
        names: Vec<String>,
        reference: usize,
        draw: &mut dyn RandomSource,
    ) -> Result<Self, RandomError> {
        assert!(reference < names.len(), "the reference is one of the stimuli");
        let mut order: Vec<usize> = (0..names.len()).collect();
        // Fisher and Yates.
        for last in (1..order.len()).rev() {
            order.swap(last, draw.below(last + 1)?);
        }
        let scores = vec![None; names.len()];
        Ok(Self { names, order, scores, reference, closed: false })
    }

    /// Positions on the page.
    pub fn positions(&self) -> usize {
        self.order.len()
    }

    /// The stimulus that plays at a position. For the player; a view that shows it spoils the test.
    ///
    /// # Panics
    /// If there is no such position.
    pub fn stimulus(&self, position: usize) -> usize {
        self.order[position]
    }

    /// The score given at a position.
    pub fn score(&self, position: usize) -> Option<u8> {
        self.scores.get(position).copied().flatten()
    }

    /// Rates what plays at a position; may be changed until the page is closed.
    ///
    /// # Errors
    /// If the score or the position does not exist, or the page is closed.
    pub fn rate(&mut self, position: usize, score: u8) -> Result<(), RatingError> {
        if self.closed {
            return Err(RatingError::Closed);
        }
        if score > 100 {
            return Err(RatingError::Score(score));
        }
        let count = self.scores.len();
        let missing = RatingError::Position { count, found: position };
        *self.scores.get_mut(position).ok_or(missing)? = Some(score);
        Ok(())
    }

    /// Closes the page.
    ///
    /// # Errors
    /// If something has not been rated.
    pub fn close(&mut self) -> Result<(), RatingError> {
        match self.scores.iter().filter(|score| score.is_none()).count() {
            0 => {
                self.closed = true;
                Ok(())
            }
            missing => Err(RatingError::Missing(missing)),
        }
    }

    /// The scores by name, best first, once the page is closed and not before.
    pub fn result(&self) -> Option<Vec<StimulusScore>> {
        if !self.closed {
            return None;
        }
        let scored = |(position, stimulus): (usize, &usize)| {
            Some(StimulusScore {
                name: self.names[*stimulus].clone(),
                score: self.scores[position]?,
            })
        };
        let mut scores = self.order.iter().enumerate().map(scored).collect::<Option<Vec<_>>>()?;
        scores.sort_by(|a, b| b.score.cmp(&a.score).then(a.name.cmp(&b.name)));
        Some(scores)
    }

    /// Whether the hidden reference was heard as such, once the page is closed.
    pub fn heard_reference(&self) -> Option<bool> {
        let position = self.order.iter().position(|stimulus| *stimulus == self.reference)?;
        let score = self.score(position)?;
        self.closed.then_some(score >= REFERENCE_HEARD)
    }
}

#[cfg(test)]
mod tests {
    use super::super::random_source::SeededRandom;
    use super::*;

    fn page(seed: u64) -> RatingTest {
        let names = ["original", "depth 8", "depth 2", "anchor"].map(String::from).to_vec();
        RatingTest::new(names, 0, &mut SeededRandom(seed)).unwrap()
    }

    #[test]
    fn names_come_out_after_the_page_is_closed() {
        let mut page = page(7);
        for position in 0..4 {
            assert_eq!(
                (page.close(), page.result()),
                (Err(RatingError::Missing(4 - position)), None)
            );
            let score = [100, 70, 40, 10][page.stimulus(position)];
            page.rate(position, score).unwrap();
        }
        assert_eq!(page.heard_reference(), None);
        page.close().unwrap();
        let scores: Vec<_> =
            page.result().unwrap().into_iter().map(|s| (s.name, s.score)).collect();
        let expected = [("original", 100), ("depth 8", 70), ("depth 2", 40), ("anchor", 10)];
        assert_eq!(scores, expected.map(|(name, score)| (name.to_string(), score)));
        assert_eq!(page.heard_reference(), Some(true));
        assert_eq!(page.rate(0, 3), Err(RatingError::Closed));
    }

    #[test]
    fn the_order_is_a_shuffle() {
        let mut firsts = [0; 4];
        for seed in 0..400 {
            let page = page(seed * 7919);
            let mut all: Vec<usize> = (0..4).map(|position| page.stimulus(position)).collect();
            firsts[all[0]] += 1;
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
        assert!(firsts.iter().all(|&count| (60..140).contains(&count)), "{firsts:?}");
    }

    #[test]
    fn nonsense_is_refused() {
        let mut page = page(1);
        assert_eq!(page.rate(0, 101), Err(RatingError::Score(101)));
        assert_eq!(page.rate(4, 1), Err(RatingError::Position { count: 4, found: 4 }));
    }
}
