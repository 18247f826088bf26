//! The live path, from the audio callback and back.

mod effects;
mod failure;
mod gate;
mod latency;
mod offline;
mod overload;
mod session;
mod sources;
mod support;
mod tokens;
