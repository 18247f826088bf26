//! Everything about two signals at once.

use serde::Serialize;

use super::signal_pair::SignalPair;
use super::{Loudness, MeasureError, StftDistance, loudness, mel, si_sdr, spectral};
use crate::audio::Audio;

/// What [`signal_distances()`] measures; serialises to JSON with these names, undefined values as `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SignalDistances {
    /// [`mel_distance`](super::mel_distance): 0 = identical.
    pub mel: f64,
    /// [`stft_distance`](super::stft_distance): 0 = identical.
    pub stft: StftDistance,
    /// [`si_sdr`](super::si_sdr()) in dB: higher is closer; `None` if the reference is silent.
    pub si_sdr_db: Option<f64>,
    /// [`loudness`](super::loudness()) of the reference.
    pub reference_loudness: Loudness,
    /// [`loudness`](super::loudness()) of the other signal.
    pub other_loudness: Loudness,
    /// Integrated loudness of the other signal minus that of the reference in LU; `None` unless both
    /// have one.
    pub loudness_difference_lu: Option<f64>,
}

/// Measures how far `other` is from `reference`. Distances are averaged over channels, loudness is
/// of all channels together. Not realtime-safe: stereo takes about a
/// tenth of its length on two cores.
///
/// # Errors
/// [`MeasureError`] if the signals differ in rate, channels or length, are empty or not finite, or
/// their rate or layout is beyond the loudness meter.
pub fn signal_distances(reference: &Audio, other: &Audio) -> Result<SignalDistances, MeasureError> {
    let pair = SignalPair::new(reference, other)?;
    let reference_loudness = loudness::measure(reference)?;
    let other_loudness = loudness::measure(other)?;
    let integrated = (other_loudness.integrated_lufs, reference_loudness.integrated_lufs);
    Ok(SignalDistances {
        mel: mel::distance(&pair)?,
        stft: spectral::distance(&pair)?,
        si_sdr_db: si_sdr::ratio(&pair),
        reference_loudness,
        other_loudness,
        loudness_difference_lu: match integrated {
            (Some(other), Some(reference)) => Some(other - reference),
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{mix, noise, sine};
    use super::*;

    #[test]
    fn one_call_gives_what_the_single_calls_give() {
        let signal = sine(48_000, 2, 48_000, 440.0, 0.5);
        let noisy = mix(&signal, &noise(48_000, 2, 48_000, 1.0), 0.05);
        let distances = signal_distances(&signal, &noisy).unwrap();
        assert_eq!(distances.mel, crate::measure::mel_distance(&signal, &noisy).unwrap());
        assert_eq!(distances.stft, crate::measure::stft_distance(&signal, &noisy).unwrap());
        assert_eq!(distances.si_sdr_db, crate::measure::si_sdr(&signal, &noisy).unwrap());
        assert_eq!(distances.other_loudness, crate::measure::loudness(&noisy).unwrap());
        assert!(distances.loudness_difference_lu.unwrap() > 0.0);
    }

    #[test]
    fn identical_is_zero() {
        let signal = sine(48_000, 1, 48_000, 440.0, 0.5);
        let distances = signal_distances(&signal, &signal).unwrap();
        assert_eq!((distances.mel, distances.stft.total()), (0.0, 0.0));
        assert_eq!(distances.loudness_difference_lu, Some(0.0));
    }

    #[test]
    fn undefined_values_are_null_in_json() {
        let silence = Audio::silence(48_000, 1, 100);
        let json = serde_json::to_value(signal_distances(&silence, &silence).unwrap()).unwrap();
        assert!(json["si_sdr_db"].is_null() && json["loudness_difference_lu"].is_null());
        assert_eq!(json["reference_loudness"]["rms_dbfs"], -200.0);
        assert_eq!(json["mel"], 0.0);
    }
}
