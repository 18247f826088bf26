//! Frequency bins resampled to the rows of a logarithmic frequency axis.

use std::ops::Range;

use super::MeasureError;

/// Most rows of a picture.
const MAX_ROWS: usize = 1 << 14;

/// Which bins each row of a picture shows; row 0 is the highest.
#[derive(Clone, Debug)]
pub(super) struct LogRows {
    rows: Vec<Row>,
}

/// Where a row's value comes from.
#[derive(Clone, Debug)]
enum Row {
    /// The row's band holds bins: their peak, so that a sine keeps its level however wide the band.
    Peak(Range<usize>),
    /// The band lies between two bins: linear interpolation at this fraction from the first.
    Between(usize, f64),
    /// The band lies above half the sample rate.
    Above,
}

impl LogRows {
    /// `height` rows, equal steps of log frequency from `fmax` at the top edge of row 0 to `fmin` at
    /// the bottom edge of the last, over `bins` bins of `spacing` hertz.
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

    /// Rows.
    pub fn height(&self) -> usize {
        self.rows.len()
    }

    /// The rows' magnitudes from the bins', in order. Realtime-safe.
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
        let rows = LogRows::new(5, (55.0, 1760.0), 9, 100.0).unwrap();
        let bins = [0.0, 2.0, 3.0, 5.0, 4.0, 6.0, 9.0, 7.0, 8.0];
        let values: Vec<f64> = rows.magnitudes(&bins).collect();
        assert_eq!(values, [0.0, 9.0, 5.0, 3.0, 2.0]);
        let narrow = LogRows::new(1, (120.0, 180.0), 9, 100.0).unwrap();
        let value = narrow.magnitudes(&bins).next().unwrap();
        assert!((value - (120.0_f64 * 180.0).sqrt() / 100.0 - 1.0).abs() < 1e-12, "{value}");
        let above = LogRows::new(2, (1000.0, 4000.0), 9, 100.0).unwrap();
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
            assert!(LogRows::new(height, axis, 9, 100.0).is_err(), "{height} {axis:?}");
        }
    }
}
