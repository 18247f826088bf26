//! The reasons why something asked of a studio is not done.

use std::path::PathBuf;

use residue_engine::audio::AudioError;
use residue_engine::live::OpenError;
use residue_engine::tokens::CodesError;

use super::devices::BackendError;

/// The reason why a source cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// Nothing to encode or decode with.
    #[error("no model is loaded yet")]
    NoModel,
    /// Devices that cannot be opened.
    #[error(transparent)]
    Devices(#[from] BackendError),
    /// A port that cannot be opened for the devices and the model.
    #[error(transparent)]
    Port(#[from] OpenError),
    /// A file that cannot be converted to the devices' rate.
    #[error(transparent)]
    Resampling(#[from] AudioError),
    /// A file of codes that the model cannot decode.
    #[error("{}: {source}", path.display())]
    CodeFile {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: CodesError,
    },
    /// A stream of codes that the model cannot decode.
    #[error(transparent)]
    CodeStream(#[from] CodesError),
}
