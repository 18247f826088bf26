//! Reading audio files.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::aiff::read_aiff;
use super::caf::read_caf;
use super::collector::{SampleCollector, Stop};
use super::container::{Container, FoundContainer, MATROSKA_MARK, find_container};
use super::ending::{matroska_end, ogg_is_whole};
use super::ffmpeg::{Ffmpeg, FfmpegError};
use super::flac::read_flac;
use super::input::AudioInput;
use super::limits::MAX_SAMPLES;
use super::mp4::read_mp4;
use super::mpeg::read_mpeg;
use super::symphonia_reader::{collect_with_symphonia, read_with_symphonia};
use super::wave::read_wave;
use super::{AudioFileError, DecodedFile, ReadWarning};

/// Bytes in which MPEG audio is looked for where nothing is recognised.
const SEARCHED_BYTES: u64 = 1 << 20;

/// How files are read.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The program for what this one does not decode surely; `None` refuses such files.
    pub ffmpeg: Option<Ffmpeg>,
    /// Most samples, all channels together, counted at 48 kHz where a file's rate is lower.
    pub max_samples: usize,
}

impl Default for ReadOptions {
    /// Returns options without ffmpeg, with the limit [`MAX_SAMPLES`].
    fn default() -> Self {
        Self { ffmpeg: None, max_samples: MAX_SAMPLES }
    }
}

impl ReadOptions {
    /// Returns options with the ffmpeg that is installed, if there is one.
    pub fn with_installed_ffmpeg() -> Self {
        Self { ffmpeg: Ffmpeg::find(), ..Self::default() }
    }
}

/// Reads the first audio track of the file at `path`, whole, without the help of other programs.
///
/// The format is recognised by the file's content, not its name. Integer samples are scaled so that full scale is ±1;
/// float samples keep their values, also beyond ±1. Channels come in the order of WAVE files. Encoder delay and
/// padding are removed where the file states them: encoder tags of MP3, Ogg, CAF, and edit lists of MP4. Memory
/// grows with the samples decoded, not with the length that a header declares. Not realtime-safe.
///
/// # Errors
///
/// See [`AudioFileError`]. A damaged file of which some audio could be decoded is not an error; its
/// [`DecodedFile::warnings`] say what is missing.
pub fn read(path: &Path) -> Result<DecodedFile, AudioFileError> {
    read_with(path, &ReadOptions::default())
}

/// Reads as [`read`] does, with `options`.
///
/// # Errors
///
/// As [`read`]; [`AudioFileError::TooLong`] as soon as the limit is passed.
pub fn read_with(path: &Path, options: &ReadOptions) -> Result<DecodedFile, AudioFileError> {
    let input = AudioInput::open(path)?;
    let error = match read_input(path, &input, options.max_samples) {
        Err(error) if error.others_may_read() => error,
        result => return result,
    };
    match &options.ffmpeg {
        Some(ffmpeg) => read_with_ffmpeg(ffmpeg, path, &input, options.max_samples, error),
        None => Err(error),
    }
}

/// Reads a file that is embedded in the program, as [`read`] does; `name` stands for it in errors.
///
/// # Errors
///
/// As [`read`].
pub fn read_bytes(name: &str, bytes: &'static [u8]) -> Result<DecodedFile, AudioFileError> {
    read_input(Path::new(name), &AudioInput::Static(bytes), MAX_SAMPLES)
}

/// Reads without other programs. A panic of a decoder becomes an error: damaged files have triggered such panics, and
/// a file dropped on the window must not end the session.
fn read_input(
    path: &Path,
    input: &AudioInput,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let failed = |reason| AudioFileError::open(path, reason);
    let found = find_container(input).map_err(failed)?;
    catch_unwind(AssertUnwindSafe(|| read_container(path, input, found, max_samples)))
        .unwrap_or_else(|_| Err(AudioFileError::DecoderPanicked { path: path.to_owned() }))
}

/// Reads a container as the table in `container` says.
fn read_container(
    path: &Path,
    input: &AudioInput,
    found: FoundContainer,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let failed = |reason| AudioFileError::open(path, reason);
    let start = found.start;
    let rest = || input.section(start, input.length());
    match found.container {
        Container::Wave(wave) => read_wave(path, input, (wave, start), max_samples),
        Container::Aiff => read_aiff(path, input, start, max_samples),
        Container::Caf => read_caf(path, input, max_samples),
        Container::Mp4 => read_mp4(path, input, max_samples),
        Container::Mpeg => read_mpeg(path, input, start, input.length(), max_samples),
        Container::Flac => read_flac(path, input, start, max_samples),
        Container::Adts => read_with_symphonia(path, rest(), max_samples),
        Container::Ogg => {
            // The first packet of the first page names the codec.
            if input.bytes(start + 28, 8).map_err(failed)? == b"Speex   " {
                let codec = "Speex".into();
                return Err(AudioFileError::UnsupportedCodec { path: path.to_owned(), codec });
            }
            let mut collector = SampleCollector::new(path, max_samples);
            let mut facts = collect_with_symphonia(rest(), &mut collector)?;
            if matches!(facts.stop, Stop::End) && !ogg_is_whole(input).map_err(failed)? {
                facts.stop = Stop::EndOfFile;
            }
            collector.finish(facts)
        }
        Container::Matroska => {
            let mut collector = SampleCollector::new(path, max_samples);
            let mut facts = collect_with_symphonia(rest(), &mut collector)?;
            let end = matroska_end(input).map_err(failed)?;
            if matches!(facts.stop, Stop::End | Stop::EndOfFile) {
                let cut = end.is_some_and(|end| end > input.length());
                facts.stop = if cut { Stop::EndOfFile } else { Stop::End };
            }
            let behind = input.bytes(end.unwrap_or(input.length()), 4).map_err(failed)?;
            if behind == MATROSKA_MARK {
                collector.warn(ReadWarning::AppendedFile);
            }
            collector.finish(facts)
        }
        Container::Unknown => {
            let searched = input.length().min(SEARCHED_BYTES);
            let refused = || found.container.refused(path);
            read_mpeg(path, input, start, searched, max_samples).map_err(|_| refused())?;
            read_mpeg(path, input, start, input.length(), max_samples)
        }
        foreign @ Container::Foreign(_) => Err(foreign.refused(path)),
    }
}

/// Reads with ffmpeg what this program refused with `error`.
fn read_with_ffmpeg(
    ffmpeg: &Ffmpeg,
    path: &Path,
    input: &AudioInput,
    max_samples: usize,
    error: AudioFileError,
) -> Result<DecodedFile, AudioFileError> {
    let failed = |reason| AudioFileError::open(path, reason);
    // Bytes from a pipe are gone: ffmpeg gets a copy that it can read from any place.
    let copy = match input {
        AudioInput::File { .. } => None,
        AudioInput::Memory(bytes) => Some(temporary_copy(bytes).map_err(failed)?),
        AudioInput::Static(bytes) => Some(temporary_copy(bytes).map_err(failed)?),
    };
    let file = copy.as_ref().map_or(path, |copy| copy.path());
    ffmpeg.read(path, file, error.undecoded(), max_samples).map_err(|failure| match failure {
        FfmpegError::Audio(error) => error,
        FfmpegError::Failed(reason) => AudioFileError::Ffmpeg { first: Box::new(error), reason },
    })
}

fn temporary_copy(bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut copy = tempfile::NamedTempFile::new()?;
    copy.write_all(bytes)?;
    copy.flush()?;
    Ok(copy)
}
