//! Spectrograms for pictures.

use std::borrow::Cow;

use rayon::prelude::*;

use super::MeasureError;
use super::column::SpectrumColumn;
use super::level::dbfs;
use super::signal_pair::check;
use crate::audio::Audio;

/// Most columns of a picture.
const MAX_WIDTH: usize = 1 << 16;

/// Which signal of the audio is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpectrogramSource {
    /// The mean of all channels: what is the same on all of them keeps its level.
    Mid,
    /// One channel, from 0.
    Channel(usize),
}

/// Size, axes and window of a spectrogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrogramView {
    /// Columns, 1 to 65536: equal parts of the signal's length, first to last.
    pub width: usize,
    /// Rows, 1 to 16384: equal steps of log frequency, highest first.
    pub height: usize,
    /// Bottom edge of the last row in hertz, above 0.
    pub fmin: f64,
    /// Top edge of row 0 in hertz. May lie above half the sample rate: those rows show silence.
    pub fmax: f64,
    /// Length of the Hann window in samples, 2 to 524288. Longer tells pitches apart, shorter
    /// moments.
    pub window: usize,
    /// What is drawn.
    pub source: SpectrogramSource,
}

impl SpectrogramView {
    /// 40 Hz to 20 kHz of the mid signal with a window of 2048 samples (43 ms at 48 kHz).
    pub fn new(width: usize, height: usize) -> Self {
        let source = SpectrogramSource::Mid;
        Self { width, height, fmin: 40.0, fmax: 20_000.0, window: 2048, source }
    }
}

/// Levels in dBFS over time and log frequency.
///
/// A sine of full scale reads 0 dBFS in its row, at worst 0.4 dB less; silence reads
/// [`FLOOR_DBFS`](super::FLOOR_DBFS). A column shows the mean power of half-overlapping windows spread
/// over its part of the signal, so that no sample goes unseen however long the signal; beyond the
/// ends of the signal there is silence. The result is the same on every run and number of threads.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrogram {
    view: SpectrogramView,
    /// Row-major, `height * width`.
    levels: Vec<f32>,
}

impl Spectrogram {
    /// Draws `audio`. Not realtime-safe: for live pictures see [`SpectrumColumn`].
    ///
    /// # Errors
    /// [`MeasureError`] if the audio is empty or not finite, a parameter of the view is out of its
    /// range or the audio has no such channel.
    pub fn of(audio: &Audio, view: &SpectrogramView) -> Result<Self, MeasureError> {
        check(audio)?;
        let (width, height) = (view.width, view.height);
        if width == 0 || width > MAX_WIDTH {
            return Err(MeasureError::parameter("width", width, "1 to 65536 columns"));
        }
        let analyser = SpectrumColumn::new(audio.rate, view.window, height, view.fmin, view.fmax)?;
        let signal = source(audio, view.source)?;
        let columns: Vec<Vec<f32>> = (0..width)
            .into_par_iter()
            .map_init(
                || analyser.clone(),
                |analyser, column| draw(analyser, &signal, column, width),
            )
            .collect();
        let levels =
            (0..height).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        Ok(Self { view: *view, levels })
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.view.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.view.height
    }

    /// What was drawn.
    pub fn view(&self) -> &SpectrogramView {
        &self.view
    }

    /// Levels in dBFS, row after row, row 0 (the highest frequencies) first: `height * width`
    /// values.
    pub fn levels(&self) -> &[f32] {
        &self.levels
    }

    /// The level in dBFS of `column` of `row`, `None` outside the picture.
    pub fn get(&self, row: usize, column: usize) -> Option<f32> {
        let inside = row < self.height() && column < self.width();
        inside.then(|| self.levels[row * self.width() + column])
    }

    /// The frequency in hertz in the middle of `row`; also defined outside the picture.
    pub fn frequency(&self, row: usize) -> f64 {
        let SpectrogramView { height, fmin, fmax, .. } = self.view;
        fmax * (fmin / fmax).powf((row as f64 + 0.5) / height as f64)
    }

    /// The row that shows `hertz`, `None` outside the picture.
    pub fn row(&self, hertz: f64) -> Option<usize> {
        let SpectrogramView { height, fmin, fmax, .. } = self.view;
        let row = height as f64 * (hertz / fmax).ln() / (fmin / fmax).ln();
        (0.0..height as f64).contains(&row).then_some(row as usize)
    }
}

/// The signal that is drawn.
fn source(audio: &Audio, source: SpectrogramSource) -> Result<Cow<'_, [f32]>, MeasureError> {
    let channels = audio.channels.len();
    match source {
        SpectrogramSource::Channel(channel) => match audio.channels.get(channel) {
            Some(samples) => Ok(Cow::Borrowed(samples)),
            None => Err(MeasureError::NoSuchChannel { channel, channels }),
        },
        SpectrogramSource::Mid if channels == 1 => Ok(Cow::Borrowed(&audio.channels[0])),
        SpectrogramSource::Mid => {
            let gain = 1.0 / channels as f64;
            let sum = |n: usize| audio.channels.iter().map(|c| f64::from(c[n])).sum::<f64>();
            Ok(Cow::Owned((0..audio.len()).map(|n| (gain * sum(n)) as f32).collect()))
        }
    }
}

