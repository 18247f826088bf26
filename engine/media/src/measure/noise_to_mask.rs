//! Noise-to-mask ratio: how far the error of a codec is above what the original masks.
//!
//! Source: ITU-R BS.1387-1 (PEAQ), annex 2: the FFT-based ear model and the model output variables Total NMR and
//! Relative Disturbed Frames of the basic version, with the clarifications of P. Kabal, "An Examination and
//! Interpretation of ITU-R BS.1387" (McGill University, 2003).
//!
//! ```text
//! original -> spectrum, weighted by outer and middle ear -> bands -> spread in frequency and time -> mask
//! |original| - |copy| of the weighted spectra -> bands -> noise;   NMR = noise / mask
//! ```
//!
//! `tests/measure/make_nmr_goldens.py` is an independent implementation, to whose ratios a test holds this one to 0.01 dB.
//! Kabal's own formulation (PQevalAudio), run on the same signals, gives the same ratios to 0.01 dB.
//!
//! Bands are a quarter of a Bark wide, from 80 Hz to 18 kHz. A full-scale sine stands for 92 dB SPL. Frames are 2048
//! samples at 48 kHz, half overlapping.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use serde::Serialize;

use super::MeasureError;
use super::signal_pair::SignalPair;
use crate::audio::{Audio, resample};

/// Sample rate of the ear model in hertz.
const RATE: u32 = 48_000;
/// Samples of a frame, and from one frame to the next.
const FRAME: usize = 2048;
const HOP: usize = 1024;
/// Edges of the lowest and the highest band in hertz, and the width of a band in Bark.
const LOWEST: f64 = 80.0;
const HIGHEST: f64 = 18_000.0;
const WIDTH: f64 = 0.25;
/// Level of a full-scale sine in dB SPL, and the frequency in hertz that the standard calibrates at.
const FULL_SCALE_SPL: f64 = 92.0;
const CALIBRATION: f64 = 1019.5;
/// The least energy of a band.
const FLOOR: f64 = 1e-12;
/// The exponent at which spread energies add.
const ADDITION: f64 = 0.4;
/// Time constants of the mask's decay in seconds: at 100 Hz, and at high frequencies.
const DECAY_100: f64 = 0.030;
const DECAY: f64 = 0.008;
/// A frame counts as disturbed where a band's noise is so far above its mask, in dB.
const DISTURBED_DB: f64 = 1.5;
/// The sum of five magnitudes at which a signal begins and ends: 200 of 16-bit samples.
const EDGE: f32 = 200.0 / 32_768.0;

/// The ratio of no noise at all, in dB.
pub const NMR_FLOOR_DB: f64 = -100.0;

/// The noise-to-mask ratio of a copy. Serialises to JSON with these names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NoiseToMask {
    /// Total NMR in dB: the mean ratio over bands and frames; [`NMR_FLOOR_DB`] for a copy without error. Far below
    /// 0 the error is masked, above 0 it is not.
    pub total_db: f64,
    /// Share of frames in which any band's noise is 1.5 dB or more above its mask, 0 to 1.
    pub disturbed_frames: f64,
}

/// Measures the noise-to-mask ratio of `other` against `reference`, averaged over channels. Other rates than 48 kHz are
/// converted first. `None` if the reference is silent. Not realtime-safe.
///
/// # Errors
/// [`MeasureError`] if the signals differ in rate, channels or length, are empty or not finite, or their rate cannot be
/// converted.
pub fn noise_to_mask(
    reference: &Audio,
    other: &Audio,
) -> Result<Option<NoiseToMask>, MeasureError> {
    measure(&SignalPair::new(reference, other)?)
}

/// Returns the [`noise_to_mask`] of a checked pair.
pub(super) fn measure(pair: &SignalPair<'_>) -> Result<Option<NoiseToMask>, MeasureError> {
    let rate = pair.reference.rate;
    let at_48k = |audio: &Audio| resample(audio, RATE).map_err(|_| MeasureError::Rate { rate });
    let (reference, other) = (at_48k(pair.reference)?, at_48k(pair.other)?);
    let Some((first, last)) = edges(&reference) else { return Ok(None) };
    let mut model = EarModel::new();
    let (mut total_db, mut disturbed) = (0.0, 0.0);
    for (reference, other) in reference.channels.iter().zip(&other.channels) {
        let channel = model.channel(&reference[first..=last], &other[first..=last]);
        total_db += channel.total_db;
        disturbed += channel.disturbed_frames;
    }
    let channels = reference.channels.len() as f64;
    let [total_db, disturbed_frames] = [total_db, disturbed].map(|sum| sum / channels);
    Ok(Some(NoiseToMask { total_db, disturbed_frames }))
}

