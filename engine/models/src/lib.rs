//! Models on this computer: the published ones, the user's own folders, and the one inside the
//! program.
//!
//! A [`ModelLibrary`] finds them ([`ModelLibrary::locate`]), lists them, downloads the published ones into the
//! cache that all of the hub's tools share, adds folders, and checks files. None of it loads a model,
//! and none of it is realtime-safe.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use residue_models::{Library, ModelSource};
//!
//! # fn main() -> Result<(), residue_models::ModelsError> {
//! let library = Library::from_env()?;
//! let folder = library.pull("nano", &mut |progress| {
//!     eprintln!("{} {} of {} bytes", progress.file, progress.done, progress.total);
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(library.locate("nano")?, ModelSource::Folder(folder));
//! # Ok(())
//! # }
//! ```

mod download;
mod embedded;
mod error;
mod folder;
mod hub;
mod hub_cache;
mod known;
mod model_checksum;
mod model_library;
mod progress;
mod pull;
mod registry;
mod settings;
mod source;
mod verify;

pub use embedded::{EmbeddedModel, embedded};
pub use error::ModelsError;
pub use known::{EMBEDDED, KNOWN, KnownModel};
pub use model_checksum::model_checksum;
pub use model_library::{ModelEntry, ModelLibrary};
pub use progress::{OnProgress, Progress, ProgressStage};
pub use registry::AddedModel;
pub use settings::HubSettings;
pub use source::{ModelSource, locate};
pub use verify::{FileReport, LoadCheck, VerifyReport, verify};
