//! Audio and code files, read on threads that may wait.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use residue_engine::audio::{self, Audio, AudioFileError, ReadOptions, ReadWarning};
use residue_engine::hex;
use residue_engine::tokens::{Codes, NpyError, npy};
use sha2::{Digest, Sha256};

use super::state::LoadedFile;

/// The reason why a file cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// An audio file that cannot be decoded.
    #[error(transparent)]
    Audio(#[from] AudioFileError),
    /// An audio file with more than two channels.
    #[error("{} has {channels} channels; write the one or two that you want to hear to a file of their own", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Its channels.
        channels: usize,
    },
    /// An audio file without a sample.
    #[error("{} holds no sound", .0.display())]
    NoSound(PathBuf),
    /// A file that cannot be read once more for its checksum.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file that holds no array of codes.
    #[error(transparent)]
    Codes(#[from] NpyError),
    /// An array of codes without a frame.
    #[error("{} holds no frames", .0.display())]
    NoFrames(PathBuf),
}

/// Reads an audio file, with the installed ffmpeg where Residue does not decode it itself.
///
/// # Errors
/// If it cannot be decoded, is empty, or has more than two channels.
pub fn audio_file(path: &Path) -> Result<(LoadedFile, Vec<ReadWarning>), FileError> {
    let decoded = audio::read_with(path, &ReadOptions::with_installed_ffmpeg())?;
    let audio = decoded.audio;
    if audio.channels.len() > 2 {
        return Err(FileError::Channels { path: path.to_owned(), channels: audio.channels.len() });
    }
    if audio.is_empty() {
        return Err(FileError::NoSound(path.to_owned()));
    }
    let sha256 =
        checksum(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    let file = LoadedFile {
        name: name(path),
        path: path.to_owned(),
        peaks: peaks(&audio),
        audio: Arc::new(audio),
        sha256,
    };
    Ok((file, decoded.warnings))
}

/// Reads a file of codes.
///
/// # Errors
/// If it holds no array of codes, or no frame.
pub fn code_file(path: &Path) -> Result<Codes, FileError> {
    let codes = npy::read(path)?;
    if codes.frames() == 0 {
        return Err(FileError::NoFrames(path.to_owned()));
    }
    Ok(codes)
}

/// A file's name without its folder.
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// SHA-256 of a file's bytes, in lowercase hex.
fn checksum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&sum.finalize()));
        }
        sum.update(&buffer[..count]);
    }
}

fn peaks(audio: &Audio) -> Arc<[[f32; 2]]> {
    let parts = audio.len().min(LoadedFile::PEAKS);
    let part = |n: usize| {
        let (start, end) = (n * audio.len() / parts, (n + 1) * audio.len() / parts);
        let samples = audio.channels.iter().flat_map(|channel| &channel[start..end]);
        samples.fold([f32::MAX, f32::MIN], |[least, most], &x| [least.min(x), most.max(x)])
    };
    (0..parts).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_cover_every_sample() {
        let mut plane = vec![0.0; 10_000];
        plane[0] = 0.5;
        plane[9_999] = -0.25;
        plane[5_000] = 1.5;
        let audio = Audio::new(8000, vec![plane, vec![0.1; 10_000]]);
        let peaks = peaks(&audio);
        assert_eq!(peaks.len(), LoadedFile::PEAKS);
        assert_eq!(peaks[0], [0.0, 0.5]);
        assert_eq!(peaks[LoadedFile::PEAKS - 1], [-0.25, 0.1]);
        assert_eq!(peaks.iter().filter(|peak| peak[1] == 1.5).count(), 1);
        let short = Audio::new(8000, vec![vec![1.0, -1.0]]);
        assert_eq!(super::peaks(&short).as_ref(), [[1.0, 1.0], [-1.0, -1.0]]);
    }
}
