//! Writing of audio files.

use std::io::{self, Write};
use std::path::Path;

use residue_core::output_file::OutputFile;

use super::{Audio, AudioFileError, WavFormat, WavWriter};

/// Writes `audio` to `path` as 32-bit float WAV, bit-exact and unclipped; RF64 beyond 4 GiB.
///
/// A regular file gets its content whole or keeps its old one: see [`OutputFile`]. Not realtime-safe.
///
/// # Errors
///
/// [`AudioFileError::NotWritable`] for a buffer without channels, rate or with channels of different lengths,
/// [`AudioFileError::Write`] for everything the system reports. On error the temporary file is removed.
pub fn write(path: &Path, audio: &Audio) -> Result<(), AudioFileError> {
    let refuse = |reason| AudioFileError::NotWritable { path: path.to_owned(), reason };
    let failed = |source| AudioFileError::Write { path: path.to_owned(), source };
    let format = wav_format(audio).map_err(refuse)?;
    let output = OutputFile::create(path).map_err(failed)?;
    output.expect(format.file_bytes(audio.len() as u64)).map_err(failed)?;
    write_as(format, output.file(), audio).map_err(failed)?;
    output.commit().map_err(failed)
}

/// Writes `audio` to `writer` as [`write()`] does, with its length stated. Not realtime-safe.
///
/// # Errors
/// The writer's error, or [`io::ErrorKind::InvalidInput`] for audio that WAV cannot hold.
pub fn write_to(writer: impl Write, audio: &Audio) -> io::Result<()> {
    let format =
        wav_format(audio).map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))?;
    write_as(format, writer, audio)
}

fn write_as(format: WavFormat, writer: impl Write, audio: &Audio) -> io::Result<()> {
    let mut wav = WavWriter::of_length(writer, format, audio.len() as u64)?;
    wav.write_planes(&audio.channels)?;
    wav.finish().map(drop)
}

/// Returns the format of `audio`, or the reason why WAV cannot hold it.
fn wav_format(audio: &Audio) -> Result<WavFormat, String> {
    let format = WavFormat::new(audio.rate, audio.channels.len(), audio.speakers)?;
    match audio.channels.iter().find(|channel| channel.len() != audio.len()) {
        None => Ok(format),
        Some(channel) => Err(format!(
            "its channels have different lengths ({} and {} samples)",
            audio.len(),
            channel.len()
        )),
    }
}
