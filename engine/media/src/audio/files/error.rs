//! Errors of reading and writing audio files.

use std::io;
use std::path::PathBuf;

use super::SUPPORTED_RATES;

/// Containers and codecs that [`read`](super::read()) supports, for error messages.
const READABLE: &str = "WAV, AIFF, CAF, FLAC, ALAC, MP1/2/3, AAC-LC (M4A, ADTS) and Ogg Vorbis, \
                        also inside MP4, MKV and WebM";

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
        /// The decoder's message.
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
