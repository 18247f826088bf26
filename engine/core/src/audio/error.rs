//! What can go wrong with audio files and buffers.

use std::io;
use std::path::PathBuf;

use super::SUPPORTED_RATES;

/// Containers and codecs that the reader of files understands, for error messages.
const READABLE: &str = "WAV, AIFF, CAF, FLAC, ALAC, MP1/2/3, AAC-LC (M4A, ADTS) and Ogg Vorbis, \
                        also inside MP4, MKV and WebM";

/// An audio file or buffer that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
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
    /// The file exists and the system does not let us open or read it.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Open {
        /// The path as given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// No container was recognised.
    #[error(
        "{path}: not an audio file this program can read ({reason}); it reads {READABLE}: \
         convert the file to one of these first", path = path.display()
    )]
    NotAudio {
        /// The path as given.
        path: PathBuf,
        /// What the container probe said.
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
    /// The audio is in a codec without a decoder here.
    #[error(
        "{path}: {codec} audio is not supported; this program reads {READABLE}: convert the file \
         first, for instance `ffmpeg -i IN OUT.flac`", path = path.display()
    )]
    UnsupportedCodec {
        /// The path as given.
        path: PathBuf,
        /// The codec's name, or its number where it has no known name.
        codec: String,
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
        /// What stopped the decoder.
        reason: String,
    },
    /// The audio would not fit in memory.
    #[error(
        "{path}: longer than this program holds in memory ({limit} samples, all channels \
         together); cut it into parts", path = path.display()
    )]
    TooLong {
        /// The path as given.
        path: PathBuf,
        /// The limit in samples, summed over the channels.
        limit: usize,
    },
    /// A decoder panicked. It is a bug in the decoder, set off by a damaged file.
    #[error(
        "{path}: the decoder failed on this file, which is probably damaged; convert it with \
         another program first", path = path.display()
    )]
    DecoderPanicked {
        /// The path as given.
        path: PathBuf,
    },
    /// The file could not be written; nothing was left at the path that was not there before.
    #[error("{path}: cannot be written: {source}", path = path.display())]
    Write {
        /// The path as given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The audio needs more bytes than a WAV file can declare.
    #[error(
        "{path}: {bytes} bytes of audio do not fit in a WAV file (4 GiB at most); write it in \
         parts", path = path.display()
    )]
    TooLargeForWav {
        /// The path as given.
        path: PathBuf,
        /// Size of the samples in bytes.
        bytes: u64,
    },
    /// The buffer cannot become a WAV file.
    #[error("{path}: cannot be written as WAV: {reason}", path = path.display())]
    NotWritable {
        /// The path as given.
        path: PathBuf,
        /// What about the buffer is wrong.
        reason: String,
    },
    /// A rate to resample from or to is outside [`SUPPORTED_RATES`].
    #[error(
        "cannot resample from {from} Hz to {to} Hz: expected rates of {low} to {high} Hz",
        low = SUPPORTED_RATES.start(), high = SUPPORTED_RATES.end()
    )]
    ResampleRate {
        /// Rate of the input in hertz.
        from: u32,
        /// Rate asked for in hertz.
        to: u32,
    },
    /// The buffer has no channels, or its channels differ in length.
    #[error("the audio cannot be laid out for the model: {reason}")]
    Buffer {
        /// What about the buffer is wrong.
        reason: String,
    },
    /// The model has neither one nor two channels.
    #[error("a model with {channels} channels cannot be fed: expected 1 or 2")]
    ModelChannels {
        /// Channels of the model.
        channels: usize,
    },
    /// The decoded streams are not those that [`prepare_audio`](super::prepare_audio) made.
    #[error("the decoded audio does not fit the input: expected {expected}, found {found}")]
    Restore {
        /// What the layout needs.
        expected: String,
        /// What was handed in.
        found: String,
    },
}
