//! Models on disk and on the hub, against a hub that runs in the test.

mod cache_layout;
mod catalog;
mod changing_files;
mod library;
mod network;
mod provenance;
mod pull;
mod revisions;
mod store;
mod unkind_server;
mod verify;
