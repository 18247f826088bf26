//! Errors of reading and writing audio files.

use std::io;
use std::path::{Path, PathBuf};

use super::SUPPORTED_RATES;
use super::limits::{MAX_CHANNELS, MAX_LEVEL};

/// Containers and codecs that [`read`](super::read()) supports, for error messages.
const READABLE: &str = "WAV, AIFF, CAF, FLAC, ALAC, MP1/2/3, AAC-LC (M4A, ADTS) and Ogg Vorbis, \
                        also inside MP4, QuickTime, MKV and WebM";

/// The remedy for files that only another program decodes.
const REMEDY: &str =
    "install ffmpeg, which it then uses, or convert the file first: `ffmpeg -i IN OUT.flac`";

/// An audio file that cannot be read or written, with a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioFileError {
    /// Nothing exists at the path.
    #[error("{path}: no such file; check the path", path = path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The path names a folder.
    #[error("{path}: this is a folder; name an audio file inside it", path = path.display())]
    IsDirectory {
        /// The path as given.
        path: PathBuf,
    },
    /// The file has no bytes.
    #[error("{path}: the file is empty (0 bytes); export or download it again", path = path.display())]
    Empty {
        /// The path as given.
        path: PathBuf,
    },
    /// The file exists, and the system refuses to open or read it.
    #[error("{path}: cannot be read: {reason}", path = path.display())]
    Open {
        /// The path as given.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// A pipe, or a file that has to be held whole, is longer than is held in memory.
    #[error(
        "{path}: longer than the {limit} bytes that are held of such a file; cut it into parts, or \
         convert it to WAV or FLAC on disk first", path = path.display()
    )]
    PipeTooLong {
        /// The path as given.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// No container was recognised.
    #[error(
        "{path}: not an audio file this program can read ({reason}); it reads {READABLE}: \
         convert the file to one of these first", path = path.display()
    )]
    NotAudio {
        /// The path as given.
        path: PathBuf,
        /// Message of the container probe.
        reason: String,
    },
    /// The container was recognised and holds no audio.
    #[error(
        "{path}: this {container} file has no audio track; extract or export the audio first",
        path = path.display()
    )]
    NoAudioTrack {
        /// The path as given.
        path: PathBuf,
        /// The container's name.
        container: String,
    },
    /// No decoder supports the audio's codec.
    #[error("{path}: this program does not decode {codec} itself; {REMEDY}", path = path.display())]
    UnsupportedCodec {
        /// The path as given.
        path: PathBuf,
        /// The codec's name, or its number where it has no known name.
        codec: String,
    },
    /// A form of audio that this program's decoders may decode wrong, or that programs understand differently.
    #[error("{path}: this program does not decode {what} surely; {REMEDY}", path = path.display())]
    NotSure {
        /// The path as given.
        path: PathBuf,
        /// The form of audio.
        what: String,
    },
    /// A form of samples that the file does not describe fully, so that programs understand it differently.
    #[error(
        "{path}: {what}: programs understand this differently, so it is not guessed; export the file \
         again as 16-bit, 24-bit or float WAV", path = path.display()
    )]
    Ambiguous {
        /// The path as given.
        path: PathBuf,
        /// The form of samples.
        what: String,
    },
    /// ffmpeg could not decode what this program does not.
    #[error("{first}; the ffmpeg that is installed could not read it either: {reason}")]
    Ffmpeg {
        /// The reason why this program did not decode the file itself.
        first: Box<AudioFileError>,
        /// The last line that ffmpeg wrote.
        reason: String,
    },
    /// The file has more channels than this program takes.
    #[error(
        "{path}: the file has {channels} channels, and this program takes at most {MAX_CHANNELS}; \
         write those you want to a file of their own", path = path.display()
    )]
    TooManyChannels {
        /// The path as given.
        path: PathBuf,
        /// The channels found.
        channels: usize,
    },
    /// A sample is so large that it is no audio.
    #[error(
        "{path}: holds a sample of {sample:e}, and full scale is 1; samples beyond {MAX_LEVEL:e} are \
         not audio, so its header probably says float of something else: export it again",
        path = path.display()
    )]
    Level {
        /// The path as given.
        path: PathBuf,
        /// The sample.
        sample: f32,
    },
    /// The system has no memory for the samples.
    #[error("{path}: there is not enough memory for its samples; cut it into parts", path = path.display())]
    NoMemory {
        /// The path as given.
        path: PathBuf,
    },
    /// The file declares or decodes to zero channels.
    #[error("{path}: the file has no channels; export it again as mono or stereo", path = path.display())]
    NoChannels {
        /// The path as given.
        path: PathBuf,
    },
    /// The sample rate in the file is outside [`SUPPORTED_RATES`].
    #[error(
        "{path}: the file says its sample rate is {rate} Hz, expected {low} to {high} Hz; its \
         header is probably damaged: export it again",
        path = path.display(), low = SUPPORTED_RATES.start(), high = SUPPORTED_RATES.end()
    )]
    FileRate {
        /// The path as given.
        path: PathBuf,
        /// The rate found, in hertz.
        rate: u32,
    },
    /// Not one sample could be decoded.
    #[error("{path}: no audio could be decoded: {reason}", path = path.display())]
    NothingDecoded {
        /// The path as given.
        path: PathBuf,
        /// The decoder's message.
        reason: String,
    },
    /// The audio would not fit in memory.
    #[error(
        "{path}: longer than this program holds in memory ({limit} samples, all channels together, \
         at 48 kHz or more: {minutes:.0} minutes of {channels}-channel audio at {rate} Hz); cut it into parts",
        path = path.display(),
        minutes = *limit as f64 / *channels as f64 / f64::from((*rate).max(48_000)) / 60.0
    )]
    TooLong {
        /// The path as given.
        path: PathBuf,
        /// The limit in samples, summed over the channels.
        limit: usize,
        /// The file's rate in hertz.
        rate: u32,
        /// The file's channels.
        channels: usize,
    },
    /// A decoder panicked, which is a bug in the decoder that a damaged file triggers.
    #[error(
        "{path}: the decoder failed on this file, which is probably damaged; convert it with \
         another program first", path = path.display()
    )]
    DecoderPanicked {
        /// The path as given.
        path: PathBuf,
    },
    /// The file could not be written; the path is unchanged.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// The path as given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The buffer cannot become a WAV file.
    #[error("{path}: cannot be written as WAV: {reason}", path = path.display())]
    NotWritable {
        /// The path as given.
        path: PathBuf,
        /// The defect of the buffer.
        reason: String,
    },
}

impl AudioFileError {
    /// Returns the error of a file that the system refuses to open or read.
    pub(super) fn open(path: &Path, reason: io::Error) -> Self {
        Self::Open { path: path.to_owned(), reason }
    }

    /// Returns the error of a file whose container is not recognised or is damaged.
    pub(super) fn not_audio(path: &Path, reason: impl Into<String>) -> Self {
        Self::NotAudio { path: path.to_owned(), reason: reason.into() }
    }

    /// Returns true if another decoder may read the file.
    pub(super) fn others_may_read(&self) -> bool {
        matches!(
            self,
            Self::NotAudio { .. }
                | Self::UnsupportedCodec { .. }
                | Self::NotSure { .. }
                | Self::NothingDecoded { .. }
                | Self::DecoderPanicked { .. }
        )
    }

    /// Returns the form of audio that this program did not decode itself, in words.
    pub(super) fn undecoded(&self) -> String {
        match self {
            Self::UnsupportedCodec { codec, .. } => codec.clone(),
            Self::NotSure { what, .. } => what.clone(),
            Self::NotAudio { .. } => "an unknown container".into(),
            _ => "what its own decoders refuse".into(),
        }
    }
}
