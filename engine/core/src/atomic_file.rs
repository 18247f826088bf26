//! Files that are replaced atomically.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::output_file::OutputFile;

/// Writes a file with `fill` and gives it its name at the end, so that `path` never holds a partial file and keeps
/// its old content on failure. [`OutputFile`] says how this goes with links, devices and permissions. Not
/// realtime-safe.
///
/// # Errors
/// The error of `fill` or of the system; the temporary file is then removed.
pub fn write(path: &Path, fill: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
    let output = OutputFile::create(path)?;
    fill(output.file().try_clone()?)?;
    output.commit()
}

/// As [`write()`], but never replaces a file.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if there is one, besides those of [`write()`].
pub fn write_new(path: &Path, fill: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
    let output = OutputFile::create(path)?;
    fill(output.file().try_clone()?)?;
    output.commit_new()
}

/// Makes `path` a symbolic link to `target`, in place of any file of that name. Not realtime-safe.
///
/// # Errors
/// The system's error; `path` is then unchanged.
#[cfg(unix)]
pub fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    if path.is_dir() && !path.is_symlink() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder has this name"));
    }
    crate::temporary_file::symlink(target, crate::output_file::folder_of(path)?, path)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::io::Write;

    use super::*;

    fn names(folder: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_or_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        write(&path, |mut file| file.write_all(b"one")).unwrap();
        write(&path, |mut file| file.write_all(b"two")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let error = write(&path, |mut file| {
            file.write_all(b"thr")?;
            assert_eq!(names(folder.path()).len(), 2, "the temporary file is beside it");
            Err(io::Error::other("full"))
        });
        assert_eq!(error.unwrap_err().to_string(), "full");
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["x.txt"]);
    }

    #[test]
    fn a_new_file_replaces_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        write_new(&path, |mut file| file.write_all(b"one")).unwrap();
        let error = write_new(&path, |mut file| file.write_all(b"two")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["x.txt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_replaces_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.txt");
        for target in ["one", "two"] {
            symlink(Path::new(target), &path).unwrap();
            assert_eq!(fs::read_link(&path).unwrap(), Path::new(target));
        }
        assert_eq!(names(folder.path()), ["x.txt"]);
    }
}
