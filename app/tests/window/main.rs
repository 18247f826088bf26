//! What a person does with the window, with mouse and keys, over simulated devices.

mod harness;
mod files;
mod listening;
mod models;
mod pictures;
mod shell;
