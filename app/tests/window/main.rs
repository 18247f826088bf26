//! The window by mouse and keys, over simulated devices.

mod files;
mod harness;
mod listening;
mod models;
mod pictures;
mod settings;
mod shell;
