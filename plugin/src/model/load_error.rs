//! Why a model cannot be had.

use residue_engine::codec::{CodecError, ConfigError};
use residue_engine::models::ModelsError;

/// Why a model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is not on this computer.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its weights.
    #[error(transparent)]
    Codec(#[from] CodecError),
}
