//! Tests that run: they alone know which label plays what.

mod ratings;
mod trials;

pub use ratings::{Ratings, RatingChoice};
pub use trials::{TrialLabel, TrialCount, Trials};
