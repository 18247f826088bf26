//! Models on this computer: the published ones, the user's own folders, and the one inside the
//! program.

mod download;
mod error;
mod folder;
mod hub;
mod hub_cache;
mod known;
mod progress;
mod pull;
mod settings;
mod sum;

pub use error::ModelsError;
pub use known::{EMBEDDED, KNOWN, KnownModel};
pub use progress::{OnProgress, Progress, Stage};
pub use settings::HubSettings;
