//! Tests that run: they alone know which label plays what.

mod ratings;
mod trials;

pub use ratings::{Ratings, Stand};
pub use trials::{Label, TrialCount, Trials};
