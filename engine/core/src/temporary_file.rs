//! Temporary files beside the files that they become.
//!
//! A temporary file has a short name of its own, `.residue-XXXXXXXX.tmp`, whatever the length of the name that it
//! gets later. Its process holds a lock on it as long as it is in use, so files without a lock are known to be left
//! by killed processes, also across containers and network shares. They are removed when the next temporary file
//! is made in that folder. [`remove_all`] removes those of this process, for the end by a signal.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, TempPath};

/// Start and end of the names.
const PREFIX: &str = ".residue-";
const SUFFIX: &str = ".tmp";
/// Random characters between them.
const RANDOM: usize = 8;
/// Attempts to make a file that another process takes for one of a killed process and removes.
const ATTEMPTS: usize = 16;

/// Temporary files of this process; `None` once they have been removed for good.
static IN_USE: Mutex<Option<Vec<PathBuf>>> = Mutex::new(Some(Vec::new()));

/// A file under a temporary name, which is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    path: TempPath,
    /// Holds the lock.
    file: File,
    registered: Registration,
}

impl TemporaryFile {
    /// Makes a file in `folder`, and removes those that killed processes left there.
    pub fn create(folder: &Path) -> io::Result<Self> {
        sweep(folder);
        for _ in 0..ATTEMPTS {
            // `File::create_new` gives the permissions of any new file; tempfile's own would exclude other users.
            let (file, path, registered) = make(folder, |path| {
                OpenOptions::new().read(true).write(true).create_new(true).open(path)
            })?;
            // Without support for locks the file works, and is never taken for one that was left.
            if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) && path.exists() {
                return Ok(Self { path, file, registered });
            }
        }
        Err(io::Error::other("temporary files vanish from this folder"))
    }

    /// Returns the open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Renames the file to `path`, replacing the file there, and returns the open file.
    pub fn persist(self, path: &Path) -> io::Result<File> {
        self.path.persist(path).map_err(|error| error.error)?;
        Ok(published(self.file, self.registered))
    }

    /// As [`persist`](Self::persist), but fails with [`io::ErrorKind::AlreadyExists`] if there is a file.
    pub fn persist_new(self, path: &Path) -> io::Result<File> {
        self.path.persist_noclobber(path).map_err(|error| error.error)?;
        Ok(published(self.file, self.registered))
    }
}

/// Returns a file that has its name, and is temporary no more.
fn published(file: File, registered: Registration) -> File {
    drop(registered);
    // Windows keeps others from reading what is locked. Without support for locks there is none.
    let _ = file.unlock();
    file
}

/// Makes `path` a symbolic link to `target`, in place of any file of that name.
#[cfg(unix)]
pub(crate) fn symlink(target: &Path, folder: &Path, path: &Path) -> io::Result<()> {
    let ((), temporary, _registered) =
        make(folder, |path| std::os::unix::fs::symlink(target, path))?;
    temporary.persist(path).map_err(|error| error.error)
}

/// Removes all temporary files of this process, and lets no more be made. For the end of a process by a signal.
/// Not realtime-safe.
pub fn remove_all() {
    for path in in_use().take().into_iter().flatten() {
        // Nothing is left to tell it to.
        let _ = fs::remove_file(path);
    }
}

/// Makes something under a temporary name in `folder`.
fn make<T>(
    folder: &Path,
    mut make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(T, TempPath, Registration)> {
    // Locked while the file is made, so that none is made between a signal and the end.
    let mut in_use = in_use();
    let Some(paths) = in_use.as_mut() else {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the program is being ended"));
    };
    let mut builder = Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX).rand_bytes(RANDOM);
    let (made, path) = builder.make_in(folder, &mut make)?.into_parts();
    paths.push(path.to_path_buf());
    let registered = Registration(path.to_path_buf());
    Ok((made, path, registered))
}

/// The entry of a file in [`IN_USE`].
#[derive(Debug)]
struct Registration(PathBuf);

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(paths) = in_use().as_mut() {
            paths.retain(|path| *path != self.0);
        }
    }
}

fn in_use() -> MutexGuard<'static, Option<Vec<PathBuf>>> {
    IN_USE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes temporary files in `folder` that no process holds.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| {
            name.len() == PREFIX.len() + RANDOM + SUFFIX.len()
                && name.starts_with(PREFIX)
                && name.ends_with(SUFFIX)
        });
        // A link has no lock, and lives for an instant.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !is_ours || !is_file {
            continue;
        }
        let path = entry.path();
        // Opened for writing, since network shares grant exclusive locks only so.
        let file = OpenOptions::new().write(true).open(&path);
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            // Others may sweep at the same time.
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn files_of_killed_processes_are_swept_and_those_in_use_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".residue-abcdefgh.tmp");
        fs::write(&left, "left").unwrap();
        let others = [".residue-abcdefghi.tmp", ".residue-abcdefgh", "residue-abcdefgh.tmp"];
        for other in others {
            fs::write(folder.path().join(other), "another's").unwrap();
        }
        let first = TemporaryFile::create(folder.path()).unwrap();
        assert!(!left.exists());
        let second = TemporaryFile::create(folder.path()).unwrap();
        assert!(first.path.exists() && second.path.exists());
        assert_eq!(names(folder.path()).len(), 2 + others.len());
        drop((first, second));
        assert_eq!(names(folder.path()).len(), others.len());
    }

    #[test]
    fn the_register_holds_files_only_while_they_are_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let file = TemporaryFile::create(folder.path()).unwrap();
        let path = file.path.to_path_buf();
        let is_registered = || in_use().as_ref().unwrap().contains(&path);
        assert!(is_registered());
        file.persist(&folder.path().join("x")).unwrap();
        assert!(!is_registered());
        drop(TemporaryFile::create(folder.path()).unwrap());
        let here = |path: &PathBuf| path.starts_with(folder.path());
        assert!(!in_use().as_ref().unwrap().iter().any(here));
    }

    #[test]
    fn a_new_file_never_replaces_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        TemporaryFile::create(folder.path()).unwrap().persist_new(&path).unwrap();
        let error = TemporaryFile::create(folder.path()).unwrap().persist_new(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(folder.path()), ["x"]);
    }
}
