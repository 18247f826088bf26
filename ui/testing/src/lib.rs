//! What tests of user interfaces draw with: a [`Stage`] without a window, a rasteriser without a GPU,
//! pictures that are compared with files, and made-up audio and codes to show.
//!
//! Everything here panics where something is wrong: it is for tests.

pub mod compare;
mod picture;
pub mod raster;
pub mod signals;
mod stage;

pub use compare::compare;
pub use picture::Picture;
pub use stage::{Stage, with_margin};
