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
    /// See [`identity`].
    identity: [i64; 3],
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
                    let metadata = fs::metadata(&path).map_err(|cause| ModelsError::Io {
                        action: "read",
                        path,
                        cause,
                    })?;
                    let modified = metadata.modified().ok();
                    let identity = identity(&metadata);
                    Ok(FileStamp { name, bytes: metadata.len(), modified, identity })
                })
                .collect::<Result<_, ModelsError>>()?,
        };
        Ok(Self { source, files })
    }
}

/// Returns the inode, and the time of the last change of its metadata, in seconds and nanoseconds: other content
/// may get the modification time of the old.
#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> [i64; 3] {
    use std::os::unix::fs::MetadataExt;
    [metadata.ino() as i64, metadata.ctime(), metadata.ctime_nsec()]
}

#[cfg(not(unix))]
fn identity(_metadata: &fs::Metadata) -> [i64; 3] {
    [0; 3]
}
