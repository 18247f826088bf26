//! Blind listening tests: whether a difference is audible, from which depth on, and how large it is.
//!
//! | test | question | result |
//! |---|---|---|
//! | [`AbxTest`] | Is X A or B? | probability to do as well by guessing |
//! | [`Staircase`] | the same, of the original and a depth that follows the answers | the depth at which a difference is just audible |
//! | [`RatingTest`] | How close is each stimulus to the reference, 0 to 100? | scores, including a hidden reference and an anchor |
//!
//! Assignments are drawn from the system's random numbers and neither shown nor written before a test is
//! over; answers are final. Tests do not touch audio: a player asks a test for the stimulus to play and passes
//! the listener's answer to it.

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
