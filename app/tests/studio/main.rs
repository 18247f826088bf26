//! The studio on simulated devices, with the embedded model.

mod devices;
mod files;
mod models;
mod recording;
mod harness;
mod tokens;
