//! The folder of packed weights: one file a model, precision and loaded half, for this user alone, of limited size.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::byte_source::ByteSource;
use super::error::{CheckpointError, PackedFileError};
use super::options::CodecParts;
use super::ownership;
use super::packed_file::PackedFile;
use residue_core::{atomic_file, hex};
use residue_kernels::Precision;

/// Age from which a temporary file may be deleted. A new one is not locked for a moment.
const GRACE: Duration = Duration::from_secs(60);
/// Age from which a temporary file is deleted on a file system without locks.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The folder in which loading keeps packed weights: [`CodecOptions::packed_cache`](super::CodecOptions).
///
/// A model's file is named by the model's folder and the precision, so that changed weights replace it. The
/// folder is its user's alone: a file that others own or may write is not used. No method is realtime-safe.
#[derive(Clone, Debug)]
pub struct PackedCache {
    folder: PathBuf,
}

/// Size of a [`PackedCache`] on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedCacheUsage {
    /// Files, those of loads that were interrupted included.
    pub files: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

impl PackedCache {
    /// Most bytes that all files may have. Beyond, those that were not used for the longest time are deleted.
    pub const MAX_BYTES: u64 = 16 << 30;

    /// Wraps a folder, which need not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Counts the files and their bytes.
    ///
    /// # Errors
    /// The system's error; a folder that does not exist is empty.
    pub fn usage(&self) -> io::Result<PackedCacheUsage> {
        let files = self.files()?;
        let bytes = files.iter().map(|file| file.bytes).sum();
        Ok(PackedCacheUsage { files: files.len(), bytes })
    }

    /// Deletes all files and returns what they took. Models are packed again when they are loaded.
    ///
    /// # Errors
    /// The system's first error; other files are deleted nevertheless.
    pub fn clear(&self) -> io::Result<PackedCacheUsage> {
        let mut cleared = PackedCacheUsage::default();
        let mut failure = Ok(());
        for file in self.files()? {
            match fs::remove_file(&file.path) {
                Ok(()) => {
                    cleared.files += 1;
                    cleared.bytes += file.bytes;
                }
                Err(error) => failure = failure.and(Err(error)),
            }
        }
        failure.map(|()| cleared)
    }

    /// Returns the place of the packed weights of some parts of the model in folder `model`.
    pub(super) fn file(
        &self,
        model: &Path,
        precision: Precision,
        parts: CodecParts,
    ) -> PackedPlace {
        let model = fs::canonicalize(model).unwrap_or_else(|_| model.to_owned());
        let name = hex(&Sha256::digest(model.as_os_str().as_encoded_bytes()));
        let half = match parts {
            CodecParts::Whole => "",
            CodecParts::Encoder => "-encoder",
            CodecParts::Decoder => "-decoder",
        };
        let path = self.folder.join(format!("{}-{precision}{half}.packed", &name[..16]));
        PackedPlace { cache: self.clone(), path }
    }

    /// Lists packed and temporary files.
    fn files(&self) -> io::Result<Vec<CachedFile>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            let is_temporary = name.starts_with(b".") && name.ends_with(b".tmp");
            // A file may be deleted by another process meanwhile.
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
                && (is_temporary || name.ends_with(b".packed"))
            {
                let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let (path, bytes) = (entry.path(), metadata.len());
                files.push(CachedFile { path, bytes, used, is_temporary });
            }
        }
        Ok(files)
    }

    /// Deletes temporary files of processes that ended before they could.
    fn sweep(&self) {
        for file in self.files().unwrap_or_default() {
            if file.is_temporary && file.is_abandoned() {
                // A file that cannot be deleted is tried again at the next load.
                let _ = fs::remove_file(&file.path);
            }
        }
    }

    /// Deletes the files that were not used for the longest time until all have at most `limit` bytes; `keep`
    /// stays.
    fn evict(&self, limit: u64, keep: &Path) {
        let mut files = self.files().unwrap_or_default();
        files.retain(|file| !file.is_temporary);
        files.sort_by_key(|file| file.used);
        let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
        for file in files.iter().filter(|file| file.path != keep) {
            if bytes <= limit {
                break;
            }
            if fs::remove_file(&file.path).is_ok() {
                bytes -= file.bytes;
            }
        }
    }

    /// Creates the folder for this user alone, or takes write permission from others.
    fn prepare(&self) -> io::Result<()> {
        if let Some(parent) = self.folder.parent() {
            fs::create_dir_all(parent)?;
        }
        match ownership::create_folder(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => ownership::make_private(&self.folder),
        }
    }
}

struct CachedFile {
    path: PathBuf,
    bytes: u64,
    /// Time of the last use.
    used: SystemTime,
    is_temporary: bool,
}

impl CachedFile {
    /// Returns true if no process writes the file any more: writers lock it.
    fn is_abandoned(&self) -> bool {
        let age = self.used.elapsed().unwrap_or_default();
        let Ok(file) = File::open(&self.path) else { return false };
        age > GRACE
            && match file.try_lock() {
                Ok(()) => true,
                Err(fs::TryLockError::WouldBlock) => false,
                Err(fs::TryLockError::Error(_)) => age > ABANDONED,
            }
    }
}

/// Place of the packed weights of one model in one precision.
pub(super) struct PackedPlace {
    cache: PackedCache,
    path: PathBuf,
}

