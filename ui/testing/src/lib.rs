//! Support for tests of user interfaces: a [`HeadlessStage`] without a window, a rasterizer without a GPU,
//! comparison of pictures with files, and synthetic audio and codes.
//!
//! For tests only: everything here panics on errors.

pub mod compare;
mod headless_stage;
mod picture;
pub mod raster;
pub mod signals;

pub use compare::compare;
pub use headless_stage::{HeadlessStage, with_margin};
pub use picture::Picture;
