//! Blind listening without a window: what is heard, in which order, and what remains of it.
//!
//! ```text
//! Material + Contenders -> Rendered or Ladder (threads) -> Trials or Ratings -> Report -> files
//!                                                              |
//!                                                            Player
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`Contender`] | what can be compared: the original, an anchor, a depth of a model in a precision |
//! | [`Material`] | the passage of a file that all of them are made of |
//! | [`render()`] | the passage as each contender: aligned to the sample, matched in loudness, pinned down |
//! | [`Ladder`] | the same for the depths of a threshold test, made as they are needed |
//! | [`Trials`], [`Ratings`] | the tests: which label plays what is known in here alone |
//! | [`export()`] | a finished test as two files |
//!
//! Which label plays what is drawn from the system's random numbers inside a test and comes out only as
//! the index that a [`Player`] is told. Nothing here has a text form that shows it, and nothing is
//! written before a test is over.

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
pub use material::{LONGEST_SECONDS, TestMaterial, SHORTEST_SECONDS};
pub use player::{AuditionPlayer, PassagePosition};
pub use render::{RenderRequest, RenderedPassages, render};
pub use session::{TrialLabel, Ratings, RatingChoice, TrialCount, Trials};
