//! Mel filterbank and multi-resolution log-mel distance.

use rayon::prelude::*;

use super::MeasureError;
use super::signal_pair::SignalPair;
use super::stft::{Edge, Stft};
use crate::audio::Audio;

/// `(window in samples, mel bands)` of the resolutions of [`mel_distance`].
pub const MEL_RESOLUTIONS: [(usize, usize); 7] =
    [(32, 5), (64, 10), (128, 20), (256, 40), (512, 80), (1024, 160), (2048, 320)];

/// Mel magnitudes below this count as this, so that silence has a logarithm.
const CLAMP: f64 = 1e-5;

/// Hertz a mel below the break frequency of Slaney's scale.
const LINEAR_HZ: f64 = 200.0 / 3.0;
/// Break frequency of Slaney's scale: linear below, logarithmic above.
const BREAK_HZ: f64 = 1000.0;
/// Mels at the break frequency.
const BREAK_MEL: f64 = BREAK_HZ / LINEAR_HZ;

/// Natural logarithm of the frequency ratio of one mel above the break: 27 mels from 1 to 6.4 kHz.
fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

/// The frequency in hertz of a pitch in mels, the inverse of [`hz_to_mel`].
pub fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        mel * LINEAR_HZ
    } else {
        BREAK_HZ * (log_step() * (mel - BREAK_MEL)).exp()
    }
}

/// The pitch in mels of a frequency in hertz on Slaney's scale: linear below 1 kHz (15 mels),
/// logarithmic above (Auditory Toolbox, Interval Research TR 1998-010).
pub fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ { hz / LINEAR_HZ } else { BREAK_MEL + (hz / BREAK_HZ).ln() / log_step() }
}

/// Triangular filters equally spaced on the mel scale from 0 Hz to half the sample rate.
///
/// The scale is Slaney's (Auditory Toolbox, Interval Research TR 1998-010: linear below 1 kHz,
/// logarithmic above) and each triangle has unit area in hertz, which makes this
/// `librosa.filters.mel(sr, n_fft, n_mels)` with its defaults. A triangle narrower than the bin
/// spacing may hold no bin; its band is then always 0.
#[derive(Clone, Debug)]
pub struct MelFilterbank {
    bins: usize,
    bands: Vec<Band>,
}

/// The weights of one triangle, from bin `first` on.
#[derive(Clone, Debug)]
struct Band {
    first: usize,
    weights: Vec<f64>,
}

impl MelFilterbank {
    /// `bands` triangles over the `fft / 2 + 1` bins of a transform of `fft` samples at `rate`
    /// hertz.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] if the rate or the number of bands is 0, or `fft` is not an even
    /// number from 2 to 2^20.
    pub fn new(rate: u32, fft: usize, bands: usize) -> Result<Self, MeasureError> {
        if rate == 0 {
            return Err(MeasureError::parameter("rate", rate, "at least 1 Hz"));
        }
        if !(2..=1 << 20).contains(&fft) || !fft.is_multiple_of(2) {
            return Err(MeasureError::parameter("fft", fft, "even and 2 to 1048576 samples"));
        }
        if bands == 0 || bands > 1 << 16 {
            return Err(MeasureError::parameter("bands", bands, "1 to 65536"));
        }
        let bins = fft / 2 + 1;
        let spacing = f64::from(rate) / fft as f64;
        let top = hz_to_mel(f64::from(rate) / 2.0);
        let corner = |i: usize| mel_to_hz(top * i as f64 / (bands + 1) as f64);
        let bands = (0..bands)
            .map(|band| {
                Band::triangle(corner(band), corner(band + 1), corner(band + 2), spacing, bins)
            })
            .collect();
        Ok(Self { bins, bands })
    }

    /// Mel bands.
    pub fn bands(&self) -> usize {
        self.bands.len()
    }

    /// Frequency bins a frame of magnitudes must have.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The weight of `bin` in `band`; 0 outside the triangle and out of range.
    pub fn weight(&self, band: usize, bin: usize) -> f64 {
        let weight = |b: &Band| b.weights.get(bin.checked_sub(b.first)?).copied();
        self.bands.get(band).and_then(weight).unwrap_or(0.0)
    }

    /// Weighted sums of one frame of `magnitudes` ([`Self::bins`] values; missing ones count as 0)
    /// into `mels` ([`Self::bands`] values, or as many as fit).
    ///
    /// Realtime-safe.
    pub fn apply(&self, magnitudes: &[f64], mels: &mut [f64]) {
        for (mel, band) in mels.iter_mut().zip(&self.bands) {
            let inside = magnitudes.get(band.first..).unwrap_or_default();
            *mel = inside.iter().zip(&band.weights).map(|(m, w)| m * w).sum();
        }
    }
}

impl Band {
    /// The triangle over `low..high` hertz with its peak at `centre`, sampled `spacing` hertz apart.
    fn triangle(low: f64, centre: f64, high: f64, spacing: f64, bins: usize) -> Self {
        let height = 2.0 / (high - low);
        let first = ((low / spacing).floor() as usize).min(bins);
        let end = ((high / spacing).ceil() as usize + 1).min(bins).max(first);
        let weight = |bin: usize| {
            let hz = bin as f64 * spacing;
            let rise = (hz - low) / (centre - low);
            let fall = (high - hz) / (high - centre);
            height * rise.min(fall).max(0.0)
        };
        Self { first, weights: (first..end).map(weight).collect() }
    }
}

