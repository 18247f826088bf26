//! Residue, the desktop app and command line: thin faces over [`residue_engine`].
//!
//! | module | holds |
//! |---|---|
//! | [`cli`] | the command line: arguments in, files and tables out |
//! | [`window`] | the window: pages and panels over the studio |
//! | [`blind`] | blind listening tests without a window |
//! | [`studio`] | everything a window does to sound and models, without a window |
//! | [`device`] | sound devices: a list of them, and streams through one function |
//!
//! A module uses those to its right, and none uses one to its left:
//!
//! ```text
//! cli -> window -> blind -> studio -> device
//!  |       |                  |
//!  +-> comparison_picture,    +-> cost, speed
//!  |   console
//!  +-------+-> explained, terminal, version
//! ```
//!
//! A library beside the program, so that tests can drive the studio.

#![deny(clippy::print_stdout, clippy::print_stderr)]

#[cfg(test)]
mod arrows;
pub mod blind;
pub mod cli;
mod comparison_picture;
mod console;
mod cost;
mod demo_clip;
pub mod device;
mod explained;
mod rate_plot;
mod speed;
pub mod studio;
mod terminal;
mod version;
pub mod window;

/// Tests of code that runs on audio threads count calls of the allocator.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: residue_engine_testing::allocation::CountingAllocator =
    residue_engine_testing::allocation::CountingAllocator;
