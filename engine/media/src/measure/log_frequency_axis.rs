//! A logarithmic frequency axis over the linear bins of a transform.

use std::ops::Range;

use super::MeasureError;

/// Most rows of an axis.
const MAX_ROWS: usize = 1 << 14;

/// The mapping of frequency bins to rows in equal steps of log frequency; row 0 is the highest.
#[derive(Clone, Debug)]
pub(super) struct LogFrequencyAxis {
    rows: Vec<Row>,
}

/// The source of a row's magnitude.
#[derive(Clone, Debug)]
enum Row {
    /// The maximum of the bins in the row's band, so that a sine keeps its level for any width of the band.
    Peak(Range<usize>),
    /// Linear interpolation between a bin and the next, for a band that holds no bin; with the fraction of the
    /// distance from the first.
    Between(usize, f64),
    /// Silence, for a band above half the sample rate.
    Above,
}

impl LogFrequencyAxis {
    /// Returns an axis of `height` rows from `fmax` hertz at the top edge of row 0 to `fmin` hertz at the bottom
    /// edge of the last, over `bins` bins `spacing` hertz apart.
    pub fn new(
        height: usize,
        (fmin, fmax): (f64, f64),
        bins: usize,
        spacing: f64,
    ) -> Result<Self, MeasureError> {
        if height == 0 || height > MAX_ROWS {
            return Err(MeasureError::parameter("height", height, "1 to 16384 rows"));
        }
        if !(fmin > 0.0 && fmin.is_finite()) {
            return Err(MeasureError::parameter("fmin", fmin, "a frequency above 0 Hz"));
        }
        if !(fmax > fmin && fmax.is_finite()) {
            return Err(MeasureError::parameter("fmax", fmax, "a frequency above fmin"));
        }
        let edge = |row: f64| fmax * (fmin / fmax).powf(row / height as f64);
        let row = |row: usize| {
            let (high, low) = (edge(row as f64), edge(row as f64 + 1.0));
            let first = (low / spacing).ceil() as usize;
            let end = ((high / spacing).ceil() as usize).min(bins);
            let centre = edge(row as f64 + 0.5) / spacing;
            if first < end {
                Row::Peak(first..end)
            } else if centre >= (bins - 1) as f64 {
                Row::Above
            } else {
                Row::Between(centre as usize, centre.fract())
            }
        };
        Ok(Self { rows: (0..height).map(row).collect() })
    }

    /// Returns the number of rows.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// Returns the rows' magnitudes, given those of the bins. Realtime-safe.
    pub fn magnitudes<'a>(&'a self, bins: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        let at = |bin: usize| bins.get(bin).copied().unwrap_or(0.0);
        self.rows.iter().map(move |row| match row {
            Row::Peak(range) => range.clone().map(at).fold(0.0, f64::max),
            Row::Between(bin, fraction) => at(*bin) * (1.0 - fraction) + at(bin + 1) * fraction,
            Row::Above => 0.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_peaks_interpolate_and_stop_at_half_the_rate() {
        // Bins at 0, 100, .. 800 Hz; octave rows from 1760 Hz down to 55 Hz.
        let rows = LogFrequencyAxis::new(5, (55.0, 1760.0), 9, 100.0).unwrap();
        let bins = [0.0, 2.0, 3.0, 5.0, 4.0, 6.0, 9.0, 7.0, 8.0];
        let values: Vec<f64> = rows.magnitudes(&bins).collect();
        assert_eq!(values, [0.0, 9.0, 5.0, 3.0, 2.0]);
        let narrow = LogFrequencyAxis::new(1, (120.0, 180.0), 9, 100.0).unwrap();
        let value = narrow.magnitudes(&bins).next().unwrap();
        assert!((value - (120.0_f64 * 180.0).sqrt() / 100.0 - 1.0).abs() < 1e-12, "{value}");
        let above = LogFrequencyAxis::new(2, (1000.0, 4000.0), 9, 100.0).unwrap();
        assert_eq!(above.magnitudes(&bins).collect::<Vec<_>>(), [0.0, 0.0]);
    }

    #[test]
    fn bad_axes_are_refused() {
        for (height, axis) in [
            (0, (20.0, 100.0)),
            (1 << 20, (20.0, 100.0)),
            (5, (0.0, 100.0)),
            (5, (f64::NAN, 100.0)),
            (5, (20.0, 20.0)),
            (5, (20.0, f64::INFINITY)),
        ] {
            assert!(LogFrequencyAxis::new(height, axis, 9, 100.0).is_err(), "{height} {axis:?}");
        }
    }
}
