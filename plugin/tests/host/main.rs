//! The plugin as a host meets it: the built library, loaded and run through CLAP.
//!
//! `process()` runs under an allocation guard, which ends the test where it allocates.

mod audio;
mod buffers;
mod lifecycle;
mod models;
mod parameters;
mod rig;
mod state;
mod states;
