//! The model of an instance: requested, loaded, running.
//!
//! ```text
//! project, editor -> InstanceModel (request, status) <- its own thread: load, switch, checksum
//!                        |                                 |
//!                    Session (opens a port)            ModelStore: one copy of weights a process
//! editor -> ModelCatalog (list, download) ---------------- |
//! ```

mod choice;
mod instance_model;
mod loader;
mod saved_precision;
mod shared_model;

pub use choice::{ModelChoice, ModelField};
pub use instance_model::{InstanceModel, ModelPhase, ModelStatus};
pub use saved_precision::SavedPrecision;
pub use shared_model::{PortKey, SharedModel};
