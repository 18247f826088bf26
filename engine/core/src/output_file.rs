//! Output files, written as fits what stands at their path.
//!
//! | at the path | the output |
//! |---|---|
//! | nothing | is written under a temporary name and renamed at the end |
//! | a file | replaces it likewise; permissions and owner are kept |
//! | a file with several names (hard links), or whose owner cannot be kept | is copied into it once it is complete |
//! | a symbolic link | goes to its target, by these rules |
//! | a device or FIFO | is written directly |
//! | a read-only file or a folder | is refused |
//!
//! Everything that can be refused is refused when the output is created, before the work for it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

use crate::file_facts::{free_bytes, has_too_long_name, identity, is_device};
use crate::temporary_file::TemporaryFile;

/// Most symbolic links that are followed, as on Linux.
const MAX_LINKS: usize = 40;

/// An output that gets its name, and replaces what has it, when it is complete. Dropped before, it leaves
/// everything as it was, except on devices and FIFOs. Not realtime-safe.
#[derive(Debug)]
pub struct OutputFile {
    target: PathBuf,
    place: Place,
}

/// The place where the bytes go first.
#[derive(Debug)]
enum Place {
    /// A temporary file, which is renamed.
    Renamed(TemporaryFile),
    /// A temporary file, which is copied into the file that stands at the path.
    Copied { temporary: TemporaryFile, existing: File },
    /// A device, a FIFO, or a file that has its name already.
    Direct { file: File, is_regular: bool },
}

impl OutputFile {
    /// Opens an output to `path`. Blocks at a FIFO until it has a reader.
    ///
    /// # Errors
    /// If `path` cannot be written to: its folder is missing or refuses files, the name is too long, a folder or
    /// a read-only file has it. The message says what to do; nothing has been changed.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::open(path).map_err(|error| in_words(error, path))
    }

    fn open(path: &Path) -> io::Result<Self> {
        if has_too_long_name(path) {
            return Err(ErrorKind::InvalidFilename.into());
        }
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            // A link may name a file that is not there yet.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let target = resolve(path)?;
                let place = Place::Renamed(TemporaryFile::create(folder_of(&target)?)?);
                return Ok(Self { target, place });
            }
            // Windows tells nothing of its devices, such as NUL.
            Err(error) => match OpenOptions::new().write(true).open(path) {
                Ok(file) if is_device(&file) => {
                    let place = Place::Direct { file, is_regular: false };
                    return Ok(Self { target: path.to_owned(), place });
                }
                _ => return Err(error),
            },
        };
        if metadata.is_dir() {
            return Err(said(ErrorKind::IsADirectory, "it is a folder; name a file in it"));
        }
        let read_only = metadata.is_file() && metadata.permissions().readonly();
        let existing = match OpenOptions::new().write(true).open(path) {
            Ok(existing) if !read_only => existing,
            Err(error) if error.kind() != ErrorKind::PermissionDenied => return Err(error),
            _ => {
                let words = "the file there is read-only; make it writable, or choose another name";
                return Err(said(ErrorKind::PermissionDenied, words));
            }
        };
        if !metadata.is_file() {
            let place = Place::Direct { file: existing, is_regular: false };
            return Ok(Self { target: path.to_owned(), place });
        }
        // The name of an open file that was deleted leads nowhere.
        let target = resolve(path)?;
        let target = if is_same_file(&target, path) { target } else { path.to_owned() };
        let (temporary, is_beside) = match TemporaryFile::create(folder_of(&target)?) {
            Ok(temporary) => (temporary, true),
            // The file may be written to even though its folder takes no new ones.
            Err(_) => (TemporaryFile::create(&std::env::temp_dir())?, false),
        };
        // Before there is any content, which may be private.
        temporary.file().set_permissions(metadata.permissions())?;
        let place = match is_beside && can_replace(path, &metadata, temporary.file())? {
            true => Place::Renamed(temporary),
            false => Place::Copied { temporary, existing },
        };
        Ok(Self { target, place })
    }

    /// Returns the file to write to.
    pub fn file(&self) -> &File {
        match &self.place {
            Place::Renamed(temporary) | Place::Copied { temporary, .. } => temporary.file(),
            Place::Direct { file, .. } => file,
        }
    }

    /// Returns true if written bytes can be written again, which devices and FIFOs do not allow.
    pub fn is_seekable(&self) -> bool {
        !matches!(self.place, Place::Direct { is_regular: false, .. })
    }

    /// Checks that `bytes` bytes have room, where the system tells.
    ///
    /// # Errors
    /// [`ErrorKind::StorageFull`] with both sizes.
    pub fn expect(&self, bytes: u64) -> io::Result<()> {
        match free_bytes(self.file()).filter(|_| self.is_seekable()) {
            Some(free) if free < bytes => {
                let [needed, free] = [bytes, free].map(|bytes| bytes as f64 / 1e6);
                let words = format!(
                    "{needed:.2} MB are needed and {free:.2} MB are free there; choose another folder"
                );
                Err(said(ErrorKind::StorageFull, words))
            }
            _ => Ok(()),
        }
    }

    /// Gives a file its name now, so that it is readable while it grows and if the process is killed. Before
    /// [`commit`](Self::commit) all the same.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn publish(&mut self) -> io::Result<()> {
        if !matches!(self.place, Place::Renamed(_)) {
            return Ok(());
        }
        let unwritten = Place::Direct { file: self.file().try_clone()?, is_regular: true };
        if let Place::Renamed(temporary) = std::mem::replace(&mut self.place, unwritten) {
            temporary.persist(&self.target).map_err(|error| in_words(error, &self.target))?;
        }
        Ok(())
    }

    /// Gives the output its name.
    ///
    /// # Errors
    /// If it cannot be renamed or copied; renaming changes nothing then.
    pub fn commit(self) -> io::Result<()> {
        let Self { target, place } = self;
        let done = match place {
            Place::Renamed(temporary) => temporary.persist(&target).map(drop),
            Place::Copied { temporary, existing } => copy(temporary.file(), &existing),
            Place::Direct { .. } => Ok(()),
        };
        done.map_err(|error| in_words(error, &target))
    }

    /// As [`commit`](Self::commit), but never replaces a file.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if there is one.
    pub fn commit_new(self) -> io::Result<()> {
        match self.place {
            Place::Renamed(temporary) => temporary.persist_new(&self.target).map(drop),
            _ => Err(said(ErrorKind::AlreadyExists, "something has this name already")),
        }
    }
}

