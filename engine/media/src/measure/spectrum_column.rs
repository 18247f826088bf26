//! One column of a spectrogram, for spectrograms of running audio.

use super::MeasureError;
use super::decibels::dbfs;
use super::log_frequency_axis::LogFrequencyAxis;
use super::stft::{EdgePadding, Stft};

/// Length of the transform in windows. With zero-padding to twice the window, a sine between two bins reads at
/// most 0.4 dB low instead of 1.4 dB.
const PADDING: usize = 2;

/// Analyser of a window of samples into levels on a logarithmic frequency axis.
#[derive(Clone)]
pub struct SpectrumColumn {
    stft: Stft,
    window: usize,
    rows: LogFrequencyAxis,
    bins: Vec<f64>,
    /// Factor from bin magnitudes to amplitudes, by which a full-scale sine reads 1.
    gain: f64,
}

impl SpectrumColumn {
    /// Returns an analyser of Hann windows of `window` samples at `rate` hertz into `height` rows from `fmax`
    /// hertz (top of row 0) to `fmin` hertz (bottom of the last row). Rows above half the rate show silence,
    /// so that spectrograms at different rates can share an axis.
    ///
    /// # Errors
    /// [`MeasureError::Parameter`] unless `0 < fmin < fmax`, `height` is 1 to 16384, `rate` above 0
    /// and `window` 2 to 524288.
    pub fn new(
        rate: u32,
        window: usize,
        height: usize,
        fmin: f64,
        fmax: f64,
    ) -> Result<Self, MeasureError> {
        if rate == 0 {
            return Err(MeasureError::parameter("rate", rate, "at least 1 Hz"));
        }
        if !(2..=1 << 19).contains(&window) {
            return Err(MeasureError::parameter("window", window, "2 to 524288 samples"));
        }
        let fft = window * PADDING;
        let stft = Stft::new(window, 1, fft)?;
        let rows =
            LogFrequencyAxis::new(height, (fmin, fmax), stft.bins(), f64::from(rate) / fft as f64)?;
        let gain = 2.0 / stft.window_sum();
        Ok(Self { bins: vec![0.0; stft.bins()], stft, window, rows, gain })
    }

    /// Returns the length of the window in samples.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Returns the number of rows of a column.
    pub fn height(&self) -> usize {
        self.rows.height()
    }

    /// Writes the levels in dBFS of the last [`Self::window`] samples of `samples` (preceded by silence if there
    /// are fewer) to `column`: [`Self::height`] values, or as many as fit.
    ///
    /// Realtime-safe.
    pub fn analyse(&mut self, samples: &[f32], column: &mut [f32]) {
        let centre = samples.len() as i64 - (self.window - self.window / 2) as i64;
        self.amplitudes(samples, centre);
        for (level, row) in column.iter_mut().zip(self.rows.magnitudes(&self.bins)) {
            *level = dbfs(row * self.gain) as f32;
        }
    }

    /// Adds the powers of the rows of the window centred on `centre` to `powers`.
    pub(super) fn add_powers(&mut self, samples: &[f32], centre: i64, powers: &mut [f64]) {
        self.amplitudes(samples, centre);
        for (power, row) in powers.iter_mut().zip(self.rows.magnitudes(&self.bins)) {
            *power += (row * self.gain).powi(2);
        }
    }

    fn amplitudes(&mut self, samples: &[f32], centre: i64) {
        self.stft.frame_at(samples, centre, EdgePadding::Zero, &mut self.bins);
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_signals::sine;
    use super::super::{FLOOR_DBFS, MeasureError};
    use super::*;

    #[test]
    fn a_full_scale_sine_reads_0_dbfs_whatever_its_frequency() {
        let mut column = SpectrumColumn::new(48_000, 2048, 100, 40.0, 20_000.0).unwrap();
        let mut levels = vec![0.0; 100];
        for hertz in [100.0, 440.0, 997.0, 5003.0, 15_000.0] {
            column.analyse(&sine(48_000, 1, 3000, hertz, 1.0).channels[0], &mut levels);
            let peak = levels.iter().fold(f32::MIN, |a, b| a.max(*b));
            assert!((-0.5..0.1).contains(&peak), "{hertz} Hz: {peak}");
        }
    }

    #[test]
    fn only_the_last_window_counts() {
        let mut column = SpectrumColumn::new(48_000, 512, 20, 40.0, 20_000.0).unwrap();
        let mut samples = vec![1.0; 2048];
        samples[1536..].fill(0.0);
        let mut levels = vec![0.0; 20];
        column.analyse(&samples, &mut levels);
        assert_eq!(levels, vec![FLOOR_DBFS as f32; 20]);
        column.analyse(&samples[..1537], &mut levels);
        assert!(levels[19] > 0.0, "{levels:?}");
        column.analyse(&[], &mut levels);
        assert_eq!(levels, vec![FLOOR_DBFS as f32; 20]);
    }

    #[test]
    fn bad_parameters_are_refused() {
        let error = |rate, window| SpectrumColumn::new(rate, window, 9, 20.0, 100.0).err();
        assert!(matches!(error(0, 512), Some(MeasureError::Parameter { name: "rate", .. })));
        for window in [0, 1, usize::MAX] {
            assert!(matches!(
                error(48_000, window),
                Some(MeasureError::Parameter { name: "window", .. })
            ));
        }
    }
}
