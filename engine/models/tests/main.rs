//! Models on disk and on the hub, against a hub that runs in the test.

mod library;
mod pull;
mod unkind_server;
mod verify;