/// The rows of one column, top to bottom.
fn draw(analyser: &mut SpectrumColumn, signal: &[f32], column: usize, width: usize) -> Vec<f32> {
    let step = signal.len() as f64 / width as f64;
    let windows = (step / (analyser.window() as f64 / 2.0)).ceil().max(1.0);
    let mut powers = vec![0.0; analyser.height()];
    for window in 0..windows as usize {
        let centre = step * (column as f64 + (window as f64 + 0.5) / windows);
        analyser.add_powers(signal, centre as i64, &mut powers);
    }
    powers.iter().map(|power| dbfs((power / windows).sqrt()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::FLOOR_DBFS;
    use super::super::test_signals::{noise, sine};
    use super::*;

    fn loudest_row(picture: &Spectrogram, column: usize) -> usize {
        let level = |row: &usize| picture.get(*row, column).unwrap();
        (0..picture.height()).max_by(|a, b| level(a).total_cmp(&level(b))).unwrap()
    }

    #[test]
    fn a_sine_lands_in_its_row_at_its_level() {
        for hertz in [60.0, 440.0, 997.0, 9000.0, 19_000.0] {
            let audio = sine(48_000, 2, 48_000, hertz, 0.1);
            let picture = Spectrogram::of(&audio, &SpectrogramView::new(20, 64)).unwrap();
            let row = picture.row(hertz).unwrap();
            for column in 1..19 {
                assert!(loudest_row(&picture, column).abs_diff(row) <= 1, "{hertz} Hz");
            }
            let loudest = picture.get(loudest_row(&picture, 10), 10).unwrap();
            assert!((-20.5..-19.9).contains(&loudest), "{hertz} Hz: {loudest} dBFS");
            let ratio: f64 = picture.frequency(row) / hertz;
            assert!(ratio.log2().abs() < 9.0 / 64.0, "{hertz} Hz: {}", picture.frequency(row));
        }
    }

    #[test]
    fn a_click_is_seen_however_long_the_signal() {
        let mut audio = Audio::silence(48_000, 1, 480_000);
        audio.channels[0][123_456] = 1.0;
        let picture = Spectrogram::of(&audio, &SpectrogramView::new(10, 32)).unwrap();
        assert!(picture.get(5, 2).unwrap() > -100.0);
        assert_eq!(picture.get(5, 7).unwrap(), FLOOR_DBFS as f32);
    }

    #[test]
    fn silence_and_short_signals_are_finite() {
        for samples in [1, 2, 100, 2047] {
            for audio in [Audio::silence(48_000, 1, samples), noise(48_000, 1, samples, 1.0)] {
                let picture = Spectrogram::of(&audio, &SpectrogramView::new(33, 17)).unwrap();
                assert_eq!(picture.levels().len(), 33 * 17);
                assert!(picture.levels().iter().all(|x| x.is_finite()));
            }
        }
    }

    #[test]
    fn mid_and_channels_are_told_apart() {
        let mut audio = sine(48_000, 2, 24_000, 1000.0, 0.5);
        audio.channels[1].iter_mut().for_each(|x| *x = -*x);
        let picture = |source| {
            let view = SpectrogramView { source, ..SpectrogramView::new(8, 32) };
            Spectrogram::of(&audio, &view)
        };
        let mid = picture(SpectrogramSource::Mid).unwrap();
        assert!(mid.levels().iter().all(|x| *x == FLOOR_DBFS as f32));
        let right = picture(SpectrogramSource::Channel(1)).unwrap();
        assert!(right.get(right.row(1000.0).unwrap(), 4).unwrap() > -7.0);
        assert_eq!(
            picture(SpectrogramSource::Channel(2)),
            Err(MeasureError::NoSuchChannel { channel: 2, channels: 2 })
        );
    }

    #[test]
    fn rows_above_half_the_rate_are_silent() {
        let audio = noise(16_000, 1, 16_000, 1.0);
        let picture = Spectrogram::of(&audio, &SpectrogramView::new(4, 90)).unwrap();
        assert_eq!(picture.get(0, 1).unwrap(), FLOOR_DBFS as f32);
        assert!(picture.get(40, 1).unwrap() > -100.0);
    }

    #[test]
    fn bad_views_are_refused_and_nothing_outside_is_indexed() {
        let audio = noise(48_000, 1, 100, 1.0);
        let view = SpectrogramView::new(4, 4);
        for bad in [
            SpectrogramView { width: 0, ..view },
            SpectrogramView { width: usize::MAX, ..view },
            SpectrogramView { height: 0, ..view },
            SpectrogramView { height: usize::MAX, ..view },
            SpectrogramView { fmin: -1.0, ..view },
            SpectrogramView { fmax: 10.0, ..view },
            SpectrogramView { window: 0, ..view },
        ] {
            assert!(matches!(Spectrogram::of(&audio, &bad), Err(MeasureError::Parameter { .. })));
        }
        let picture = Spectrogram::of(&audio, &view).unwrap();
        assert_eq!((picture.get(4, 0), picture.get(0, 4)), (None, None));
        assert_eq!((picture.row(20.0), picture.row(30_000.0)), (None, None));
    }

    #[test]
    fn drawing_twice_gives_the_same_picture() {
        let audio = noise(48_000, 2, 50_000, 0.5);
        let view = SpectrogramView::new(50, 40);
        assert_eq!(Spectrogram::of(&audio, &view), Spectrogram::of(&audio, &view));
    }
}