/// Returns the first and the last sample of what is not silent in any channel.
fn edges(audio: &Audio) -> Option<(usize, usize)> {
    let loud = |plane: &Vec<f32>| {
        let mut starts = plane.windows(5).enumerate().filter_map(|(n, five)| {
            (five.iter().map(|x| x.abs()).sum::<f32>() >= EDGE).then_some(n)
        });
        let first = starts.next()?;
        Some((first, starts.next_back().unwrap_or(first) + 4))
    };
    let found = audio.channels.iter().filter_map(loud);
    found.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// A band of the ear model.
struct Band {
    /// The first bin of the spectrum that it reaches into, and its share of this bin and of those that follow.
    first_bin: usize,
    shares: Vec<f64>,
    /// Energy of the noise within the ear.
    internal_noise: f64,
    /// Spreading to higher bands: the factor a band at an energy of 1.
    upward: f64,
    /// The result of spreading an energy of 1 in every band.
    spread_of_ones: f64,
    /// The mask's decay from one frame to the next.
    decay: f64,
    /// The mask, as a share of the spread energy.
    mask: f64,
}

/// The FFT-based ear model. Allocates when it is made; [`frame`](Self::frame) does not.
struct EarModel {
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    output: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// The window, with the calibration to 92 dB SPL.
    window: Vec<f64>,
    /// Gain of the outer and middle ear by bin, in magnitude.
    ear: Vec<f64>,
    bands: Vec<Band>,
    /// Weighted magnitudes of the original and the copy.
    magnitudes: [Vec<f64>; 2],
    /// Energies of bands, their sums within spreading, and the smoothed energies of the frames so far.
    energies: Vec<f64>,
    spread: Vec<f64>,
    smoothed: Vec<f64>,
}

/// Returns the Bark value of a frequency in hertz (Schroeder's formula).
fn bark(hertz: f64) -> f64 {
    7.0 * (hertz / 650.0).asinh()
}

/// Returns the frequency in hertz of a Bark value.
fn hertz(bark: f64) -> f64 {
    650.0 * (bark / 7.0).sinh()
}

/// Returns lower edge, centre and upper edge of each band in hertz.
fn band_edges() -> Vec<[f64; 3]> {
    let (low, high) = (bark(LOWEST), bark(HIGHEST));
    let count = ((high - low) / WIDTH).ceil() as usize;
    (0..count)
        .map(|n| {
            let from = low + n as f64 * WIDTH;
            let to = (from + WIDTH).min(high);
            [from, 0.5 * (from + to), to].map(hertz)
        })
        .collect()
}

fn from_db(db: f64) -> f64 {
    10.0f64.powf(db / 10.0)
}

impl EarModel {
    fn new() -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(FRAME);
        let bin = f64::from(RATE) / FRAME as f64;
        let span = (FRAME - 1) as f64;
        // The calibration sine lies between two bins: the nearer one shows so much of its peak.
        let offset = (CALIBRATION / bin - (CALIBRATION / bin).round()).abs() * span / FRAME as f64;
        let shown = (PI * offset).sin() / (PI * offset * (1.0 - offset * offset));
        let gain = 10.0f64.powf(FULL_SCALE_SPL / 20.0) / (shown * span / 4.0);
        let hann = |n: usize| 0.5 * (1.0 - (2.0 * PI * n as f64 / span).cos());
        let ear = |k: usize| {
            let khz = k as f64 * bin / 1000.0;
            let db = -0.6 * 3.64 * khz.powf(-0.8) + 6.5 * (-0.6 * (khz - 3.3).powi(2)).exp()
                - 1e-3 * khz.powf(3.6);
            from_db(db).sqrt()
        };
        let mut bands: Vec<Band> =
            band_edges().iter().enumerate().map(|(n, edges)| Band::new(n, *edges, bin)).collect();
        let count = bands.len();
        let mut spread = vec![0.0; count];
        spread_energies(&bands, &vec![1.0; count], &mut spread);
        bands.iter_mut().zip(&spread).for_each(|(band, ones)| band.spread_of_ones = *ones);
        Self {
            input: plan.make_input_vec(),
            output: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            window: (0..FRAME).map(|n| gain * hann(n)).collect(),
            ear: (0..=FRAME / 2).map(ear).collect(),
            magnitudes: [0, 1].map(|_| vec![0.0; FRAME / 2 + 1]),
            energies: vec![0.0; count],
            spread,
            smoothed: vec![0.0; count],
            bands,
            plan,
        }
    }

    /// Measures one channel from its start, at 48 kHz.
    fn channel(&mut self, reference: &[f32], other: &[f32]) -> NoiseToMask {
        self.smoothed.fill(0.0);
        let (mut sum, mut disturbed, mut frames) = (0.0, 0, 0);
        for start in (0..reference.len()).step_by(HOP) {
            let (mean, highest) = self.frame(&reference[start..], &other[start..]);
            sum += mean;
            disturbed += usize::from(highest > from_db(DISTURBED_DB));
            frames += 1;
        }
        let mean = sum / f64::from(frames.max(1));
        NoiseToMask {
            total_db: (10.0 * mean.log10()).max(NMR_FLOOR_DB),
            disturbed_frames: disturbed as f64 / f64::from(frames.max(1)),
        }
    }

    /// Returns the mean and the highest ratio of noise to mask over bands, for the next frame: the first samples of both
    /// signals, followed by silence where they are shorter.
    fn frame(&mut self, reference: &[f32], other: &[f32]) -> (f64, f64) {
        for (n, signal) in [reference, other].into_iter().enumerate() {
            let samples = signal.iter().copied().map(f64::from).chain(std::iter::repeat(0.0));
            for ((to, window), sample) in self.input.iter_mut().zip(&self.window).zip(samples) {
                *to = window * sample;
            }
            self.plan
                .process_with_scratch(&mut self.input, &mut self.output, &mut self.scratch)
                .expect("the plan made these buffers");
            for ((to, ear), bin) in self.magnitudes[n].iter_mut().zip(&self.ear).zip(&self.output) {
                *to = ear * bin.norm();
            }
        }
        let [reference, other] = &self.magnitudes;
        for (energy, band) in self.energies.iter_mut().zip(&self.bands) {
            *energy = band.sum(|k| reference[k] * reference[k]) + band.internal_noise;
        }
        spread_energies(&self.bands, &self.energies, &mut self.spread);
        let (mut sum, mut highest) = (0.0, 0.0f64);
        for ((band, spread), smoothed) in
            self.bands.iter().zip(&self.spread).zip(&mut self.smoothed)
        {
            let spread = spread / band.spread_of_ones;
            *smoothed = band.decay * *smoothed + (1.0 - band.decay) * spread;
            let mask = band.mask * smoothed.max(spread);
            let ratio = band.sum(|k| (reference[k] - other[k]).powi(2)) / mask;
            sum += ratio;
            highest = highest.max(ratio);
        }
        (sum / self.bands.len() as f64, highest)
    }
}

