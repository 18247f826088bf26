//! Sample rate conversion of whole signals, with the [`RateConverter`] of the live path.

use rayon::prelude::*;

use super::{Audio, AudioError, RateConverter};

/// One block of silence.
const SILENCE: [f32; 1024] = [0.0; 1024];

/// Returns the length of `length` samples at `from` hertz after conversion to `to` hertz:
/// `length * to / from`, rounded to nearest, halves up.
///
/// # Panics
///
/// Never; a `from` of 0 gives 0.
pub fn resampled_length(length: usize, from: u32, to: u32) -> usize {
    if from == 0 {
        return 0;
    }
    let (length, from, to) = (length as u128, u128::from(from), u128::from(to));
    usize::try_from((2 * length * to + from) / (2 * from)).unwrap_or(usize::MAX)
}

/// Converts `audio` to `rate` hertz, without delay, to [`resampled_length`] samples a channel.
///
/// At the same rate the result is a copy, bit for bit. The signal counts as silent before its
/// start and after its end. Level does not change. Allocates; not realtime-safe.
///
/// # Errors
///
/// [`AudioError::ResampleRate`] if a rate is outside [`SUPPORTED_RATES`](super::SUPPORTED_RATES)
/// (unless both are equal), [`AudioError::NoMemory`].
pub fn resample(audio: &Audio, rate: u32) -> Result<Audio, AudioError> {
    resample_to_length(audio, rate, resampled_length(audio.len(), audio.rate, rate))
}

/// Converts as [`resample`] does, to exactly `length` samples a channel: truncated, or continued with the
/// filter's ringing and then silence.
///
/// # Errors
///
/// As [`resample`].
pub fn resample_to_length(audio: &Audio, rate: u32, length: usize) -> Result<Audio, AudioError> {
    let converter = RateConverter::new(audio.rate, rate)?;
    convert(&converter, audio, rate, length)
}

/// Converts as [`resample_to_length`] does, with a converter from the audio's rate to `rate` at the start of a
/// stream.
pub(super) fn convert(
    converter: &RateConverter,
    audio: &Audio,
    rate: u32,
    length: usize,
) -> Result<Audio, AudioError> {
    let channels: Result<Vec<_>, _> = audio
        .channels
        .par_iter()
        .map(|channel| convert_channel(converter.clone(), channel, length))
        .collect();
    Ok(Audio { rate, channels: channels?, speakers: audio.speakers })
}

fn convert_channel(
    mut converter: RateConverter,
    input: &[f32],
    length: usize,
) -> Result<Vec<f32>, AudioError> {
    let mut output = Vec::new();
    let Some(last) = (length as u64).checked_sub(1) else { return Ok(output) };
    let wanted = converter.needed(last).min(usize::MAX as u64) as usize;
    let given = &input[..wanted.min(input.len())];
    // Beyond the filter's reach the output is silent.
    let ringing = (wanted - given.len()).min(2 * converter.half_width());

    // A file decides how much this is.
    let most = converter.max_output(given.len() + ringing).max(length);
    output.try_reserve_exact(most).map_err(|_| AudioError::NoMemory { samples: most })?;
    converter.process(given, &mut output);
    let mut left = ringing;
    while left > 0 {
        let block = left.min(SILENCE.len());
        converter.process(&SILENCE[..block], &mut output);
        left -= block;
    }
    // One input sample may complete several output samples.
    output.resize(length, 0.0);
    Ok(output)
}
