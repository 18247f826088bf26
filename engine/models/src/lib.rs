//! Models on this computer: the published ones, the user's own folders, and the one inside the
//! program.
//!
//! ```text
//! ModelCatalog   what a window shows: list, download, check, costs, each made by a Job
//!     |
//! ModelStore     list, pull, verify, add, load; loaded codecs are shared by the process
//!     |
//! ModelLibrary   files: added folders, and the cache that all of the hub's tools share
//! ```
//!
//! A [`Job`] is a function on a thread of its own with progress, cancellation and one result. Nothing
//! here is realtime-safe.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use residue_models::{ModelRequest, ModelStore};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = ModelStore::from_env();
//! store.pull("nano", None, &mut |progress| {
//!     eprintln!("{} {} of {} bytes", progress.file, progress.done, progress.total);
//!     ControlFlow::Continue(())
//! })?;
//! let codec = store.load(&ModelRequest::new("nano"), &|_share| ControlFlow::Continue(()))?;
//! assert_eq!(codec.config().sample_rate, 48_000);
//! # Ok(())
//! # }
//! ```

mod automatic_precision;
mod catalog;
mod download;
mod embedded;
mod env_path;
mod error;
mod folder;
mod hub;
mod hub_cache;
mod job;
mod known;
mod listed_model;
mod machine_speed;
mod model_checksum;
mod model_library;
mod network;
mod packed_folder;
mod precision_cost;
mod precision_request;
mod progress;
mod proxies;
mod pull;
mod registry;
mod request;
mod saved_name;
mod settings;
mod shared_values;
mod source;
mod source_stamp;
mod store;
mod stored_path;
mod verify;

pub use automatic_precision::{ChosenPrecision, embedded_precision};
pub use catalog::{CatalogEvent, CostError, ModelCatalog, PullStatus};
pub use embedded::{EmbeddedModel, embedded};
pub use error::{ModelLoadError, ModelsError};
pub use job::{Job, JobContext, JobError, JobProgress, StepProgress, Wake};
pub use known::{EMBEDDED, KNOWN, KnownModel, PinnedFile, PinnedRevision};
pub use listed_model::{ListedModel, ModelSummary};
pub use machine_speed::{LiveLoad, MachineSpeed};
pub use model_checksum::model_checksum;
pub use model_library::{ModelEntry, ModelLibrary};
pub use network::CertificatePaths;
pub use precision_cost::PrecisionCost;
pub use precision_request::PrecisionRequest;
pub use progress::{OnProgress, Progress, ProgressStage, TransferProgress};
pub use proxies::ProxySettings;
pub use pull::PulledModel;
pub use registry::AddedModel;
pub use request::ModelRequest;
pub use saved_name::SavedNameError;
pub use settings::{HubSettings, PUBLIC_HUB};
pub use source::ModelSource;
pub use store::{ModelStore, OpenLibrary, unwatched};
pub use verify::{FileReport, VerifyReport, verify};
