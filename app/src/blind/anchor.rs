//! The anchor of a rating.

use residue_engine::audio::{Audio, AudioError, resample, resample_to_length};

/// A rate whose converter passes up to 3.5 kHz, 0.9 of its Nyquist frequency, and nothing from
/// 4.04 kHz on.
const RATE: u32 = 7800;

/// `audio` without what is above 3.5 kHz: the low anchor of ITU-R BS.1534-3, annex 1 (within 0.1 dB
/// up to 3.5 kHz, 25 dB down at 4 kHz, 50 dB at 4.5 kHz). Of the same rate and length, not delayed.
///
/// # Errors
/// If there is no conversion from the audio's rate.
pub(super) fn anchor(audio: &Audio) -> Result<Audio, AudioError> {
    if audio.rate <= RATE {
        return Ok(audio.clone());
    }
    resample_to_length(&resample(audio, RATE)?, audio.rate, audio.len())
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// The anchor's gain for a sine, in dB.
    fn response(rate: u32, hz: f64) -> f64 {
        let sine = |n: usize| (TAU * hz * n as f64 / f64::from(rate)).sin() as f32;
        let audio = Audio::new(rate, vec![(0..rate as usize).map(sine).collect()]);
        let out = anchor(&audio).unwrap();
        assert_eq!((out.rate, out.len()), (rate, audio.len()));
        let middle = rate as usize / 4..rate as usize * 3 / 4;
        let power = |audio: &Audio| {
            audio.channels[0][middle.clone()].iter().map(|x| f64::from(*x).powi(2)).sum::<f64>()
        };
        10.0 * (power(&out) / power(&audio)).log10()
    }

    #[test]
    fn it_is_the_low_anchor_of_bs1534() {
        for rate in [44_100, 48_000] {
            for hz in [100.0, 1000.0, 3000.0, 3500.0] {
                assert!(response(rate, hz).abs() < 0.1, "{hz}: {}", response(rate, hz));
            }
            assert!(response(rate, 4000.0) < -25.0, "{}", response(rate, 4000.0));
            for hz in [4500.0, 8000.0, 15_000.0] {
                assert!(response(rate, hz) < -50.0, "{hz}: {}", response(rate, hz));
            }
        }
    }
}
