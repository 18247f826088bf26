//! What a person does with the window, with mouse and keys, over simulated devices.

mod desk;
mod files;
mod listening;
mod models;
mod pictures;
mod shell;
