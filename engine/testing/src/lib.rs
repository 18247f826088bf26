//! Support for tests: [`SeededNoise`], and with the feature `hub` a server on this computer to download
//! models from, and small models to put there.
//!
//! Everything here panics where something is wrong: it is for tests.

#[cfg(feature = "hub")]
mod hub_server;
mod noise;
#[cfg(feature = "hub")]
mod sample;

#[cfg(feature = "hub")]
pub use hub_server::{COMMIT, HubFault, HubRequest, HubServer, HubState};
pub use noise::SeededNoise;
#[cfg(feature = "hub")]
pub use sample::{CONFIG, PullFixture, REPOSITORY, quiet, sha256, sharded, single, weights, write};