/// Returns true if both paths lead to one existing file. Not realtime-safe.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// Follows symbolic links, also to a file that does not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&target) else { return Ok(target) };
        target = folder_of(&target)?.join(next);
    }
    Err(said(ErrorKind::Other, "the symbolic link leads to itself; remove it"))
}

/// Returns the folder of a file's path.
pub(crate) fn folder_of(path: &Path) -> io::Result<&Path> {
    if path.file_name().is_none() {
        return Err(said(ErrorKind::InvalidInput, "the path does not end in a file name"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(folder.unwrap_or(Path::new(".")))
}

/// Gives `new` the owner of the old file; false if that cannot be, or if the old file has other names, which would
/// keep the old content.
fn can_replace(path: &Path, old: &Metadata, new: &File) -> io::Result<bool> {
    #[cfg(unix)]
    {
        let _ = path;
        use std::os::unix::fs::{MetadataExt, fchown};
        let made = new.metadata()?;
        if old.nlink() > 1 {
            return Ok(false);
        }
        if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
            if fchown(new, Some(old.uid()), Some(old.gid())).is_err() {
                return Ok(false);
            }
            // A change of the owner takes some permissions away.
            new.set_permissions(old.permissions())?;
        }
        Ok(true)
    }
    #[cfg(not(unix))]
    {
        let _ = (old, new);
        // A file gets its owner from its folder here. Its names are not counted in its metadata.
        Ok(identity(path).is_none_or(|old| old.names <= 1))
    }
}

/// Replaces the content of a file.
fn copy(mut from: &File, mut to: &File) -> io::Result<()> {
    from.rewind()?;
    let bytes = io::copy(&mut from, &mut to)?;
    to.set_len(bytes)?;
    to.flush()
}

/// A message that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Words(String);

fn said(kind: ErrorKind, words: impl Into<String>) -> io::Error {
    io::Error::new(kind, Words(words.into()))
}

/// Says what to do about an error of the system at `path`.
fn in_words(error: io::Error, path: &Path) -> io::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Words>()) {
        return error;
    }
    let folder = folder_of(path).unwrap_or(path);
    // Windows does not tell a file in place of the folder from none.
    let error = match error.kind() {
        ErrorKind::NotFound if folder.is_file() => ErrorKind::NotADirectory.into(),
        _ => error,
    };
    let folder = folder.display();
    let words = match error.kind() {
        _ if is_in_use(&error) => "another program has the file open; close it there".to_owned(),
        ErrorKind::NotFound if !folder_of(path).is_ok_and(Path::is_dir) => {
            format!("there is no folder {folder}; make it, or choose another")
        }
        ErrorKind::NotADirectory => format!("{folder} is no folder; choose another"),
        ErrorKind::NotFound | ErrorKind::PermissionDenied => {
            format!("no file may be made in {folder}; choose another folder")
        }
        ErrorKind::ReadOnlyFilesystem => {
            format!("{folder} is on a read-only file system; choose another folder")
        }
        ErrorKind::InvalidFilename => {
            "the name is too long for the file system; choose a shorter one".to_owned()
        }
        _ => return error,
    };
    said(error.kind(), words)
}

/// Returns true if Windows refuses a file because another program has opened or locked it.
fn is_in_use(error: &io::Error) -> bool {
    /// `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION`.
    const CODES: [i32; 2] = [32, 33];
    cfg!(windows) && error.raw_os_error().is_some_and(|code| CODES.contains(&code))
}

#[cfg(test)]
mod tests;