impl PackedPlace {
    /// Returns the file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file and checks its index; none if there is no such file.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, has another key or version, or others than this user own it or
    /// may write it.
    pub fn open(&self, key: &str) -> Result<Option<PackedFile>, CheckpointError> {
        self.cache.sweep();
        let failed = |cause| CheckpointError::Read { path: self.path.clone(), cause };
        let folder = match fs::metadata(&self.cache.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            folder => folder.map_err(failed)?,
        };
        if !self.path.exists() {
            return Ok(None);
        }
        let source = ByteSource::open(&self.path)?;
        let file = source.file().map(File::metadata).transpose().map_err(failed)?;
        if !ownership::is_private(&folder) || file.is_some_and(|file| !ownership::is_private(&file))
        {
            let (path, problem) = (self.path.clone(), PackedFileError::Untrusted);
            return Err(CheckpointError::Packed { path, problem });
        }
        PackedFile::parse(&self.path, source, key).map(Some)
    }

    /// Marks the file as used now. Nothing depends on it but the order in which files are deleted.
    pub fn touch(&self) {
        let file = OpenOptions::new().write(true).open(&self.path);
        let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// Writes the file with `fill` and puts it in its place at the end, then makes room for it.
    ///
    /// # Errors
    /// The error of `fill` or of the system; also if the folder is another user's.
    pub fn replace(&self, fill: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
        self.cache.prepare()?;
        self.cache.sweep();
        atomic_file::write(&self.path, |file| {
            ownership::make_file_private(&file)?;
            fill(file)
        })?;
        self.cache.evict(PackedCache::MAX_BYTES, &self.path);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed_file::PackedWriter;

    fn cache() -> (tempfile::TempDir, PackedCache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackedCache::new(folder.path().join("home/packed"));
        (folder, cache)
    }

    fn put(place: &PackedPlace) {
        place.replace(|file| PackedWriter::new(file, "key").finish()).unwrap();
    }

    fn age(path: &Path, seconds: u64) {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn a_model_and_precision_has_one_file() {
        let (folder, cache) = cache();
        let model = folder.path().join("model");
        fs::create_dir(&model).unwrap();
        let place = cache.file(&model, Precision::Int8, CodecParts::Whole);
        put(&place);
        put(&cache.file(&folder.path().join("model/../model"), Precision::Int8, CodecParts::Whole));
        assert_eq!(cache.usage().unwrap().files, 1);
        put(&cache.file(&model, Precision::Bf16, CodecParts::Whole));
        assert_eq!(cache.usage().unwrap().files, 2);
        assert!(place.open("key").unwrap().is_some());
        let error = place.open("other").err().unwrap();
        let CheckpointError::Packed { problem, .. } = error else { panic!("{error}") };
        assert!(matches!(problem, PackedFileError::Key));
        let cleared = cache.clear().unwrap();
        assert_eq!((cleared.files, cache.usage().unwrap().files), (2, 0));
        assert!(place.open("key").unwrap().is_none());
    }

    #[test]
    fn only_abandoned_temporary_files_are_swept() {
        let (folder, cache) = cache();
        let place = cache.file(folder.path(), Precision::Int8, CodecParts::Whole);
        put(&place);
        let temporary = |name: &str| cache.folder().join(format!(".x.packed.{name}.tmp"));
        let other = cache.folder().join("mine.txt");
        for path in [temporary("dead"), temporary("new"), temporary("live"), other.clone()] {
            fs::write(&path, "x").unwrap();
        }
        for path in [temporary("dead"), temporary("live"), other.clone()] {
            age(&path, 3600);
        }
        let writer = File::open(temporary("live")).unwrap();
        writer.lock().unwrap();
        place.open("key").unwrap().unwrap();
        assert!(!temporary("dead").exists());
        assert!(temporary("new").exists() && temporary("live").exists() && other.exists());
        drop(writer);
        put(&place);
        assert!(!temporary("live").exists());
    }

    #[test]
    fn files_of_the_longest_disuse_go_first() {
        let (folder, cache) = cache();
        let places: Vec<PackedPlace> = (0..4)
            .map(|i| {
                cache.file(&folder.path().join(i.to_string()), Precision::Int8, CodecParts::Whole)
            })
            .collect();
        for (i, place) in places.iter().enumerate() {
            put(place);
            age(place.path(), 1000 - 100 * i as u64);
        }
        // Used again, so that the second is now the oldest.
        places[0].touch();
        let bytes = cache.usage().unwrap().bytes / 4;
        cache.evict(3 * bytes, places[3].path());
        let left = |places: &[PackedPlace]| -> Vec<bool> {
            places.iter().map(|place| place.path().exists()).collect()
        };
        assert_eq!(left(&places), [true, false, true, true]);
        cache.evict(0, places[2].path());
        assert_eq!(left(&places), [false, false, true, false]);
    }

    #[cfg(unix)]
    #[test]
    fn files_that_others_may_write_are_not_believed() {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let (folder, cache) = cache();
        let place = cache.file(folder.path(), Precision::Int8, CodecParts::Whole);
        put(&place);
        let folder_mode = fs::metadata(cache.folder()).unwrap().permissions().mode();
        assert_eq!(folder_mode & 0o777, 0o700);
        for (path, bad, good) in [
            (place.path(), 0o620, 0o600),
            (place.path(), 0o602, 0o644),
            (cache.folder(), 0o770, 0o700),
            (cache.folder(), 0o707, 0o755),
        ] {
            mode(path, bad);
            let error = place.open("key").err().unwrap();
            assert!(error.to_string().contains("other users may write it"), "{error}");
            mode(path, good);
            assert!(place.open("key").unwrap().is_some(), "{good:o}");
        }
        mode(cache.folder(), 0o777);
        put(&place);
        assert!(place.open("key").unwrap().is_some(), "writing takes the permission from others");
    }
}
