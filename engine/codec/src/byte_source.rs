//! Bytes of a model's file, read at positions.
//!
//! Files are read and not memory-mapped. Another process may truncate a file at any time (a copy in place, a
//! lost network share), and an access beyond the end of a mapped file ends the program with SIGBUS, a plugin's
//! host included. A read fails with an error instead.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::error::CheckpointError;

/// Bytes that are read and converted at a time.
pub(super) const BLOCK: usize = 256 << 10;

/// A file as it was when it was opened, or bytes in memory.
pub(super) enum ByteSource<'a> {
    File(PositionedFile),
    Memory { name: String, bytes: &'a [u8] },
}

/// An open file with its size and modification time at that moment.
pub(super) struct PositionedFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Time of the last modification, in nanoseconds since 1970; 0 if unknown.
    modified: u128,
}

impl ByteSource<'_> {
    /// Opens a regular file.
    ///
    /// # Errors
    /// If it cannot be opened or is no regular file.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let failed = |cause| CheckpointError::Read { path: path.to_owned(), cause };
        // Before it is opened, because opening a named pipe waits for a writer.
        if !path.metadata().map_err(failed)?.is_file() {
            return Err(failed(io::Error::new(ErrorKind::InvalidInput, "it is not a file")));
        }
        let file = File::open(path).map_err(failed)?;
        let (bytes, modified) = state(&file).map_err(failed)?;
        Ok(Self::File(PositionedFile { path: path.to_owned(), file, bytes, modified }))
    }

    /// Returns the path, or the name of bytes in memory, for messages.
    pub fn name(&self) -> String {
        match self {
            Self::File(file) => file.path.display().to_string(),
            Self::Memory { name, .. } => name.clone(),
        }
    }

    /// Returns the size in bytes, that at opening for a file.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.bytes,
            Self::Memory { bytes, .. } => bytes.len() as u64,
        }
    }

    /// Returns numbers that tell this state of the file from others: the modification time in nanoseconds since
    /// 1970 and, on Unix, the time of the last change of its metadata, in seconds and nanoseconds, because other
    /// content may get the modification time of the old.
    pub fn state(&self) -> [u128; 3] {
        match self {
            Self::File(file) => {
                let [seconds, nanoseconds] = changed(&file.file);
                [file.modified, seconds, nanoseconds]
            }
            Self::Memory { .. } => [0; 3],
        }
    }

    /// Returns the open file, none for bytes in memory.
    pub fn file(&self) -> Option<&File> {
        match self {
            Self::File(file) => Some(&file.file),
            Self::Memory { .. } => None,
        }
    }

    /// Returns a reader of the bytes from the beginning, for one use.
    pub fn reader(&self) -> Box<dyn Read + '_> {
        match self {
            Self::File(file) => Box::new(&file.file),
            Self::Memory { bytes, .. } => Box::new(*bytes),
        }
    }

    /// Fills `to` with the bytes from `offset` on. May be called from many threads at once.
    ///
    /// # Errors
    /// [`CheckpointError::Changed`] if the file ends before, and errors of reading.
    pub fn read_exact_at(&self, to: &mut [u8], offset: u64) -> Result<(), CheckpointError> {
        match self {
            Self::File(file) => {
                read_exact_at(&file.file, to, offset).map_err(|cause| match cause.kind() {
                    ErrorKind::UnexpectedEof => file.changed(),
                    _ => CheckpointError::Read { path: file.path.clone(), cause },
                })
            }
            Self::Memory { name, bytes } => {
                let from = usize::try_from(offset).ok().and_then(|start| bytes.get(start..));
                match from.and_then(|from| from.get(..to.len())) {
                    Some(from) => to.copy_from_slice(from),
                    None => {
                        return Err(CheckpointError::Changed {
                            file: name.clone(),
                            expected: offset.saturating_add(to.len() as u64),
                            found: bytes.len() as u64,
                        });
                    }
                }
                Ok(())
            }
        }
    }

    /// Checks that the file has the size and modification time that it had when it was opened.
    ///
    /// # Errors
    /// [`CheckpointError::Changed`], and errors of reading.
    pub fn check_unchanged(&self) -> Result<(), CheckpointError> {
        let Self::File(file) = self else { return Ok(()) };
        let now = state(&file.file)
            .map_err(|cause| CheckpointError::Read { path: file.path.clone(), cause })?;
        if now == (file.bytes, file.modified) { Ok(()) } else { Err(file.changed()) }
    }
}

impl PositionedFile {
    /// Returns the error that the file is not what it was.
    fn changed(&self) -> CheckpointError {
        let found = self.file.metadata().map_or(0, |metadata| metadata.len());
        CheckpointError::Changed {
            file: self.path.display().to_string(),
            expected: self.bytes,
            found,
        }
    }
}

/// Returns the size and modification time of a file.
fn state(file: &File) -> io::Result<(u64, u128)> {
    let metadata = file.metadata()?;
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok((metadata.len(), modified.map_or(0, |time| time.as_nanos())))
}

#[cfg(unix)]
fn changed(file: &File) -> [u128; 2] {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map_or([0; 2], |file| [file.ctime() as u128, file.ctime_nsec() as u128])
}

#[cfg(not(unix))]
fn changed(_file: &File) -> [u128; 2] {
    [0; 2]
}

#[cfg(unix)]
fn read_exact_at(file: &File, to: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, to, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut to: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !to.is_empty() {
        match file.seek_read(to, offset) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                to = &mut to[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_memory_are_read_alike() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let content: Vec<u8> = (0..=255).collect();
        std::fs::write(&path, &content).unwrap();
        let file = ByteSource::open(&path).unwrap();
        let memory = ByteSource::Memory { name: "x".to_owned(), bytes: &content };
        for source in [&file, &memory] {
            assert_eq!(source.bytes(), 256);
            let mut to = [0; 10];
            for offset in [0, 100, 246] {
                source.read_exact_at(&mut to, offset).unwrap();
                assert_eq!(to[..], content[offset as usize..][..10]);
            }
            for offset in [247, 256, u64::from(u32::MAX), u64::MAX - 9] {
                assert!(source.read_exact_at(&mut to, offset).is_err(), "{offset}");
            }
            source.check_unchanged().unwrap();
        }
    }

    #[test]
    fn a_file_that_changes_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, [1; 100]).unwrap();
        let source = ByteSource::open(&path).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(50).unwrap();
        let mut to = [0; 60];
        for error in
            [source.read_exact_at(&mut to, 0).unwrap_err(), source.check_unchanged().unwrap_err()]
        {
            assert!(matches!(error, CheckpointError::Changed { expected: 100, found: 50, .. }));
            assert!(error.to_string().contains("changed while it was read"), "{error}");
        }
        source.read_exact_at(&mut to[..50], 0).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn folders_and_pipes_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        for path in [folder.path(), &pipe] {
            if path == pipe && !made.as_ref().is_ok_and(|status| status.success()) {
                continue;
            }
            let error = ByteSource::open(path).err().unwrap();
            assert!(error.to_string().contains("not a file"), "{error}");
        }
    }
}
