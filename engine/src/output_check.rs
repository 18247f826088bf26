//! Checks on the numbers that go into a model and come out of it, for whole files.

use residue_core::audio::Audio;
use residue_live::{FAULT_MAGNITUDE, MAX_MAGNITUDE};

use crate::offline::OfflineError;

/// Largest magnitude of an encoder's output that is quantized. Those of trained models are within
/// hundreds; beyond it, the distances to codebook entries could overflow.
pub(crate) const LARGEST_LATENT: f32 = 1e6;

/// Returns the level of a magnitude over full scale, in dB.
fn decibels(magnitude: f32) -> f64 {
    20.0 * f64::from(magnitude).log10()
}

/// Checks that no sample is louder than a model's arithmetic allows, 80 dB over full scale.
///
/// # Errors
/// [`OfflineError::TooLoud`].
pub(crate) fn check_input(audio: &Audio) -> Result<(), OfflineError> {
    let samples = audio.channels.iter().flatten();
    let peak = samples.fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    if peak > MAX_MAGNITUDE {
        return Err(OfflineError::TooLoud {
            level: decibels(peak),
            limit: decibels(MAX_MAGNITUDE),
        });
    }
    Ok(())
}

/// Checks the encoder's output.
///
/// # Errors
/// [`OfflineError::Latents`] if a value is not finite or beyond [`LARGEST_LATENT`].
pub(crate) fn check_latents(values: &[f32]) -> Result<(), OfflineError> {
    let is_bad = |value: &&f32| value.is_nan() || value.abs() > LARGEST_LATENT;
    let bad = values.iter().filter(is_bad).count();
    if bad > 0 {
        return Err(OfflineError::Latents { bad, total: values.len() });
    }
    Ok(())
}

/// Checks samples that a decoder gave: they must be finite and within [`FAULT_MAGNITUDE`].
///
/// # Errors
/// [`OfflineError::Decoded`].
pub fn check_decoded<'a>(planes: impl IntoIterator<Item = &'a [f32]>) -> Result<(), OfflineError> {
    let (mut non_finite, mut too_loud, mut total) = (0, 0, 0);
    for sample in planes.into_iter().flatten() {
        total += 1;
        if !sample.is_finite() {
            non_finite += 1;
        } else if sample.abs() > FAULT_MAGNITUDE {
            too_loud += 1;
        }
    }
    if non_finite + too_loud > 0 {
        let limit = decibels(FAULT_MAGNITUDE);
        return Err(OfflineError::Decoded { non_finite, too_loud, total, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_samples_are_counted_by_fault() {
        let sane = [0.0, -1.0, 4.0, FAULT_MAGNITUDE];
        assert!(check_decoded([&sane[..], &[]]).is_ok());
        let bad = [f32::NAN, f32::INFINITY, 16.1, -1e28, 0.5];
        match check_decoded([&sane[..], &bad]) {
            Err(OfflineError::Decoded { non_finite: 2, too_loud: 2, total: 9, .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn input_is_bounded_at_80_db() {
        let audio = |peak: f32| Audio::new(8000, vec![vec![0.1], vec![-peak]]);
        assert!(check_input(&audio(1e4)).is_ok());
        let told = check_input(&audio(f32::MAX)).unwrap_err().to_string();
        assert!(told.contains("770.6 dB over full scale"), "{told}");
    }
}
