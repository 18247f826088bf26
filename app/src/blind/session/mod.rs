//! Tests that run: they alone know which label plays what.

mod ratings;
mod trials;

pub use ratings::{RatingChoice, Ratings};
pub use trials::{TrialCount, TrialLabel, Trials};
