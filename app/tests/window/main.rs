//! What a person does with the window, with mouse and keys, over simulated devices.

mod files;
mod harness;
mod listening;
mod models;
mod pictures;
mod settings;
mod shell;
