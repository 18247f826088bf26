//! Whole files through the codec: any rate, channel count and length in, the same out.
//!
//! Works in chunks of whole frames, as the live path does, and any chunk size gives the same result.
//! Nothing here is realtime-safe.

use std::ops::ControlFlow;

use residue_codec::{Codec, CodecError};
use residue_conventional::ConventionalError;
use residue_core::audio::{Audio, AudioError, MonoTreatment, StreamLayout, prepare_audio};
use residue_core::codes::Codes;

pub use crate::conventional_file::{ConventionalPass, pass_conventional};
pub use crate::output_check::check_decoded;
use crate::output_check::{LARGEST_LATENT, check_input, check_latents};

/// Advice for a model whose output cannot be used.
const ADVICE: &str = "Its weights are damaged or do not belong to its config.json: get the model again, or use another one";

impl OfflineError {
    /// Returns whether the model's numbers are at fault, not the audio or the request.
    pub fn is_of_the_model(&self) -> bool {
        matches!(self, Self::Latents { .. } | Self::Decoded { .. })
    }
}

/// An error between a file and its codes.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The audio cannot be laid out for the model.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// The model refused its input or failed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A conventional codec refused its settings or failed.
    #[error(transparent)]
    Conventional(#[from] ConventionalError),
    /// The audio is louder than a model's arithmetic allows; levels are in dB over full scale.
    #[error(
        "the audio reaches {level:.1} dB over full scale, and a model takes up to {limit:.0} dB: scale it to full scale (samples from -1 to 1) first"
    )]
    TooLoud {
        /// Of the loudest sample.
        level: f64,
        /// The most that is accepted.
        limit: f64,
    },
    /// The model's encoder gave values that cannot be quantized.
    #[error(
        "the model's encoder fails: {bad} of {total} values are not finite or beyond {LARGEST_LATENT:e}. {ADVICE}"
    )]
    Latents {
        /// Values that are not finite or too large.
        bad: usize,
        /// Values of the chunk.
        total: usize,
    },
    /// The model's decoder gave samples that are not audio.
    #[error(
        "the model's decoder fails: of {total} samples {non_finite} are not finite and {too_loud} are more than {limit:.0} dB over full scale. {ADVICE}"
    )]
    Decoded {
        /// Samples that are not finite.
        non_finite: usize,
        /// Finite samples beyond the limit.
        too_loud: usize,
        /// Samples of the chunk.
        total: usize,
        /// Limit, in dB over full scale.
        limit: f64,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Told after each chunk which share of the work is done, 0 to 1; breaking off stops the work with
/// [`OfflineError::Cancelled`].
pub type OnChunk<'a> = dyn FnMut(f64) -> ControlFlow<()> + 'a;

/// A file as codes, with what is needed to make a file of the same shape again.
#[derive(Clone, Debug)]
pub struct EncodedFile {
    /// One array a stream; see [`StreamLayout`] for how channels map to streams.
    pub streams: Vec<Codes>,
    /// How the streams become the file's channels.
    pub layout: StreamLayout,
}

/// Encodes `audio` to the first `depth` layers, `chunk` frames at a time.
///
/// The model hears the file and silence after it, for as many whole frames as it takes to make
/// every sample of the file from decoded ones: where rates differ, the conversion back needs a
/// few of them past the end.
///
/// # Errors
/// If the audio cannot be laid out for the model or is too loud for it, the depth is not available, the
/// encoder's output cannot be quantized, or the caller stops.
pub fn encode(
    codec: &Codec,
    audio: &Audio,
    depth: usize,
    treatment: MonoTreatment,
    chunk: usize,
    progress: &mut OnChunk<'_>,
) -> Result<EncodedFile, OfflineError> {
    check_input(audio)?;
    let config = codec.config();
    let frame = config.frame_samples;
    let prepared = prepare_audio(audio, config.sample_rate, config.channels, frame, treatment)?;
    let total = prepared.streams.first().map_or(0, Audio::len);
    let planes: Vec<&[f32]> = prepared.streams.iter().flat_map(Audio::planes).collect();
    let mut encoder = codec.encoder(prepared.streams.len());
    let mut streams = vec![Vec::new(); prepared.streams.len()];
    let step = chunk.max(1) * frame;
    // Asked even where there is no audio at all, so that a depth is always checked.
    encoder.encode(&planes.iter().map(|plane| &plane[..0]).collect::<Vec<_>>(), depth)?;
    for start in (0..total).step_by(step) {
        let end = (start + step).min(total);
        let part: Vec<&[f32]> = planes.iter().map(|plane| &plane[start..end]).collect();
        for (parts, latents) in streams.iter_mut().zip(encoder.latents(&part)?) {
            // Quantizing would turn values that are not finite into codes that look like any other.
            check_latents(&latents.data)?;
            parts.push(codec.quantizer().quantize(&latents, depth).map_err(CodecError::from)?);
        }
        report(progress, end, total)?;
    }
    let streams = streams.iter().map(|parts| Codes::concat(depth, parts)).collect();
    Ok(EncodedFile { streams, layout: prepared.layout })
}

/// Decodes a file at several depths in one pass over the weights: one file a depth, with the
/// original's length, rate and channels.
///
/// # Errors
/// As [`decode_lanes`].
pub fn decode(
    codec: &Codec,
    encoded: &EncodedFile,
    depths: &[usize],
    chunk: usize,
    progress: &mut OnChunk<'_>,
) -> Result<Vec<Audio>, OfflineError> {
    let lanes: Vec<(&Codes, usize)> = depths
        .iter()
        .flat_map(|&depth| encoded.streams.iter().map(move |codes| (codes, depth)))
        .collect();
    let decoded = decode_lanes(codec, &lanes, chunk, progress)?;
    decoded
        .chunks(encoded.streams.len().max(1))
        .map(|streams| Ok(encoded.layout.restore(streams)?))
        .collect()
}

/// Decodes codes of equal length, each at its depth, to whole frames at the model's rate and
/// channels: one piece of audio a lane.
///
/// # Errors
/// If lengths differ, a depth or a code is not the model's, a decoded sample is not finite or louder than
/// any sound, or the caller stops.
pub fn decode_lanes(
    codec: &Codec,
    lanes: &[(&Codes, usize)],
    chunk: usize,
    progress: &mut OnChunk<'_>,
) -> Result<Vec<Audio>, OfflineError> {
    let Some(frames) = lanes.iter().map(|(codes, _)| codes.frames()).max() else {
        return Ok(Vec::new());
    };
    let config = codec.config();
    let mut audio = vec![Audio::silence(config.sample_rate, config.channels, 0); lanes.len()];
    let mut decoder = codec.decoder(lanes.len());
    // Lanes of different lengths are an error of the decoder's, with the lane's number.
    if lanes.iter().any(|(codes, _)| codes.frames() != frames) {
        decoder.decode(lanes)?;
    }
    for start in (0..frames).step_by(chunk.max(1)) {
        let end = (start + chunk.max(1)).min(frames);
        let parts: Vec<Codes> = lanes.iter().map(|(codes, _)| codes.slice(start..end)).collect();
        let part: Vec<(&Codes, usize)> =
            parts.iter().zip(lanes).map(|(part, (_, depth))| (part, *depth)).collect();
        let decoded = decoder.decode(&part)?;
        check_decoded(decoded.iter().flatten().map(Vec::as_slice))?;
        for (audio, planes) in audio.iter_mut().zip(decoded) {
            audio.channels.iter_mut().zip(planes).for_each(|(plane, next)| plane.extend(next));
        }
        report(progress, end, frames)?;
    }
    Ok(audio)
}

fn report(progress: &mut OnChunk<'_>, done: usize, total: usize) -> Result<(), OfflineError> {
    match progress(done as f64 / total as f64) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(OfflineError::Cancelled),
    }
}
