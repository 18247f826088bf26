//! Multi-resolution STFT distance.

use rayon::prelude::*;
use serde::Serialize;

use super::MeasureError;
use super::signal_pair::SignalPair;
use super::stft::{Edge, Stft};
use crate::audio::Audio;

/// `(FFT, hop, window)` in samples of the resolutions of [`stft_distance`].
pub const STFT_RESOLUTIONS: [(usize, usize, usize); 3] =
    [(1024, 120, 600), (2048, 240, 1200), (512, 50, 240)];

/// Powers below this count as this, so that silence has a logarithm.
const POWER_FLOOR: f64 = 1e-7;

/// The two halves of the multi-resolution STFT distance; both 0 for identical signals.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StftDistance {
    /// Spectral convergence: Frobenius norm of the difference of the magnitudes over that of the
    /// reference's. Weighs the loud parts.
    pub spectral_convergence: f64,
    /// Mean absolute difference of the natural logarithms of the magnitudes. Weighs the quiet parts.
    pub log_magnitude: f64,
}

impl StftDistance {
    /// The sum of both: the loss of the paper.
    pub fn total(&self) -> f64 {
        self.spectral_convergence + self.log_magnitude
    }
}

/// Multi-resolution STFT distance of `other` from `reference`, without unit.
///
/// Yamamoto et al., "Parallel WaveGAN", ICASSP 2020, equations 4 to 7: for each of [`STFT_RESOLUTIONS`],
/// magnitudes `sqrt(max(|X|^2, 1e-7))` ([`Edge::Reflect`]), spectral convergence over all frames and
/// bins, mean absolute log difference; both averaged over the resolutions, then over channels. The
/// resolutions are fixed in samples, as published: compare figures at one sample rate only.
///
/// # Errors
/// [`MeasureError`] if the signals differ in rate, channels or length, are empty or not finite.
pub fn stft_distance(reference: &Audio, other: &Audio) -> Result<StftDistance, MeasureError> {
    distance(&SignalPair::new(reference, other)?)
}

/// [`stft_distance`] of a checked pair.
pub(super) fn distance(pair: &SignalPair<'_>) -> Result<StftDistance, MeasureError> {
    let scales: Vec<(f64, f64)> = STFT_RESOLUTIONS
        .par_iter()
        .map(|&scale| at_scale(pair, scale))
        .collect::<Result<_, _>>()?;
    let count = scales.len() as f64;
    Ok(StftDistance {
        spectral_convergence: scales.iter().map(|s| s.0).sum::<f64>() / count,
        log_magnitude: scales.iter().map(|s| s.1).sum::<f64>() / count,
    })
}

/// Spectral convergence and log magnitude of one resolution, averaged over channels.
fn at_scale(
    pair: &SignalPair<'_>,
    (fft, hop, window): (usize, usize, usize),
) -> Result<(f64, f64), MeasureError> {
    let mut stft = Stft::new(window, hop, fft)?;
    let bins = stft.bins();
    let (mut x, mut y) = (vec![0.0; bins], vec![0.0; bins]);
    let mut log_magnitude = 0.0;
    let convergence = pair.mean(|(reference, other)| {
        let frames = stft.frames(reference.len());
        let (mut difference, mut energy, mut logs) = (0.0, 0.0, 0.0);
        for frame in 0..frames {
            stft.frame(reference, frame, Edge::Reflect, &mut x);
            stft.frame(other, frame, Edge::Reflect, &mut y);
            for (x, y) in x.iter().zip(&y) {
                let (x, y) = (x.max(POWER_FLOOR.sqrt()), y.max(POWER_FLOOR.sqrt()));
                difference += (x - y) * (x - y);
                energy += x * x;
                logs += (x / y).ln().abs();
            }
        }
        log_magnitude += logs / (frames * bins) as f64;
        (difference / energy).sqrt()
    });
    Ok((convergence, log_magnitude / pair.reference.channels.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{mix, noise, sine};
    use super::*;

    #[test]
    fn identical_is_zero_and_noise_grows() {
        let signal = sine(24_000, 2, 12_000, 440.0, 0.5);
        let hiss = noise(24_000, 2, 12_000, 1.0);
        assert_eq!(stft_distance(&signal, &signal).unwrap().total(), 0.0);
        let distances: Vec<StftDistance> = [0.001, 0.01, 0.1]
            .iter()
            .map(|gain| stft_distance(&signal, &mix(&signal, &hiss, *gain)).unwrap())
            .collect();
        assert!(distances[0].spectral_convergence > 0.0 && distances[0].log_magnitude > 0.0);
        assert!(distances.is_sorted_by_key(|d| d.spectral_convergence), "{distances:?}");
        assert!(distances.is_sorted_by_key(|d| d.log_magnitude), "{distances:?}");
    }

    #[test]
    fn a_gain_is_measured_in_closed_form() {
        let signal = noise(24_000, 1, 6000, 1.0);
        let half = mix(&signal, &signal, -0.5);
        let distance = stft_distance(&signal, &half).unwrap();
        assert!((distance.spectral_convergence - 0.5).abs() < 1e-6, "{distance:?}");
        assert!((distance.log_magnitude - 2.0_f64.ln()).abs() < 1e-3, "{distance:?}");
    }

    #[test]
    fn silence_and_short_signals_are_finite() {
        for samples in [1, 2, 49, 700] {
            let silence = Audio::silence(24_000, 1, samples);
            let hiss = noise(24_000, 1, samples, 0.5);
            assert_eq!(stft_distance(&silence, &silence).unwrap().total(), 0.0);
            assert!(stft_distance(&silence, &hiss).unwrap().total().is_finite());
            assert!(stft_distance(&hiss, &silence).unwrap().total() > 0.0);
        }
    }
}
