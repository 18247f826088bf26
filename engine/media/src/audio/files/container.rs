//! Opening a file, recognising its container, and choosing a track and a decoder.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{
    MediaSource, MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource,
};
use symphonia::core::meta::MetadataOptions;

use super::codec_name::codec_name;
use super::{AudioFileError, SUPPORTED_RATES};

/// Opens the file at `path`; refuses folders and empty files.
pub(super) fn open(path: &Path) -> Result<File, AudioFileError> {
    let failed = |source: io::Error| {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => AudioFileError::NotFound { path },
            io::ErrorKind::IsADirectory => AudioFileError::IsDirectory { path },
            _ => AudioFileError::Open { path, source },
        }
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(AudioFileError::IsDirectory { path: path.to_owned() });
    }
    if metadata.is_file() && metadata.len() == 0 {
        return Err(AudioFileError::Empty { path: path.to_owned() });
    }
    File::open(path).map_err(failed)
}

fn recognise(source: Box<dyn MediaSource>) -> Result<Box<dyn FormatReader>, SymphoniaError> {
    symphonia::default::get_probe().probe(
        &Hint::new(),
        MediaSourceStream::new(source, MediaSourceStreamOptions::default()),
        FormatOptions::default(),
        MetadataOptions::default(),
    )
}

fn not_audio(path: &Path, error: SymphoniaError) -> AudioFileError {
    AudioFileError::NotAudio {
        path: path.to_owned(),
        reason: match error {
            error if is_end_of_file(&error) => {
                "no known container found, or the file is cut inside its header".into()
            }
            error => error.to_string(),
        },
    }
}

/// Recognises the container of a file in memory.
pub(super) fn probe_bytes(
    path: &Path,
    bytes: &'static [u8],
) -> Result<Box<dyn FormatReader>, AudioFileError> {
    recognise(Box::new(io::Cursor::new(bytes))).map_err(|error| not_audio(path, error))
}

/// Recognises the container.
pub(super) fn probe(path: &Path, file: File) -> Result<Box<dyn FormatReader>, AudioFileError> {
    recognise(Box::new(file)).or_else(|error| {
        // A truncated file lacks chunks that some readers expect behind the samples, or contradicts its
        // own sizes. Given a stream, readers do not look ahead, and find the samples.
        let source = ReadOnlySource::new(open(path)?);
        recognise(Box::new(source)).map_err(|_| not_audio(path, error))
    })
}

/// Returns true if the file ended inside an element.
pub(super) fn is_end_of_file(error: &SymphoniaError) -> bool {
    matches!(error, SymphoniaError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

/// Returns the default audio track, or the first.
pub(super) fn choose_track(
    path: &Path,
    format: &dyn FormatReader,
) -> Result<(Track, AudioCodecParameters), AudioFileError> {
    let track = format.default_track(TrackType::Audio);
    // Tracks of a codec unknown to the demuxer count, so that the error names the codec instead of
    // saying that there is no audio.
    let track = track.or_else(|| format.first_track(TrackType::Audio));
    track
        .and_then(|track| {
            let parameters = track.codec_params.as_ref()?.audio()?;
            Some((track.clone(), parameters.clone()))
        })
        .ok_or_else(|| AudioFileError::NoAudioTrack {
            path: path.to_owned(),
            container: format.format_info().long_name.to_owned(),
        })
}

/// Returns the number of audio tracks beside the chosen one.
pub(super) fn other_tracks(format: &dyn FormatReader) -> usize {
    let audio = |track: &&Track| track.track_type() == Some(TrackType::Audio);
    format.tracks().iter().filter(audio).count().saturating_sub(1)
}

/// Returns a decoder for the track.
pub(super) fn make_decoder(
    path: &Path,
    parameters: &AudioCodecParameters,
) -> Result<Box<dyn AudioDecoder>, AudioFileError> {
    symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| match error {
            SymphoniaError::Unsupported(_) => AudioFileError::UnsupportedCodec {
                path: path.to_owned(),
                codec: codec_name(parameters.codec),
            },
            other => {
                AudioFileError::NothingDecoded { path: path.to_owned(), reason: other.to_string() }
            }
        })
}

/// Refuses sample rates and channel counts that no audio file has.
pub(super) fn check_declared(
    path: &Path,
    parameters: &AudioCodecParameters,
) -> Result<(), AudioFileError> {
    match parameters.sample_rate {
        Some(rate) if !SUPPORTED_RATES.contains(&rate) => {
            return Err(AudioFileError::FileRate { path: path.to_owned(), rate });
        }
        _ => {}
    }
    match &parameters.channels {
        Some(channels) if channels.count() == 0 => {
            Err(AudioFileError::NoChannels { path: path.to_owned() })
        }
        _ => Ok(()),
    }
}
