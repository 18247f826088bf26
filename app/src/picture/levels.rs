//! Levels of a spectrogram, and fitting them to a panel.

use super::PictureError;

/// A spectrogram in dBFS that was computed elsewhere.
///
/// Rows are equal steps of log frequency, the highest first; columns are equal steps of time.
/// Levels that are not finite count as silence.
#[derive(Clone, Copy, Debug)]
pub struct Levels<'a> {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height * width` values, row after row.
    pub db: &'a [f32],
}

impl Levels<'_> {
    /// Refuses what has no extent or not the declared one; `what` names it in the error.
    pub(super) fn check(&self, what: &str) -> Result<(), PictureError> {
        let expected = self.width.checked_mul(self.height).filter(|&count| count > 0);
        if expected == Some(self.db.len()) {
            return Ok(());
        }
        Err(PictureError::Levels {
            what: what.to_owned(),
            found: self.db.len(),
            width: self.width,
            height: self.height,
        })
    }

    /// The highest finite level.
    pub(super) fn peak(&self) -> Option<f32> {
        self.db.iter().copied().filter(|level| level.is_finite()).reduce(f32::max)
    }

    /// The levels on a grid of `width` x `height`. Along an axis with more levels than pixels, a
    /// pixel shows the highest it covers, so that no short event disappears; along one with fewer,
    /// levels are interpolated.
    pub(super) fn fit(&self, width: usize, height: usize) -> Vec<f32> {
        let columns = Fit::new(self.width, width);
        let rows = Fit::new(self.height, height);
        let wide: Vec<f32> = self
            .db
            .chunks_exact(self.width)
            .flat_map(|row| (0..width).map(|x| columns.pixel(x, |column| row[column])))
            .collect();
        (0..height)
            .flat_map(|y| {
                let (wide, rows) = (&wide, &rows);
                (0..width).map(move |x| rows.pixel(y, |row| wide[row * width + x]))
            })
            .collect()
    }
}

/// One axis of [`Levels::fit`].
struct Fit {
    levels: usize,
    pixels: usize,
}

impl Fit {
    fn new(levels: usize, pixels: usize) -> Self {
        Self { levels, pixels }
    }

    fn pixel(&self, index: usize, level: impl Fn(usize) -> f32) -> f32 {
        if self.levels >= self.pixels {
            let start = index * self.levels / self.pixels;
            let end = ((index + 1) * self.levels).div_ceil(self.pixels);
            // `f32::max` passes over NaN.
            return (start..end).map(level).fold(f32::NEG_INFINITY, f32::max);
        }
        let position = ((index as f64 + 0.5) * self.levels as f64 / self.pixels as f64 - 0.5)
            .clamp(0.0, (self.levels - 1) as f64);
        let (below, part) = (position as usize, position.fract() as f32);
        if part == 0.0 {
            return level(below);
        }
        // Silence may be minus infinity, which must not turn into NaN.
        let (a, b) = (level(below).max(-1e6), level(below + 1).max(-1e6));
        a + (b - a) * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_event_survives_any_reduction() {
        for width in [1000, 1001, 12_345] {
            for event in [0, 1, width / 2, width - 1] {
                let mut db = vec![-100.0; width * 3];
                db[width + event] = -3.0;
                let fitted = Levels { width, height: 3, db: &db }.fit(840, 2);
                let loud: Vec<usize> = (0..840 * 2).filter(|&i| fitted[i] == -3.0).collect();
                assert!(!loud.is_empty());
                let column = event * 840 / width;
                assert!(loud.iter().all(|&i| (i % 840).abs_diff(column) <= 1));
            }
        }
    }

    #[test]
    fn the_same_size_is_a_copy_and_fewer_levels_are_interpolated() {
        let db = [0.0, -10.0, -20.0, -30.0];
        let levels = Levels { width: 2, height: 2, db: &db };
        assert_eq!(levels.fit(2, 2), db);
        let wide = Levels { width: 2, height: 1, db: &[-20.0, -40.0] }.fit(4, 1);
        assert_eq!(wide, [-20.0, -25.0, -35.0, -40.0]);
        let silent = Levels { width: 2, height: 1, db: &[f32::NEG_INFINITY; 2] }.fit(5, 3);
        assert!(silent.iter().all(|level| !level.is_nan()));
    }

    #[test]
    fn wrong_sizes_are_refused() {
        for (width, height, count) in [(0, 0, 0), (2, 2, 3), (usize::MAX, 2, 4)] {
            let db = vec![0.0; count];
            let error = Levels { width, height, db: &db }.check("original").unwrap_err();
            assert!(error.to_string().starts_with("original"), "{error}");
        }
    }
}
