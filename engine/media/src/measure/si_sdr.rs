//! Scale-invariant signal-to-distortion ratio.

use super::MeasureError;
use super::signal_pair::SignalPair;
use crate::audio::Audio;

/// Largest SI-SDR reported, in dB; the smallest is minus this. Identical signals have an infinite ratio; above
/// 150 dB the ratio measures the rounding of f32 samples, and a finite value can be averaged and written as
/// JSON.
pub const SI_SDR_LIMIT_DB: f64 = 150.0;

/// Returns the SI-SDR of `other` against `reference` in dB, averaged over channels.
///
/// Le Roux et al., "SDR: half-baked or well done?", ICASSP 2019, equation 3: with
/// `a = <other, reference> / |reference|^2`, `10 log10(|a reference|^2 / |a reference - other|^2)`.
/// The mean is not removed, so that a DC offset counts as distortion. The value drops with a delay of a few samples
/// and with phases that a neural codec generates: it measures the waveform, not the perceived quality.
///
/// | case | result |
/// |---|---|
/// | identical up to a gain (also a negative one) | [`SI_SDR_LIMIT_DB`] |
/// | `other` silent, or orthogonal to the reference | `-SI_SDR_LIMIT_DB` |
/// | a channel of the reference silent | undefined: the channel is left out |
/// | all of the reference silent | `None` |
///
/// # Errors
/// [`MeasureError`] if the signals differ in rate, channels or length, are empty or not finite.
pub fn si_sdr(reference: &Audio, other: &Audio) -> Result<Option<f64>, MeasureError> {
    Ok(ratio(&SignalPair::new(reference, other)?))
}

/// Returns the [`si_sdr`] of a checked pair.
pub(super) fn ratio(pair: &SignalPair<'_>) -> Option<f64> {
    let defined: Vec<f64> = pair.channels().filter_map(|(r, o)| of_channel(r, o)).collect();
    (!defined.is_empty()).then(|| defined.iter().sum::<f64>() / defined.len() as f64)
}

/// Returns the SI-SDR of one channel; `None` if the reference is silent.
fn of_channel(reference: &[f32], other: &[f32]) -> Option<f64> {
    let samples = || reference.iter().zip(other).map(|(r, o)| (f64::from(*r), f64::from(*o)));
    let energy: f64 = samples().map(|(r, _)| r * r).sum();
    if energy == 0.0 {
        return None;
    }
    let scale = samples().map(|(r, o)| r * o).sum::<f64>() / energy;
    let target = scale * scale * energy;
    let distortion: f64 = samples().map(|(r, o)| (scale * r - o).powi(2)).sum();
    if target == 0.0 {
        return Some(-SI_SDR_LIMIT_DB);
    }
    Some((10.0 * (target / distortion).log10()).clamp(-SI_SDR_LIMIT_DB, SI_SDR_LIMIT_DB))
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{mix, noise, sine};
    use super::*;

    fn scaled(audio: &Audio, gain: f32) -> Audio {
        mix(&Audio::silence(audio.rate, audio.channels.len(), audio.len()), audio, gain)
    }

    #[test]
    fn orthogonal_noise_gives_the_energy_ratio() {
        // A sine and a cosine over whole periods are orthogonal: SI-SDR = 20 log10(1 / 0.1).
        let signal = sine(48_000, 1, 48_000, 1000.0, 0.5);
        let shifted = sine(48_000, 1, 48_012, 1000.0, 0.5);
        let cosine = Audio::new(48_000, vec![shifted.channels[0][12..].to_vec()]);
        let value = si_sdr(&signal, &mix(&signal, &cosine, 0.1)).unwrap().unwrap();
        assert!((value - 20.0).abs() < 1e-4, "{value}");
    }

    #[test]
    fn a_gain_changes_nothing() {
        let signal = sine(48_000, 2, 4800, 440.0, 0.5);
        let noisy = mix(&signal, &noise(48_000, 2, 4800, 1.0), 0.01);
        let value = si_sdr(&signal, &noisy).unwrap().unwrap();
        for gain in [0.25, -2.0] {
            let other = si_sdr(&signal, &scaled(&noisy, gain)).unwrap().unwrap();
            assert!((value - other).abs() < 1e-9, "{value} {other}");
        }
    }

    #[test]
    fn identical_and_silent_are_finite() {
        let signal = sine(48_000, 1, 4800, 440.0, 0.5);
        let silence = Audio::silence(48_000, 1, 4800);
        assert_eq!(si_sdr(&signal, &signal).unwrap(), Some(SI_SDR_LIMIT_DB));
        assert_eq!(si_sdr(&signal, &scaled(&signal, -0.5)).unwrap(), Some(SI_SDR_LIMIT_DB));
        assert_eq!(si_sdr(&signal, &silence).unwrap(), Some(-SI_SDR_LIMIT_DB));
        assert_eq!(si_sdr(&silence, &signal).unwrap(), None);
        assert_eq!(si_sdr(&silence, &silence).unwrap(), None);
    }

    #[test]
    fn a_silent_channel_of_the_reference_is_left_out() {
        let mut signal = sine(48_000, 2, 4800, 440.0, 0.5);
        signal.channels[1].fill(0.0);
        let noisy = mix(&signal, &noise(48_000, 2, 4800, 1.0), 0.01);
        let left = |a: &Audio| Audio::new(a.rate, vec![a.channels[0].clone()]);
        assert_eq!(
            si_sdr(&signal, &noisy).unwrap(),
            si_sdr(&left(&signal), &left(&noisy)).unwrap()
        );
    }
}
