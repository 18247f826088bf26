//! Files that are replaced atomically.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Writes a file beside `path` under a temporary name with `fill` and renames it to `path` at the end, so that
/// `path` never holds a partial file and keeps its old content on failure. Not realtime-safe.
///
/// # Errors
/// The error of `fill` or of the system; the temporary file is then removed.
pub fn write(path: &Path, fill: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
    // `File::create_new` gives the permissions of any new file; tempfile's own would exclude other users.
    let (file, temporary) = make_beside(path, |path| File::create_new(path))?.into_parts();
    fill(file)?;
    temporary.persist(path).map_err(|error| error.error)
}

/// Makes `path` a symbolic link to `target`, in place of any file of that name. Not realtime-safe.
///
/// # Errors
/// The system's error; `path` is then unchanged.
#[cfg(unix)]
pub fn symlink(target: &Path, path: &Path) -> io::Result<()> {
    let link = make_beside(path, |path| std::os::unix::fs::symlink(target, path))?;
    link.into_temp_path().persist(path).map_err(|error| error.error)
}

/// Makes a file under a temporary name in the folder of `path`, since a rename is atomic only within a file
/// system.
fn make_beside<F>(
    path: &Path,
    make: impl FnMut(&Path) -> io::Result<F>,
) -> io::Result<NamedTempFile<F>> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name")
    })?;
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder has this name"));
    }
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    Builder::new().prefix(&prefix).suffix(".tmp").make_in(folder, make)
}

#[cfg(test)]
mod tests {
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
    fn folders_and_missing_folders_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path| write(path, |_| Ok(())).unwrap_err().kind();
        assert_eq!(kind(folder.path()), io::ErrorKind::IsADirectory);
        assert_eq!(kind(&folder.path().join("none/x.txt")), io::ErrorKind::NotFound);
        assert_eq!(kind(Path::new("")), io::ErrorKind::InvalidInput);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("x.txt"), folder.path().join("plain.txt"));
        write(&path, |_| Ok(())).unwrap();
        fs::write(&plain, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
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
