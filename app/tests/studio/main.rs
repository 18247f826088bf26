//! The studio on simulated devices, with the embedded model.

mod devices;
mod files;
#[allow(dead_code, reason = "the engine's own tests need more of it")]
#[path = "../../../engine/tests/models/hub_server.rs"]
mod hub_server;
mod models;
mod recording;
mod rig;
#[allow(dead_code, reason = "the engine's own tests need more of it")]
#[path = "../../../engine/tests/models/sample.rs"]
mod sample;
mod tokens;
