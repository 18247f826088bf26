//! All distances between two signals.

use serde::Serialize;

use super::signal_pair::SignalPair;
use super::{
    Headroom, Loudness, MeasureError, NoiseToMask, StftDistance, headroom, loudness, mel,
    noise_to_mask, si_sdr, stft_distance,
};
use crate::audio::Audio;

/// The results of [`signal_distances()`]. Serialises to JSON with these names, undefined values as `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SignalDistances {
    /// [`mel_distance`](super::mel_distance): 0 = identical.
    pub mel: f64,
    /// [`stft_distance`](super::stft_distance()): 0 = identical.
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
    /// [`noise_to_mask`](super::noise_to_mask()): how far the error is above what the reference masks; `None` if the
    /// reference is silent.
    pub noise_to_mask: Option<NoiseToMask>,
    /// [`headroom`](super::headroom()) of the reference.
    pub reference_headroom: Headroom,
    /// [`headroom`](super::headroom()) of the other signal.
    pub other_headroom: Headroom,
}

/// Measures the distances of `other` from `reference`, averaged over channels, and the loudness of both, all
/// channels together. Not realtime-safe.
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
        stft: stft_distance::distance(&pair)?,
        si_sdr_db: si_sdr::ratio(&pair),
        reference_loudness,
        other_loudness,
        loudness_difference_lu: match integrated {
            (Some(other), Some(reference)) => Some(other - reference),
            _ => None,
        },
        noise_to_mask: noise_to_mask::measure(&pair)?,
        reference_headroom: headroom::measure(reference)?,
        other_headroom: headroom::measure(other)?,
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
        // The noise adds 0.67% of power, of which K-weighting makes 1.7%: 0.075 dB.
        let louder = distances.loudness_difference_lu.unwrap();
        assert!((0.07..0.08).contains(&louder), "{louder}");
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
