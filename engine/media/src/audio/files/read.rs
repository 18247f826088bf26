//! Reading audio files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::{FormatReader, Track};

use super::collector::{SampleCollector, Stop};
use super::container::{
    check_declared, choose_track, is_end_of_file, make_decoder, open, other_tracks, probe,
    probe_bytes,
};
use super::declared::has_open_end;
use super::{Audio, AudioError, ReadWarning};

/// Samples, all channels together, that [`read`] accepts: 8 GiB, six hours of 48 kHz stereo.
pub const MAX_SAMPLES: usize = 1 << 31;

/// An audio file in memory.
#[derive(Clone, Debug)]
pub struct DecodedFile {
    /// The samples, at the file's own rate and channel count; every sample is finite.
    pub audio: Audio,
    /// What was wrong with the file; empty for a sound one. Show them.
    pub warnings: Vec<ReadWarning>,
}

/// Reads the first (or default) audio track of the file at `path`, whole.
///
/// The content decides what the file is; its name does not matter. Integer samples are scaled so
/// that full scale is ±1; float samples keep their values, also beyond ±1. Encoder delay and
/// padding are removed where the file states them in a way symphonia reads: MP3 with a LAME tag,
/// Ogg Vorbis, CAF. AAC in MP4 keeps its encoder's delay (1024 to 2112 samples of near silence).
/// Memory grows with what is decoded, never with what a header promises. Not realtime-safe.
///
/// # Errors
///
/// See [`AudioError`]; a damaged file of which something could be decoded is not an error: its
/// [`DecodedFile::warnings`] say what is missing.
pub fn read(path: &Path) -> Result<DecodedFile, AudioError> {
    read_with_limit(path, MAX_SAMPLES)
}

/// As [`read`], refusing more than `max_samples` samples (all channels together).
///
/// # Errors
///
/// As [`read`]; [`AudioError::TooLong`] as soon as the limit is passed.
pub fn read_with_limit(path: &Path, max_samples: usize) -> Result<DecodedFile, AudioError> {
    let file = open(path)?;
    contained(path, || decode(path, probe(path, file)?, max_samples))
}

/// As [`read`], of a file that is part of the program; `name` stands for it in errors.
///
/// # Errors
///
/// As [`read`].
pub fn read_bytes(name: &str, bytes: &'static [u8]) -> Result<DecodedFile, AudioError> {
    let path = Path::new(name);
    contained(path, || decode(path, probe_bytes(path, bytes)?, MAX_SAMPLES))
}

/// Damaged files have set off panics in decoders before. One of them must cost a message, not the
/// session of a person who dropped a file on the window.
fn contained(
    path: &Path,
    work: impl FnOnce() -> Result<DecodedFile, AudioError>,
) -> Result<DecodedFile, AudioError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(AudioError::DecoderPanicked { path: path.to_owned() }))
}

fn decode(
    path: &Path,
    mut format: Box<dyn FormatReader>,
    max_samples: usize,
) -> Result<DecodedFile, AudioError> {
    let (track, parameters) = choose_track(path, format.as_ref())?;
    let mut decoder = make_decoder(path, &parameters)?;
    check_declared(path, &parameters)?;

    let mut state = SampleCollector::new(path, max_samples);
    let stop = collect(&mut state, format.as_mut(), &mut decoder, &track)?;
    // That is how a file of undeclared length ends.
    let stop = match stop {
        Stop::EndOfFile if has_open_end(format.as_ref(), &track, &parameters) => Stop::End,
        stop => stop,
    };
    state.finish(&track, &parameters, stop, other_tracks(format.as_ref()))
}

/// Decodes packets of `track` into `state` until something stops it.
fn collect(
    state: &mut SampleCollector<'_>,
    format: &mut dyn FormatReader,
    decoder: &mut Box<dyn AudioDecoder>,
    track: &Track,
) -> Result<Stop, AudioError> {
    let mut track_id = track.id;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Stop::End),
            // Another stream begins, as in a chained Ogg file: its tracks are new.
            Err(SymphoniaError::ResetRequired) => {
                let Ok((next, parameters)) = choose_track(state.path, format) else {
                    return Ok(Stop::FormatChange);
                };
                let Ok(next_decoder) = make_decoder(state.path, &parameters) else {
                    return Ok(Stop::FormatChange);
                };
                track_id = next.id;
                *decoder = next_decoder;
                continue;
            }
            Err(error) if is_end_of_file(&error) => return Ok(Stop::EndOfFile),
            Err(error) => return Ok(Stop::Broken(error.to_string())),
        };
        if packet.track_id != track_id {
            continue;
        }
        match decoder.decode(&packet) {
            Ok(buffer) => {
                let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                // Codecs that start up return empty buffers, before they know their channels.
                if buffer.frames() == 0 {
                    continue;
                }
                if !state.accepts(rate, channels)? {
                    return Ok(Stop::FormatChange);
                }
                buffer.copy_to_vecs_planar(&mut state.scratch);
                state.append()?;
            }
            Err(SymphoniaError::DecodeError(reason)) => state.corrupt(reason.to_owned()),
            Err(SymphoniaError::IoError(error)) => state.corrupt(error.to_string()),
            Err(SymphoniaError::ResetRequired) => decoder.reset(),
            Err(error) => return Ok(Stop::Broken(error.to_string())),
        }
    }
}
