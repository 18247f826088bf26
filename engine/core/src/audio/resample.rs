//! Sample rate conversion of whole files, with the [`RateConverter`] that the live path uses.

use rayon::prelude::*;

use super::{Audio, AudioError, RateConverter};

/// Silence fed at a time.
const SILENCE: [f32; 1024] = [0.0; 1024];

/// Samples that `length` samples at `from` hertz become at `to` hertz: `length * to / from`,
/// rounded to nearest, halves up.
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

/// `audio` at `rate` hertz, aligned to the sample, [`resampled_length`] samples long.
///
/// At the same rate the result is a copy, bit for bit. The signal counts as silent before its
/// start and after its end. Level does not change. Allocates; not realtime-safe.
///
/// # Errors
///
/// [`AudioError::ResampleRate`] if a rate is outside [`SUPPORTED_RATES`](super::SUPPORTED_RATES)
/// (unless both are equal).
pub fn resample(audio: &Audio, rate: u32) -> Result<Audio, AudioError> {
    resample_to_length(audio, rate, resampled_length(audio.len(), audio.rate, rate))
}

/// As [`resample`], cut or continued with what rings after the end, then silence, to exactly
/// `length` samples a channel.
///
/// # Errors
///
/// As [`resample`].
pub fn resample_to_length(audio: &Audio, rate: u32, length: usize) -> Result<Audio, AudioError> {
    let converter = RateConverter::new(audio.rate, rate)?;
    Ok(convert(&converter, audio, rate, length))
}

/// As [`resample_to_length`], with a converter from the audio's rate to `rate` that is at the start
/// of a stream.
pub(super) fn convert(converter: &RateConverter, audio: &Audio, rate: u32, length: usize) -> Audio {
    let channels = audio
        .channels
        .par_iter()
        .map(|channel| convert_channel(converter.clone(), channel, length))
        .collect();
    Audio { rate, channels }
}

fn convert_channel(mut converter: RateConverter, input: &[f32], length: usize) -> Vec<f32> {
    let mut output = Vec::new();
    let Some(last) = (length as u64).checked_sub(1) else { return output };
    let wanted = converter.needed(last).min(usize::MAX as u64) as usize;
    let given = &input[..wanted.min(input.len())];
    // Past the filter's reach there is only silence, whatever length is asked for.
    let ringing = (wanted - given.len()).min(2 * converter.half_width());

    output.reserve(length.min(converter.max_output(given.len() + ringing)));
    converter.process(given, &mut output);
    let mut left = ringing;
    while left > 0 {
        let block = left.min(SILENCE.len());
        converter.process(&SILENCE[..block], &mut output);
        left -= block;
    }
    // A sample of the input may complete several of the output.
    output.resize(length, 0.0);
    output
}
