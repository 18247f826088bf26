//! The hub in miniature that the engine's tests have.

// Nothing here needs all of it.
#![allow(dead_code)]

#[path = "../../../engine/tests/models/hub_server.rs"]
pub mod hub_server;
#[path = "../../../engine/tests/models/sample.rs"]
pub mod sample;
