//! Test support: a [`HubServer`] on this computer to download models from, small models to put there,
//! seeded [`noise`](noise()), and a counting allocator ([`allocation`]).
//!
//! Everything here panics where something is wrong.

pub mod allocation;
mod hub_server;
mod noise;
mod sample;

pub use hub_server::{COMMIT, HubFault, HubRequest, HubServer, HubState};
pub use noise::noise;
pub use sample::{CONFIG, PullFixture, REPOSITORY, quiet, sha256, sharded, single, weights, write};
