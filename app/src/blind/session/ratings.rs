//! How close is each of several to the original?

use std::sync::Arc;

use residue_engine::blind::{BlindTestReport, RandomSource, RatingTest, TestResult};

use crate::blind::{BlindError, Player, Rendered};

/// What can be listened to while rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stand {
    /// The original, told as such.
    Reference,
    /// One of those to be rated, by its place on the page, from 0.
    Place(usize),
}

/// A page of versions to rate, the original and an anchor hidden among them. Scores may change until
/// the page is closed; names come out after.
pub struct Ratings {
    test: RatingTest,
    rendered: Rendered,
    started: bool,
    playing: Stand,
    report: Option<BlindTestReport>,
}

impl Ratings {
    /// A page of everything that was rendered; the first is the original.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn new(rendered: Rendered, draw: &mut dyn RandomSource) -> Result<Self, BlindError> {
        let names = rendered.heard.compared.iter().map(|compared| compared.name.clone()).collect();
        let test = RatingTest::new(names, 0, draw)?;
        Ok(Self { test, rendered, started: false, playing: Stand::Reference, report: None })
    }

    /// Starts playing, with the original.
    pub fn tick(&mut self, player: &mut dyn Player) {
        if !self.started {
            self.started = true;
            player.audition(Arc::clone(&self.rendered.stimuli));
        }
    }

    /// Places on the page.
    pub fn places(&self) -> usize {
        self.test.positions()
    }

    /// Listens to another one, at the same place in the passage.
    pub fn listen(&mut self, stand: Stand, player: &mut dyn Player) {
        if !self.started || self.report.is_some() {
            return;
        }
        match stand {
            Stand::Reference => player.select(0),
            Stand::Place(place) if place < self.places() => {
                player.select(self.test.stimulus(place));
            }
            Stand::Place(_) => return,
        }
        self.playing = stand;
    }

    /// What is listened to; `None` after the end.
    pub fn playing(&self) -> Option<Stand> {
        (self.started && self.report.is_none()).then_some(self.playing)
    }

    /// The score given at a place, 0 to 100.
    pub fn score(&self, place: usize) -> Option<u8> {
        self.test.score(place)
    }

    /// Rates what plays at a place.
    ///
    /// # Errors
    /// If there is no such place or score, or the page is closed.
    pub fn rate(&mut self, place: usize, score: u8) -> Result<(), BlindError> {
        Ok(self.test.rate(place, score)?)
    }

    /// Places without a score.
    pub fn missing(&self) -> usize {
        (0..self.places()).filter(|place| self.score(*place).is_none()).count()
    }

    /// Closes the page, for good.
    ///
    /// # Errors
    /// If something has not been rated.
    pub fn close(&mut self, player: &mut dyn Player) -> Result<(), BlindError> {
        self.test.close()?;
        if let (Some(scores), Some(heard_reference)) =
            (self.test.result(), self.test.heard_reference())
        {
            let findings = TestResult::Rating { scores, heard_reference };
            self.report = Some(BlindTestReport::new(self.rendered.heard.clone(), findings));
            player.end();
        }
        Ok(())
    }

    /// Rate that the versions are made for.
    pub fn rate_hz(&self) -> u32 {
        self.rendered.heard.played_rate
    }

    /// What came of it, once the page is closed and not before.
    pub fn report(&self) -> Option<&BlindTestReport> {
        self.report.as_ref()
    }
}
