//! The bytes of a file: on disk, or in memory where they came through a pipe.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use symphonia::core::io::MediaSource;

use super::AudioFileError;
use super::limits::MAX_PIPE_BYTES;

/// A file that can be read from any place, more than once.
#[derive(Clone, Debug)]
pub(super) enum AudioInput {
    /// A file on disk.
    File {
        /// The open file; readers share its position, so each seeks before it reads.
        file: Arc<File>,
        /// Its length in bytes.
        length: u64,
    },
    /// Bytes from a pipe.
    Memory(Arc<[u8]>),
    /// Bytes that are part of the program.
    Static(&'static [u8]),
}

impl AudioInput {
    /// Opens the file at `path`; refuses folders and empty files. What is not a regular file (a pipe, `/dev/stdin`)
    /// is read to its end into memory, because containers are read from more than one place.
    pub(super) fn open(path: &Path) -> Result<Self, AudioFileError> {
        let failed = |reason: io::Error| match reason.kind() {
            io::ErrorKind::NotFound => AudioFileError::NotFound { path: path.to_owned() },
            io::ErrorKind::IsADirectory => AudioFileError::IsDirectory { path: path.to_owned() },
            _ => AudioFileError::open(path, reason),
        };
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Err(AudioFileError::IsDirectory { path: path.to_owned() });
        }
        let file = File::open(path).map_err(failed)?;
        let input = if metadata.is_file() {
            Self::File { file: Arc::new(file), length: metadata.len() }
        } else {
            let mut bytes = Vec::new();
            file.take(MAX_PIPE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
            if bytes.len() as u64 > MAX_PIPE_BYTES {
                return Err(AudioFileError::PipeTooLong {
                    path: path.to_owned(),
                    limit: MAX_PIPE_BYTES,
                });
            }
            Self::Memory(bytes.into())
        };
        if input.length() == 0 {
            return Err(AudioFileError::Empty { path: path.to_owned() });
        }
        Ok(input)
    }

    /// Returns the length in bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::File { length, .. } => *length,
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Static(bytes) => bytes.len() as u64,
        }
    }

    /// Returns a reader of the whole file.
    pub(super) fn whole(&self) -> Section {
        self.section(0, self.length())
    }

    /// Returns a reader of `length` bytes from `start`, fewer where the file ends before.
    pub(super) fn section(&self, start: u64, length: u64) -> Section {
        let start = start.min(self.length());
        let length = length.min(self.length() - start);
        Section { input: self.clone(), start, length, position: 0, patches: Vec::new() }
    }

    /// Returns up to `count` bytes from `start`.
    pub(super) fn bytes(&self, start: u64, count: u64) -> io::Result<Vec<u8>> {
        let mut section = self.section(start, count);
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(section.length as usize).map_err(io::Error::other)?;
        section.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&self, start: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let copy = |bytes: &[u8], buffer: &mut [u8]| {
            let rest = bytes.get(start as usize..).unwrap_or(&[]);
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        };
        match self {
            Self::File { file, .. } => {
                let mut file = file.as_ref();
                file.seek(SeekFrom::Start(start))?;
                file.read(buffer)
            }
            Self::Memory(bytes) => copy(bytes, buffer),
            Self::Static(bytes) => copy(bytes, buffer),
        }
    }
}

/// A reader of a part of a file, in which single bytes may be replaced.
#[derive(Debug)]
pub(super) struct Section {
    input: AudioInput,
    start: u64,
    length: u64,
    position: u64,
    patches: Vec<(u64, u8)>,
}

impl Section {
    /// Replaces the byte at `position` of the section.
    pub(super) fn patch(&mut self, position: u64, byte: u8) {
        self.patches.push((position, byte));
    }

    /// Returns another reader of the same part, at its start.
    pub(super) fn reopened(&self) -> Self {
        let (input, patches) = (self.input.clone(), self.patches.clone());
        Self { input, patches, position: 0, ..*self }
    }

    /// Returns the number of bytes up to the section's end.
    pub(super) fn left(&self) -> u64 {
        self.length.saturating_sub(self.position)
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = (self.left().min(buffer.len() as u64)) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.input.read_at(self.start + self.position, &mut buffer[..wanted])?;
        for &(position, byte) in &self.patches {
            if (self.position..self.position + count as u64).contains(&position) {
                buffer[(position - self.position) as usize] = byte;
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for Section {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
