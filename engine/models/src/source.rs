//! Where a model's files are.

use std::path::PathBuf;

use super::known::EMBEDDED;
use super::{ModelLibrary, ModelsError};

/// Where a model's files are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelSource {
    /// Inside the program: [`embedded`](super::embedded).
    Embedded,
    /// In this folder: `config.json` beside `model.safetensors`, or beside
    /// `model.safetensors.index.json` and its shards. Absolute.
    Folder(PathBuf),
}

/// Finds the model that `spec` means, with the settings of the environment:
/// [`ModelLibrary::from_env`], [`ModelLibrary::locate`].
///
/// # Errors
///
/// As both of those.
pub fn locate(spec: &str) -> Result<ModelSource, ModelsError> {
    if spec.eq_ignore_ascii_case(EMBEDDED) {
        // Must work on an account without any folder of its own.
        return Ok(ModelSource::Embedded);
    }
    ModelLibrary::from_env()?.locate(spec)
}
