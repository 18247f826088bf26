//! Test support: seeded noise ([`SeededNoise`]), a counting allocator ([`allocation`]), signals to programs
//! (`heed_signals`), and with the feature `hub` a model hub on this computer (`HubServer`) with small models to download from it.
//!
//! Functions panic on failure.

pub mod allocation;
#[cfg(feature = "hub")]
mod hub_server;
mod noise;
#[cfg(feature = "hub")]
mod sample;
#[cfg(unix)]
mod signals;

pub use noise::{SeededNoise, noise};
#[cfg(unix)]
pub use signals::heed_signals;

#[cfg(feature = "hub")]
pub use hub_server::{COMMIT, HubFault, HubRequest, HubServer, HubState};
#[cfg(feature = "hub")]
pub use sample::{CONFIG, PullFixture, REPOSITORY, quiet, sha256, sharded, single, weights, write};
