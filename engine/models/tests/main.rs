//! Models on disk and on the hub, against a hub that runs in the test.

mod cache_layout;
mod catalog;
mod library;
mod pull;
mod store;
mod unkind_server;
mod verify;
