//! Whole files through a conventional codec.

use std::ops::ControlFlow;

use residue_conventional::ConventionalCodec;
use residue_core::audio::{Audio, MonoTreatment, prepare_audio};

use crate::offline::{OfflineError, OnChunk};
use crate::output_check::check_input;

/// Frames between two reports of progress.
const FRAMES_A_REPORT: usize = 64;

/// A file after a conventional codec.
#[derive(Clone, Debug, PartialEq)]
pub struct ConventionalPass {
    /// The decoded audio, with the original's length, rate and channels, aligned to the sample.
    pub audio: Audio,
    /// The nominal bitrate of all streams in bits a second.
    pub bitrate: f64,
    /// The bitrate of the packets in bits a second: those of a codec of variable bitrate vary with the signal.
    pub used_bitrate: f64,
}

/// Sends `audio` through a codec and compensates its delay.
///
/// Mono is coded as mono, stereo as stereo, and more channels in pairs. Other rates than the codec's are converted there
/// and back. Not realtime-safe.
///
/// # Errors
/// If the audio cannot be laid out for the codec or is too loud, the codec's settings are out of range, or the caller
/// stops.
pub fn pass_conventional(
    codec: &ConventionalCodec,
    audio: &Audio,
    progress: &mut OnChunk<'_>,
) -> Result<ConventionalPass, OfflineError> {
    check_input(audio)?;
    let format = codec.format();
    let channels = audio.channels.len().min(2);
    let prepared = prepare_audio(audio, format.rate, channels, format.frame, MonoTreatment::Dual)?;
    let length = prepared.streams.first().map_or(0, Audio::len);
    // Silence after the file brings out what the delay still holds back.
    let frames = (length + format.delay).div_ceil(format.frame);
    let all = frames * prepared.streams.len();
    let mut bytes = 0;
    let mut decoded = Vec::new();
    for (done, stream) in prepared.streams.iter().enumerate() {
        let mut codec = codec.stream(channels)?;
        let mut input = vec![0.0; format.frame * channels];
        let mut output = vec![0.0; format.frame * channels];
        let mut planes = vec![Vec::with_capacity(frames * format.frame); channels];
        for n in 0..frames {
            let start = n * format.frame;
            for (to, plane) in input.chunks_exact_mut(format.frame).zip(&stream.channels) {
                let part = &plane[start.min(length)..(start + format.frame).min(length)];
                to[..part.len()].copy_from_slice(part);
                to[part.len()..].fill(0.0);
            }
            bytes += codec.process(&input, false, &mut output)?;
            for (plane, part) in planes.iter_mut().zip(output.chunks_exact(format.frame)) {
                plane.extend_from_slice(part);
            }
            if n % FRAMES_A_REPORT == 0 || n + 1 == frames {
                let share = (done * frames + n + 1) as f64 / all as f64;
                if let ControlFlow::Break(()) = progress(share) {
                    return Err(OfflineError::Cancelled);
                }
            }
        }
        for plane in &mut planes {
            plane.drain(..format.delay);
            plane.truncate(length);
        }
        decoded.push(Audio::new(format.rate, planes));
    }
    let seconds = (frames * format.frame) as f64 / f64::from(format.rate);
    Ok(ConventionalPass {
        audio: prepared.layout.restore(&decoded)?,
        bitrate: codec.bitrate(channels) * prepared.streams.len() as f64,
        used_bitrate: if seconds > 0.0 { bytes as f64 * 8.0 / seconds } else { 0.0 },
    })
}
