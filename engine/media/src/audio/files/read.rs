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
use super::{AudioFileError, DecodedFile};

/// Most samples, all channels together, that [`read`] accepts: 8 GiB, six hours of 48 kHz stereo.
pub const MAX_SAMPLES: usize = 1 << 31;

/// Reads the default (or first) audio track of the file at `path`, whole.
///
/// The format is recognised by the file's content, not its name. Integer samples are scaled so that full
/// scale is ±1; float samples keep their values, also beyond ±1. Encoder delay and padding are removed
/// where the file states them in a way that symphonia reads: MP3 with a LAME tag, Ogg Vorbis, CAF. AAC in
/// MP4 keeps its encoder's delay (1024 to 2112 samples of near silence). Memory grows with the samples
/// decoded, not with the length that a header declares. Not realtime-safe.
///
/// # Errors
///
/// See [`AudioFileError`]. A damaged file of which some audio could be decoded is not an error; its
/// [`DecodedFile::warnings`] say what is missing.
pub fn read(path: &Path) -> Result<DecodedFile, AudioFileError> {
    read_with_limit(path, MAX_SAMPLES)
}

/// Reads as [`read`] does, and refuses more than `max_samples` samples (all channels together).
///
/// # Errors
///
/// As [`read`]; [`AudioFileError::TooLong`] as soon as the limit is passed.
pub fn read_with_limit(path: &Path, max_samples: usize) -> Result<DecodedFile, AudioFileError> {
    let file = open(path)?;
    catch_decoder_panic(path, || decode(path, probe(path, file)?, max_samples))
}

/// Reads a file that is embedded in the program, as [`read`] does; `name` stands for it in errors.
///
/// # Errors
///
/// As [`read`].
pub fn read_bytes(name: &str, bytes: &'static [u8]) -> Result<DecodedFile, AudioFileError> {
    let path = Path::new(name);
    catch_decoder_panic(path, || decode(path, probe_bytes(path, bytes)?, MAX_SAMPLES))
}

/// Turns a panic of a decoder into an error. Damaged files have triggered such panics, and a file dropped
/// on the window must not end the session.
fn catch_decoder_panic(
    path: &Path,
    work: impl FnOnce() -> Result<DecodedFile, AudioFileError>,
) -> Result<DecodedFile, AudioFileError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(AudioFileError::DecoderPanicked { path: path.to_owned() }))
}

fn decode(
    path: &Path,
    mut format: Box<dyn FormatReader>,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let (track, parameters) = choose_track(path, format.as_ref())?;
    let mut decoder = make_decoder(path, &parameters)?;
    check_declared(path, &parameters)?;

    let mut state = SampleCollector::new(path, max_samples);
    let stop = collect(&mut state, format.as_mut(), &mut decoder, &track)?;
    // The regular end of a file of undeclared length.
    let stop = match stop {
        Stop::EndOfFile if has_open_end(format.as_ref(), &track, &parameters) => Stop::End,
        stop => stop,
    };
    state.finish(&track, &parameters, stop, other_tracks(format.as_ref()))
}

/// Decodes packets of `track` into `state` and returns why it stopped.
fn collect(
    state: &mut SampleCollector<'_>,
    format: &mut dyn FormatReader,
    decoder: &mut Box<dyn AudioDecoder>,
    track: &Track,
) -> Result<Stop, AudioFileError> {
    let mut track_id = track.id;
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(Stop::End),
            // Another stream begins, as in a chained Ogg file, with tracks of its own.
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
                // Some codecs return empty buffers first, before they know their channels.
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
