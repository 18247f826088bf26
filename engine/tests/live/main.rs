//! The live path, from the audio callback and back.

mod chaos;
mod effects;
mod ends;
mod failure;
mod gate;
mod guard;
mod identity;
mod latency;
mod offline;
mod overload;
mod realtime;
mod schedule;
mod session;
mod sources;
mod support;
mod tokens;
