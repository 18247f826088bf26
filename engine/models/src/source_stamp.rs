//! Identity of a model's files, without reading them.

use std::fs;
use std::time::SystemTime;

use super::{ModelSource, ModelsError, folder};

/// A model's location with size and modification time of each of its files. Two equal stamps mean the
/// same weights: a checksum would take as long as reading gigabytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SourceStamp {
    source: ModelSource,
    files: Vec<FileStamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FileStamp {
    name: String,
    bytes: u64,
    /// `None` on systems without modification times.
    modified: Option<SystemTime>,
}

impl SourceStamp {
    /// Reads sizes and times of a model's files, the same for all spellings of its folder.
    pub(super) fn read(source: &ModelSource) -> Result<Self, ModelsError> {
        let source = source.canonical();
        let files = match &source {
            ModelSource::Embedded => Vec::new(),
            ModelSource::Folder(folder) => folder::model_files(folder)?
                .into_iter()
                .map(|name| {
                    let path = folder.join(&name);
                    let metadata = fs::metadata(&path).map_err(|source| ModelsError::Io {
                        action: "read",
                        path,
                        source,
                    })?;
                    let modified = metadata.modified().ok();
                    Ok(FileStamp { name, bytes: metadata.len(), modified })
                })
                .collect::<Result<_, ModelsError>>()?,
        };
        Ok(Self { source, files })
    }
}
