//! Which model runs, and how it comes to run.
//!
//! ```text
//! project, editor -> ModelSlot (what is wanted, how far it is) <- its own thread: load, switch, sum
//!                        |                                             |
//!                    Session (opens a port with what is there)     shared: one copy of weights a process
//! ```

mod choice;
mod load_error;
mod shared;
mod slot;
mod work;

pub use choice::{ModelChoice, ModelField};
pub use load_error::LoadError;
pub use shared::{PortKey, SharedModel};
pub use slot::{ModelSlot, ModelStatus, Phase};
