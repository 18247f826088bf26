//! The hub's cache on disk, in the layout that all of the hub's tools share:
//! `models--OWNER--NAME/{blobs/ETAG, snapshots/COMMIT/FILE -> ../../blobs/ETAG, refs/main}`.

use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{self, CONFIG};
use super::{HubSettings, KnownModel, ModelsError};
#[cfg(unix)]
use residue_core::atomic_file;

/// One repository's part of the cache.
pub(super) struct RepositoryCache {
    folder: PathBuf,
}

impl RepositoryCache {
    /// The part of `repository`, written `owner/name`.
    pub(super) fn new(settings: &HubSettings, repository: &str) -> Self {
        let name = format!("models--{}", repository.replace('/', "--"));
        Self { folder: settings.cache.join(name) }
    }

    /// Content of the file with this etag.
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.folder.join("blobs").join(etag)
    }

    /// Folder of a commit's files.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.folder.join("snapshots").join(commit)
    }

    /// File that holds the commit of the branch `main`.
    fn main(&self) -> PathBuf {
        self.folder.join("refs").join("main")
    }

    /// The snapshot that `main` points at, if any of it is there.
    fn current(&self) -> Option<PathBuf> {
        let commit = fs::read_to_string(self.main()).ok()?;
        let snapshot = self.snapshot(commit.trim());
        snapshot.join(CONFIG).exists().then_some(snapshot)
    }

    /// Makes `commit` what `main` points at. The last step of a download, so that until then an
    /// older complete snapshot stays the current one. Writes nothing where that is so already: a complete cache
    /// may be read-only.
    pub(super) fn set_current(&self, commit: &str) -> Result<(), ModelsError> {
        if fs::read_to_string(self.main()).is_ok_and(|current| current.trim() == commit) {
            return Ok(());
        }
        folder::write_atomically(&self.main(), commit.as_bytes())
            .map_err(|(path, cause)| ModelsError::in_cache("write", &path, cause))
    }

    /// Makes `file` of a snapshot point at a finished blob.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<(), ModelsError> {
        let snapshot = self.snapshot(commit);
        let pointer = snapshot.join(file);
        fs::create_dir_all(&snapshot)
            .and_then(|()| place(&self.blob(etag), &pointer))
            .map_err(|cause| ModelsError::in_cache("link", &pointer, cause))
    }
}

/// Puts `pointer` in place of whatever has its name, in one step.
#[cfg(unix)]
fn place(blob: &Path, pointer: &Path) -> std::io::Result<()> {
    // Relative, so that the cache can be moved as a whole.
    let target = Path::new("../../blobs").join(blob.file_name().unwrap_or_default());
    if fs::read_link(pointer).is_ok_and(|existing| existing == target) {
        return Ok(());
    }
    atomic_file::symlink(&target, pointer)
}

/// Puts `pointer` in place of whatever has its name.
#[cfg(windows)]
fn place(blob: &Path, pointer: &Path) -> std::io::Result<()> {
    // Links to places with slashes lead nowhere on Windows.
    let target = Path::new(r"..\..\blobs").join(blob.file_name().unwrap_or_default());
    if fs::symlink_metadata(pointer).is_ok() {
        fs::remove_file(pointer)?;
    }
    // Links need a privilege on Windows. Without it the hub's tools move the file itself.
    std::os::windows::fs::symlink_file(target, pointer).or_else(|_| fs::rename(blob, pointer))
}

/// The folder of a known model in the cache, with all of its files.
pub(super) fn find(settings: &HubSettings, model: &KnownModel) -> Result<PathBuf, ModelsError> {
    let cache = RepositoryCache::new(settings, model.repository);
    // The pinned revision first; else one that another tool has downloaded.
    let pinned = model.pinned.map(|pinned| cache.snapshot(pinned.commit));
    let pinned = pinned.filter(|folder| folder::model_files(folder).is_ok());
    let folder =
        pinned.or_else(|| cache.current()).ok_or(ModelsError::NotHere { name: model.name })?;
    match folder::model_files(&folder) {
        Ok(_) => Ok(folder),
        Err(ModelsError::NotAModelFolder { folder, missing }) => {
            Err(ModelsError::Incomplete { name: model.name, missing: folder.join(missing) })
        }
        Err(other) => Err(other),
    }
}

/// The etag that a header holds, if it can be the name of a blob: anything else could name a file
/// outside of the cache.
pub(super) fn blob_name(header: &str) -> Option<&str> {
    let etag = header.trim().trim_start_matches("W/").trim_matches('"');
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (!etag.is_empty() && etag.len() <= 128 && etag.chars().all(plain)).then_some(etag)
}

/// True for a name that is a sha256 in lowercase hex, as the etags of large files are.
pub(super) fn is_sha256(etag: &str) -> bool {
    etag.len() == 64 && etag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_names_stay_in_the_cache() {
        assert_eq!(blob_name("\"abc-1\""), Some("abc-1"));
        assert_eq!(blob_name("W/\"abc\""), Some("abc"));
        for bad in ["", "\"\"", "../x", "a/b", "..", ".", "a\\b", "a:b", "a b", "é"] {
            assert_eq!(blob_name(bad), None, "{bad}");
        }
        assert_eq!(blob_name(&"a".repeat(129)), None);
    }

    #[test]
    fn only_lowercase_hex_of_the_right_length_is_a_sum() {
        assert!(is_sha256(&"0f".repeat(32)));
        assert!(!is_sha256(&"0F".repeat(32)));
        assert!(!is_sha256(&"0f".repeat(20)));
    }
}
