//! Models on this computer: the published ones, the user's own folders, and the one inside the
//! program.

mod error;
mod known;
mod progress;
mod settings;

pub use error::ModelsError;
pub use known::{EMBEDDED, KNOWN, KnownModel};
pub use progress::{OnProgress, Progress, Stage};
pub use settings::HubSettings;
