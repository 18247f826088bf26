//! What tests download models from: a [`HubServer`] on this computer, and small models to put there.
//!
//! Everything here panics where something is wrong: it is for tests.

mod hub_server;
mod sample;

pub use hub_server::{COMMIT, HubFault, HubRequest, HubServer, HubState};
pub use sample::{CONFIG, PullFixture, REPOSITORY, quiet, sha256, sharded, single, weights, write};
