//! Blind listening: does anybody hear a difference, from which depth on, and how bad is it?
//!
//! | test | asks | answers |
//! |---|---|---|
//! | [`AbxTest`] | which of A and B is X? | the chance to do as well by guessing |
//! | [`Staircase`] | the same, dry against a depth that follows the answers | the depth at which a difference is just heard |
//! | [`RatingTest`] | how close is each to the reference, 0 to 100? | a score for each, the hidden reference and the anchor among them |
//!
//! What is played where is drawn from the system's random numbers, never shown and never written
//! before a test is over; an answer given cannot be taken back. Nothing here touches audio: a player
//! asks a test what to play and tells it the answer.

mod abx;
mod binomial;
mod random_source;
mod rating;
mod report;
mod staircase;
mod utc;

pub use abx::{AbxResult, AbxSide, AbxTest};
pub use binomial::chance_of_at_least;
pub use random_source::{RandomError, RandomSource, SeededRandom, SystemRandom};
pub use rating::{RatingError, RatingTest, StimulusScore};
pub use report::{
    BlindTestReport, ComparedStimulus, ListeningConditions, Passage, ReportedModel, TestResult,
    samples_sha256,
};
pub use staircase::{MAX_TRIALS, Staircase, StaircaseResult, Threshold};
