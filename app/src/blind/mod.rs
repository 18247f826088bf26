//! Blind listening tests without a window: stimuli, trials, reports.
//!
//! ```text
//! TestMaterial + Contenders -> RenderedPassages or Ladder (threads) -> Trials or Ratings -> report -> files
//!                                                                        |
//!                                                                  AuditionPlayer
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`Contender`] | a version of a passage: the original, an anchor, a depth of a model in a precision, a conventional codec |
//! | [`TestMaterial`] | the file and the passage of it that all versions are made of |
//! | [`render()`] | the passage as each contender: aligned to the sample, matched in loudness, with checksums |
//! | [`Ladder`] | the same for the depths of a threshold test, made as they are needed |
//! | [`Trials`], [`Ratings`] | the tests: which label plays what is known in here alone |
//! | [`export()`] | a finished test as two files |
//!
//! Which label plays what is drawn from the system's random numbers inside a test and comes out only as
//! the index that an [`AuditionPlayer`] is told. Nothing here has a text form that shows it, and nothing
//! is written before a test is over.

mod anchor;
mod contender;
mod error;
mod export;
mod ladder;
mod level;
mod material;
mod player;
mod render;
mod reported_model;
mod session;

pub use contender::{CodecContender, Contender};
pub use error::BlindError;
pub use export::{ExportedReport, export};
pub use ladder::{Ladder, Rung};
pub use material::{LONGEST_SECONDS, SHORTEST_SECONDS, TestMaterial};
pub use player::{AuditionPlayer, PassagePosition};
pub use render::{RenderRequest, RenderedPassages, render};
pub use session::{RatingChoice, Ratings, TrialCount, TrialLabel, Trials};
