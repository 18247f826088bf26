//! The studio on simulated devices, with the embedded model.

mod devices;
mod files;
mod harness;
mod models;
mod recording;
mod tokens;
