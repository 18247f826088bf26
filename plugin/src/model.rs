//! Which model runs, and how it comes to run.
//!
//! ```text
//! project, editor -> ModelSlot (what is wanted, how far it is) <- its own thread: load, switch, sum
//!                        |                                             |
//!                    Session (opens a port with what is there)     shared: one copy of weights a process
//! editor -> Shelf (what there is to choose from, downloads)
//! ```

use std::sync::Arc;

use residue_engine::models::{ModelLibrary, ModelsError};

mod choice;
mod load_error;
mod precision;
mod shared;
mod shelf;
mod slot;
mod work;

pub use choice::{ModelChoice, ModelField};
pub use load_error::LoadError;
pub use precision::WantedPrecision;
pub use shared::{PortKey, SharedModel};
pub use shelf::{Fetch, Shelf, ShelfModel};
pub use slot::{ModelSlot, ModelStatus, Phase};

/// Opens the library in which an instance looks for models. Called whenever something is to be looked
/// up, and not before: hosts make instances to look at them.
pub type OpenLibrary = Arc<dyn Fn() -> Result<ModelLibrary, ModelsError> + Send + Sync>;
