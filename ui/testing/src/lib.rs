//! Support for tests of user interfaces: a [`HeadlessStage`] without a window, pictures that are compared with
//! files, synthetic audio and codes to show, and an X server for windows.
//!
//! For tests only: everything here panics on errors.

pub mod compare;
mod headless_stage;
mod picture;
pub mod signals;
mod xvfb;

pub use compare::compare;
pub use headless_stage::{HeadlessStage, with_margin};
pub use picture::Picture;
pub use xvfb::Xvfb;
