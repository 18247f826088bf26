//! Files that are there whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Lets `fill` write a file beside `path` under a temporary name and renames it at the end, so that
/// `path` never holds half a file, also when it held another one before. Not realtime-safe.
///
/// # Errors
/// What `fill` returns or the system reports; the temporary file is then removed.
pub fn write(path: &Path, fill: impl FnOnce(File) -> io::Result<()>) -> io::Result<()> {
    let (temporary, file) = create_beside(path)?;
    let result = fill(file).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // The first failure is the one to report; a temporary file that cannot be removed either
        // changes nothing about it.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Creates a new file in the directory of `path`: a rename is atomic only within a file system.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name")
    })?;
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "a folder has this name"));
    }
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        let serial = COUNTER.fetch_add(1, Ordering::Relaxed);
        temporary.push(format!(".{}-{serial}.tmp", std::process::id()));
        let temporary = path.with_file_name(temporary);
        match File::create_new(&temporary) {
            // Left over from a process that was killed and had our number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (temporary, file)),
        }
    }
}
