//! Writing audio files.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use super::{Audio, AudioFileError};
use residue_core::atomic_file;

/// Most bytes of samples in a WAV file: RIFF counts in 32 bits, less room for the header chunks.
const MAX_SAMPLE_BYTES: u64 = u32::MAX as u64 - 4096;

/// Writes `audio` to `path` as 32-bit float WAV, bit-exact and unclipped.
///
/// The file is written beside `path` under a temporary name and renamed at the end, so that `path` never
/// holds a partial file. Not realtime-safe.
///
/// # Errors
///
/// [`AudioFileError::TooLargeForWav`] beyond 4 GiB, [`AudioFileError::NotWritable`] for a buffer without
/// channels, rate or with channels of different lengths, [`AudioFileError::Write`] for everything the
/// system reports. On error the temporary file is removed.
pub fn write(path: &Path, audio: &Audio) -> Result<(), AudioFileError> {
    let channels = check(path, audio)?;
    let spec = hound::WavSpec {
        channels,
        sample_rate: audio.rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let failed = |source| AudioFileError::Write { path: path.to_owned(), source };

    atomic_file::write(path, |file| write_samples(file, spec, audio)).map_err(failed)
}

/// Checks that a WAV file can hold `audio`; returns the channel count as the header stores it.
fn check(path: &Path, audio: &Audio) -> Result<u16, AudioFileError> {
    let refuse = |reason: String| AudioFileError::NotWritable { path: path.to_owned(), reason };
    let count = audio.channels.len();
    let channels = u16::try_from(count)
        .ok()
        .filter(|&channels| channels > 0)
        .ok_or_else(|| refuse(format!("it has {count} channels, expected 1 to 65535")))?;
    if audio.rate == 0 {
        return Err(refuse("its sample rate is 0 Hz".into()));
    }
    if let Some(channel) = audio.channels.iter().find(|channel| channel.len() != audio.len()) {
        return Err(refuse(format!(
            "its channels have different lengths ({} and {} samples)",
            audio.len(),
            channel.len()
        )));
    }
    let bytes = audio.len() as u64 * u64::from(channels) * 4;
    // The header also stores bytes a second in 32 bits.
    let bytes_per_second = u64::from(audio.rate) * u64::from(channels) * 4;
    if bytes > MAX_SAMPLE_BYTES {
        return Err(AudioFileError::TooLargeForWav { path: path.to_owned(), bytes });
    }
    if bytes_per_second > u64::from(u32::MAX) {
        return Err(refuse(format!("{channels} channels at {} Hz are too many", audio.rate)));
    }
    Ok(channels)
}

fn write_samples(file: File, spec: hound::WavSpec, audio: &Audio) -> io::Result<()> {
    let mut writer =
        hound::WavWriter::new(BufWriter::with_capacity(1 << 16, file), spec).map_err(as_io)?;
    for n in 0..audio.len() {
        for channel in &audio.channels {
            writer.write_sample(channel[n]).map_err(as_io)?;
        }
    }
    writer.finalize().map_err(as_io)
}

fn as_io(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}
