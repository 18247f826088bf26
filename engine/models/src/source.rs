//! Location of a model's files.

use std::path::PathBuf;

use residue_codec::{CodecConfig, ConfigError};

use super::embedded;

/// Location of a model's files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelSource {
    /// Inside the program: [`embedded`](super::embedded).
    Embedded,
    /// In this folder: `config.json` beside `model.safetensors`, or beside
    /// `model.safetensors.index.json` and its shards. Absolute.
    Folder(PathBuf),
}

impl ModelSource {
    /// Reads the model's `config.json`.
    ///
    /// # Errors
    /// If the file is missing or cannot be honoured.
    pub fn config(&self) -> Result<CodecConfig, ConfigError> {
        match self {
            Self::Embedded => CodecConfig::parse(embedded().config),
            Self::Folder(folder) => CodecConfig::read(folder),
        }
    }

    /// Returns the same model with its folder written in one way: absolute and without links.
    pub fn canonical(&self) -> Self {
        match self {
            Self::Embedded => Self::Embedded,
            Self::Folder(folder) => {
                Self::Folder(std::fs::canonicalize(folder).unwrap_or_else(|_| folder.clone()))
            }
        }
    }
}
