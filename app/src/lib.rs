//! Residue, the desktop app and command line: thin faces over [`residue_engine`].
//!
//! | module | does |
//! |---|---|
//! | [`blind`] | blind listening: what is heard, in which order, what remains of it |
//! | [`cli`] | arguments in, files and tables out |
//! | [`device`] | sound devices: what there is, and streams through one function |
//! | [`studio`] | everything a window does to sound and models, without a window |
//! | [`window`] | what is seen |
//!
//! A library beside the program, so that tests can drive the studio.

pub mod blind;
pub mod cli;
mod comparison_picture;
mod cost;
pub mod device;
mod explained;
mod speed;
pub mod studio;
pub mod window;

/// Tests of code that runs on audio threads count calls of the allocator.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: residue_engine_testing::allocation::CountingAllocator =
    residue_engine_testing::allocation::CountingAllocator;
