//! Support for tests of user interfaces: a [`Stage`] without a window, pictures that are compared with
//! files, made-up audio and codes to show, and an X server for windows.
//!
//! Everything here panics where something is wrong: it is for tests.

pub mod compare;
mod picture;
pub mod signals;
mod stage;
mod xvfb;

pub use compare::compare;
pub use picture::Picture;
pub use stage::{Stage, with_margin};
pub use xvfb::Xvfb;