impl Band {
    /// Returns band `n` with these edges and centre in hertz, for bins `bin` hertz apart.
    fn new(n: usize, [low, centre, high]: [f64; 3], bin: f64) -> Self {
        let first_bin = (low / bin + 0.5).floor() as usize;
        let share = |k: usize| {
            let (from, to) = ((k as f64 - 0.5) * bin, (k as f64 + 0.5) * bin);
            (to.min(high) - from.max(low)).max(0.0) / bin
        };
        let last_bin = (high / bin + 0.5).floor() as usize;
        let above = n as f64 * WIDTH;
        let seconds = DECAY + 100.0 / centre * (DECAY_100 - DECAY);
        Self {
            first_bin,
            shares: (first_bin..=last_bin).map(share).collect(),
            internal_noise: from_db(0.4 * 3.64 * (centre / 1000.0).powf(-0.8)),
            upward: from_db(WIDTH * (-24.0 - 230.0 / centre)),
            spread_of_ones: 1.0,
            decay: (-(HOP as f64) / (f64::from(RATE) * seconds)).exp(),
            mask: from_db(-(if above <= 12.0 { 3.0 } else { 0.25 * above })),
        }
    }

    /// Returns the sum of a value of bins over the band.
    fn sum(&self, value: impl Fn(usize) -> f64) -> f64 {
        let shares = self.shares.iter().zip(self.first_bin..);
        shares.map(|(share, bin)| share * value(bin)).sum::<f64>()
    }
}

