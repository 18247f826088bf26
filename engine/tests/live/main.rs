//! The live path, from the audio callback and back.

mod latency;
mod offline;
mod sources;
mod support;
