//! The short-time Fourier transform: magnitudes of Hann-windowed frames.

use std::f64::consts::TAU;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::MeasureError;

/// Longest transform accepted, in samples.
const MAX_FFT: usize = 1 << 20;

/// The continuation of a signal beyond its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgePadding {
    /// The signal mirrored about its first and last sample, repeatedly where it is shorter than the window
    /// (`numpy.pad(mode="reflect")`). Used by the distances, because it adds no edges to the signal.
    Reflect,
    /// Silence. Used by spectrograms, because it adds no content to the signal.
    Zero,
}

/// Magnitude spectra of frames of one signal.
///
/// Frame `i` is centred on sample `i * hop`, weighted with a periodic Hann window of `window`
/// samples (`0.5 - 0.5 cos(2 pi n / window)`), zero-padded on both sides to `fft` samples and
/// transformed; magnitudes are not normalised. With [`EdgePadding::Reflect`] this is
/// `torch.stft(x, fft, hop, window, hann_window(window), center=True).abs()`.
#[derive(Clone)]
pub struct Stft {
    window: Vec<f64>,
    hop: usize,
    plan: Arc<dyn RealToComplex<f64>>,
    input: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Stft {
    /// Returns a transform of frames of `window` samples, `hop` samples apart, zero-padded to `fft`.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] unless `1 <= window <= fft <= 2^20`, `fft` is even and
    /// `hop >= 1`.
    pub fn new(window: usize, hop: usize, fft: usize) -> Result<Self, MeasureError> {
        if !(2..=MAX_FFT).contains(&fft) || !fft.is_multiple_of(2) {
            return Err(MeasureError::parameter("fft", fft, "even and 2 to 1048576 samples"));
        }
        if window < 1 || window > fft {
            return Err(MeasureError::parameter("window", window, "1 sample to the FFT's length"));
        }
        if hop < 1 {
            return Err(MeasureError::parameter("hop", hop, "at least 1 sample"));
        }
        let plan = RealFftPlanner::new().plan_fft_forward(fft);
        Ok(Self {
            window: (0..window)
                .map(|n| 0.5 - 0.5 * (TAU * n as f64 / window as f64).cos())
                .collect(),
            hop,
            input: plan.make_input_vec(),
            spectrum: plan.make_output_vec(),
            scratch: plan.make_scratch_vec(),
            plan,
        })
    }

    /// Returns the number of frequency bins of a frame, `fft / 2 + 1`. Bin `b` is at `b * rate / fft` hertz.
    pub fn bins(&self) -> usize {
        self.spectrum.len()
    }

    /// Returns the number of frames of a signal of `samples` samples: `1 + samples / hop`, none for no samples.
    pub fn frames(&self, samples: usize) -> usize {
        if samples == 0 { 0 } else { 1 + samples / self.hop }
    }

    /// Returns the sum of the window's weights: the magnitude of a constant 1, and twice that of a full-scale
    /// sine.
    pub fn window_sum(&self) -> f64 {
        self.window.iter().sum()
    }

    /// Writes the magnitudes of frame `index` of `signal` to `magnitudes`: [`Self::bins`] values, or as many as
    /// fit. Zeros for an empty signal.
    ///
    /// Realtime-safe.
    pub fn frame(
        &mut self,
        signal: &[f32],
        index: usize,
        edge: EdgePadding,
        magnitudes: &mut [f64],
    ) {
        let centre = index.saturating_mul(self.hop);
        self.frame_at(signal, i64::try_from(centre).unwrap_or(i64::MAX), edge, magnitudes);
    }

    /// Writes the magnitudes of the frame centred on sample `centre`, which may lie outside the signal, as
    /// [`Self::frame`] does.
    ///
    /// Realtime-safe.
    pub fn frame_at(
        &mut self,
        signal: &[f32],
        centre: i64,
        edge: EdgePadding,
        magnitudes: &mut [f64],
    ) {
        let fft = self.input.len();
        let length = self.window.len();
        let offset = (fft - length) / 2;
        let first = centre.saturating_sub((fft / 2) as i64).saturating_add(offset as i64);
        // The transform uses its input as scratch space, so that the padding has to be cleared too.
        self.input.fill(0.0);
        let framed = &mut self.input[offset..offset + length];
        match usize::try_from(first).ok().and_then(|s| signal.get(s..s.checked_add(length)?)) {
            Some(inside) => {
                for ((x, w), s) in framed.iter_mut().zip(&self.window).zip(inside) {
                    *x = w * f64::from(*s);
                }
            }
            None => {
                for (n, (x, w)) in framed.iter_mut().zip(&self.window).enumerate() {
                    *x = w * sample(signal, first.saturating_add(n as i64), edge);
                }
            }
        }
        let buffers = (&mut self.input, &mut self.spectrum, &mut self.scratch);
        self.plan
            .process_with_scratch(buffers.0, buffers.1, buffers.2)
            .expect("the plan made these buffers");
        for (m, z) in magnitudes.iter_mut().zip(&self.spectrum) {
            *m = z.norm_sqr().sqrt();
        }
    }

    /// Returns the magnitudes of all frames, frame-major: `frames * bins` values. Allocates.
    pub fn magnitudes(&mut self, signal: &[f32], edge: EdgePadding) -> Vec<f64> {
        let mut all = vec![0.0; self.frames(signal.len()) * self.bins()];
        let bins = self.bins();
        for (index, row) in all.chunks_exact_mut(bins).enumerate() {
            self.frame(signal, index, edge, row);
        }
        all
    }
}

/// Returns sample `index` of a signal continued beyond its ends.
fn sample(signal: &[f32], index: i64, edge: EdgePadding) -> f64 {
    let length = signal.len() as i64;
    if length == 0 {
        return 0.0;
    }
    let index = match edge {
        EdgePadding::Zero if !(0..length).contains(&index) => return 0.0,
        EdgePadding::Reflect if length == 1 => 0,
        EdgePadding::Reflect => {
            let period = 2 * (length - 1);
            let phase = index.rem_euclid(period);
            phase.min(period - phase)
        }
        EdgePadding::Zero => index,
    };
    f64::from(signal[index as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_repeats_for_short_signals() {
        let reflected = |signal: &[f32], range: std::ops::Range<i64>| -> Vec<f64> {
            range.map(|i| sample(signal, i, EdgePadding::Reflect)).collect()
        };
        // numpy.pad([1, 2, 3], 5, mode="reflect")
        let expected = [2.0, 1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0];
        assert_eq!(reflected(&[1.0, 2.0, 3.0], -5..8), expected);
        assert_eq!(reflected(&[4.0], -2..3), [4.0; 5]);
        assert_eq!(reflected(&[], -2..3), [0.0; 5]);
        assert_eq!(sample(&[1.0, 2.0], -1, EdgePadding::Zero), 0.0);
        assert_eq!(sample(&[1.0, 2.0], 1, EdgePadding::Zero), 2.0);
        assert_eq!(sample(&[1.0, 2.0], 2, EdgePadding::Zero), 0.0);
    }

    #[test]
    fn a_sine_on_a_bin_reads_half_the_window_sum() {
        let mut stft = Stft::new(64, 16, 64).unwrap();
        let sine: Vec<f32> = (0..256).map(|n| (TAU * 8.0 * n as f64 / 64.0).sin() as f32).collect();
        let mut magnitudes = vec![0.0; stft.bins()];
        stft.frame(&sine, 8, EdgePadding::Reflect, &mut magnitudes);
        assert!((magnitudes[8] - stft.window_sum() / 2.0).abs() < 1e-5);
        assert!((stft.window_sum() - 32.0).abs() < 1e-12);
        assert!(magnitudes[12] < 1e-5);
    }

    #[test]
    fn frames_are_counted_like_centred_torch_stft() {
        let stft = Stft::new(600, 120, 1024).unwrap();
        assert_eq!(stft.frames(0), 0);
        assert_eq!(stft.frames(1), 1);
        assert_eq!(stft.frames(119), 1);
        assert_eq!(stft.frames(120), 2);
        assert_eq!(stft.bins(), 513);
    }

    #[test]
    fn far_outside_is_silence() {
        let mut stft = Stft::new(64, 16, 128).unwrap();
        let mut magnitudes = vec![1.0; stft.bins()];
        for centre in [i64::MIN, -1000, 1000, i64::MAX] {
            stft.frame_at(&[1.0; 100], centre, EdgePadding::Zero, &mut magnitudes);
            assert!(magnitudes.iter().all(|m| *m == 0.0), "{centre}");
        }
    }

    #[test]
    fn bad_sizes_are_refused() {
        assert!(Stft::new(0, 1, 64).is_err());
        assert!(Stft::new(65, 1, 64).is_err());
        assert!(Stft::new(64, 0, 64).is_err());
        assert!(Stft::new(63, 1, 63).is_err());
        assert!(Stft::new(1, 1, usize::MAX - 1).is_err());
    }
}