/// Spreads the energies of bands over their neighbors: 27 dB a Bark to lower ones, and to higher ones the flatter the
/// higher the level.
fn spread_energies(bands: &[Band], energies: &[f64], spread: &mut [f64]) {
    let count = bands.len();
    let downward = from_db(-27.0 * WIDTH);
    // The sum of `terms` terms of a geometric series.
    let series = |factor: f64, terms: usize| (1.0 - factor.powi(terms as i32)) / (1.0 - factor);
    spread.fill(0.0);
    for (n, (band, energy)) in bands.iter().zip(energies).enumerate() {
        let energy = energy.max(FLOOR);
        let upward = band.upward * energy.powf(0.2 * WIDTH);
        let all = series(downward, n + 1) + series(upward, count - n) - 1.0;
        let own = (energy / all).powf(ADDITION);
        let (down, up) = (downward.powf(ADDITION), upward.powf(ADDITION));
        spread[n] += own;
        let mut part = own;
        for to in spread[..n].iter_mut().rev() {
            part *= down;
            *to += part;
        }
        part = own;
        for to in &mut spread[n + 1..] {
            part *= up;
            *to += part;
        }
    }
    spread.iter_mut().for_each(|sum| *sum = sum.powf(1.0 / ADDITION));
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::{mix, noise, sine};
    use super::*;

    #[test]
    fn bands_are_those_of_the_standard() {
        let edges = band_edges();
        assert_eq!(edges.len(), 109);
        // From table 6 of BS.1387-1.
        for (band, expected) in [
            (0, [80.0, 91.708, 103.445]),
            (1, [103.445, 115.216, 127.023]),
            (50, [2143.227, 2183.564, 2224.597]),
            (108, [17_385.420, 17_690.045, 18_000.0]),
        ] {
            for (found, expected) in edges[band].iter().zip(expected) {
                assert!((found - expected).abs() < 0.01, "band {band}: {:?}", edges[band]);
            }
        }
    }

    #[test]
    fn a_full_scale_sine_is_92_db() {
        let mut model = EarModel::new();
        let tone = sine(RATE, 1, FRAME, CALIBRATION, 1.0);
        model.frame(&tone.channels[0], &tone.channels[0]);
        let unweighted = model.magnitudes[0].iter().zip(&model.ear).map(|(m, ear)| m / ear);
        let peak = 20.0 * unweighted.fold(0.0, f64::max).log10();
        assert!((peak - FULL_SCALE_SPL).abs() < 0.01, "{peak}");
    }

    #[test]
    fn masked_noise_counts_less_than_noise_beside_the_signal() {
        let ratio =
            |other: &Audio, reference: &Audio| noise_to_mask(reference, other).unwrap().unwrap();
        let tone = sine(RATE, 1, 96_000, 1000.0, 0.5);
        let near = mix(&tone, &sine(RATE, 1, 96_000, 1100.0, 0.5), 0.05);
        let far = mix(&tone, &sine(RATE, 1, 96_000, 5000.0, 0.5), 0.05);
        let (near, far) = (ratio(&near, &tone), ratio(&far, &tone));
        assert!(near.total_db + 20.0 < far.total_db, "{near:?}, {far:?}");
        assert_eq!(far.disturbed_frames, 1.0);
        let signal = noise(RATE, 2, 96_000, 0.3);
        let same = ratio(&signal, &signal);
        assert_eq!((same.total_db, same.disturbed_frames), (NMR_FLOOR_DB, 0.0));
        // An error of noise is masked by noise, and grows by its gain in dB.
        let error = noise(RATE, 2, 96_000, 0.3);
        let louder = |gain: f32| {
            let planes =
                signal.channels.iter().zip(&error.channels).map(|(a, b)| {
                    a.iter().zip(b.iter().rev()).map(|(a, b)| a + gain * b).collect()
                });
            ratio(&Audio::new(RATE, planes.collect()), &signal).total_db
        };
        let [soft, loud] = [0.03, 1.0].map(louder);
        assert!(soft < -25.0 && (loud - soft - 30.5).abs() < 1.0, "{soft}, {loud}");
    }

    #[test]
    fn silence_has_no_ratio_and_rates_are_converted() {
        let silence = Audio::silence(RATE, 1, 48_000);
        assert_eq!(noise_to_mask(&silence, &sine(RATE, 1, 48_000, 440.0, 0.5)), Ok(None));
        let measured = |rate: u32| {
            let tone = sine(rate, 1, rate as usize, 1000.0, 0.5);
            let copy = mix(&tone, &sine(rate, 1, rate as usize, 3000.0, 0.5), 0.02);
            noise_to_mask(&tone, &copy).unwrap().unwrap().total_db
        };
        assert!((measured(44_100) - measured(48_000)).abs() < 0.3);
    }
}