/// Multi-resolution log-mel distance of `other` from `reference`, without unit; 0 for identical
/// signals.
///
/// For each of [`MEL_RESOLUTIONS`]: magnitude STFT (hop a quarter of the window, [`Edge::Reflect`]),
/// [`MelFilterbank`], `log10(max(mel, 1e-5))`, mean absolute difference over bands and frames; then
/// the sum over the resolutions, averaged over channels. This is the mel loss of the Descript Audio
/// Codec (Kumar et al., "High-Fidelity Audio Compression with Improved RVQGAN", NeurIPS 2023,
/// section 3.4 and the published configuration: power 1, no linear term), so figures compare with
/// those published for codecs *at the same sample rate*; it grows with gain differences and, mildly,
/// with delay.
///
/// # Errors
/// [`MeasureError`] if the signals differ in rate, channels or length, are empty or not finite.
pub fn mel_distance(reference: &Audio, other: &Audio) -> Result<f64, MeasureError> {
    distance(&SignalPair::new(reference, other)?)
}

/// [`mel_distance`] of a checked pair.
pub(super) fn distance(pair: &SignalPair<'_>) -> Result<f64, MeasureError> {
    if pair.reference.rate == 0 {
        return Err(MeasureError::Rate { rate: 0 });
    }
    let scales: Vec<f64> = MEL_RESOLUTIONS
        .par_iter()
        .map(|&(window, bands)| at_scale(pair, window, bands))
        .collect::<Result<_, _>>()?;
    Ok(scales.iter().sum())
}

/// The term of one resolution.
fn at_scale(pair: &SignalPair<'_>, window: usize, bands: usize) -> Result<f64, MeasureError> {
    let mut stft = Stft::new(window, window / 4, window)?;
    let filterbank = MelFilterbank::new(pair.reference.rate, window, bands)?;
    let mut magnitudes = vec![0.0; stft.bins()];
    let mut mels = [vec![0.0; bands], vec![0.0; bands]];
    Ok(pair.mean(|(reference, other)| {
        let frames = stft.frames(reference.len());
        let mut sum = 0.0;
        for frame in 0..frames {
            for (signal, mels) in [reference, other].iter().zip(&mut mels) {
                stft.frame(signal, frame, Edge::Reflect, &mut magnitudes);
                filterbank.apply(&magnitudes, mels);
            }
            sum += mels[0].iter().zip(&mels[1]).map(|(a, b)| log_ratio(*a, *b)).sum::<f64>();
        }
        sum / (frames * bands) as f64
    }))
}

/// `|log10 a - log10 b|` of clamped magnitudes.
pub(super) fn log_ratio(a: f64, b: f64) -> f64 {
    (a.max(CLAMP) / b.max(CLAMP)).log10().abs()
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{mix, noise, sine};
    use super::*;

    #[test]
    fn the_scale_inverts() {
        for hz in [0.0, 50.0, 999.0, 1000.0, 1001.0, 8000.0, 24_000.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-8, "{hz}");
        }
        assert!((hz_to_mel(1000.0) - 15.0).abs() < 1e-12);
        assert!((hz_to_mel(6400.0) - 42.0).abs() < 1e-12);
    }

    #[test]
    fn wide_triangles_have_unit_area() {
        let filterbank = MelFilterbank::new(48_000, 4096, 20).unwrap();
        for band in 2..20 {
            let sum: f64 = (0..filterbank.bins()).map(|bin| filterbank.weight(band, bin)).sum();
            let area = sum * 48_000.0 / 4096.0;
            assert!((area - 1.0).abs() < 0.01, "band {band}: {area}");
        }
    }

    #[test]
    fn identical_is_zero_and_noise_grows() {
        let signal = sine(24_000, 2, 12_000, 440.0, 0.5);
        let hiss = noise(24_000, 2, 12_000, 1.0);
        assert_eq!(mel_distance(&signal, &signal).unwrap(), 0.0);
        let distances: Vec<f64> = [0.001, 0.01, 0.1]
            .iter()
            .map(|gain| mel_distance(&signal, &mix(&signal, &hiss, *gain)).unwrap())
            .collect();
        assert!(distances[0] > 0.0 && distances.is_sorted(), "{distances:?}");
    }

    #[test]
    fn a_gain_adds_its_logarithm_at_every_scale() {
        // Broadband, so that no band with a bin in it is clamped.
        let signal = noise(48_000, 1, 9600, 1.0);
        let half = mix(&signal, &signal, -0.5);
        let distance = mel_distance(&signal, &half).unwrap();
        assert!(distance <= 7.0 * 2.0_f64.log10() + 1e-9, "{distance}");
        assert!(distance > 6.0 * 2.0_f64.log10(), "{distance}");
    }

    #[test]
    fn silence_and_short_signals_are_finite() {
        for samples in [1, 2, 31, 100, 1500] {
            let silence = Audio::silence(48_000, 1, samples);
            let hiss = noise(48_000, 1, samples, 0.5);
            assert_eq!(mel_distance(&silence, &silence).unwrap(), 0.0);
            assert!(mel_distance(&silence, &hiss).unwrap().is_finite());
            assert!(mel_distance(&hiss, &silence).unwrap() > 0.0);
        }
    }

    #[test]
    fn bad_parameters_are_refused() {
        assert!(MelFilterbank::new(0, 64, 5).is_err());
        assert!(MelFilterbank::new(48_000, 0, 5).is_err());
        assert!(MelFilterbank::new(48_000, 64, 0).is_err());
        let filterbank = MelFilterbank::new(48_000, 64, 5).unwrap();
        assert_eq!(filterbank.weight(5, 0) + filterbank.weight(0, 99), 0.0);
        let mut mels = [1.0; 5];
        filterbank.apply(&[], &mut mels);
        assert_eq!(mels, [0.0; 5]);
    }
}
