//! The picture of `residue compare`: what each depth keeps and what it leaves behind.
//!
//! One row a depth: on the left the spectrogram of what was decoded, on the right that of the
//! difference from the original, all on one time axis, one logarithmic frequency axis and one
//! colour scale. The original is on top.
//!
//! This module draws levels that were computed elsewhere; it knows nothing of audio.

mod axes;
mod canvas;
mod colour;
mod comparison;
mod error;
mod levels;
mod text;

pub use comparison::{Comparison, PANEL_HEIGHT, PANEL_WIDTH, Row};
pub use error::PictureError;
pub use levels::Levels;
