//! From samples to columns of levels.

use residue_engine::measure::{FLOOR_DBFS, MeasureError, SpectrumColumn};

use super::DifferenceLane;
use crate::theme::Lane;

/// Columns kept.
pub(super) const COLUMNS: usize = 512;
/// Rows of a column: 21 an octave.
pub(super) const ROWS: usize = 192;
/// Ends of the frequency axis in hertz.
pub(super) const RANGE: std::ops::RangeInclusive<f64> = 40.0..=20_000.0;
/// Seconds of the window: long enough for the harmonics of a low voice.
const WINDOW: f64 = 0.043;
/// The level of a column that is not there.
pub(super) const MISSING: f32 = f32::NEG_INFINITY;

/// One lane: its last samples and its columns.
struct Track {
    /// The last samples, oldest first: a window at least, and room to add without moving them often.
    samples: Vec<f32>,
    /// Column-major ring: column `n` is at `n % COLUMNS`.
    levels: Vec<f32>,
}

/// The columns of all lanes, on one clock.
pub(super) struct Analysis {
    analyser: SpectrumColumn,
    tracks: [Track; 4],
    difference: DifferenceLane,
    /// Samples from one column to the next.
    hop: f64,
    /// Samples since the beginning.
    position: u64,
    /// Columns since the beginning.
    written: u64,
}

impl Analysis {
    /// Of samples at `rate` hertz, keeping `seconds`.
    pub fn new(rate: u32, seconds: f64) -> Result<Self, MeasureError> {
        // The nearest power of two, for the transform's sake.
        let octave = (f64::from(rate) * WINDOW).log2().round().clamp(6.0, 16.0);
        let window = 1 << octave as u32;
        let analyser = SpectrumColumn::new(rate, window, ROWS, *RANGE.start(), *RANGE.end())?;
        let hop = (seconds * f64::from(rate) / COLUMNS as f64).max(1.0);
        let track = |_| Track {
            samples: Vec::with_capacity(4 * window),
            levels: vec![MISSING; COLUMNS * ROWS],
        };
        let tracks = Lane::ALL.map(track);
        let difference = DifferenceLane::default();
        Ok(Self { analyser, tracks, difference, hop, position: 0, written: 0 })
    }

    /// Columns since the beginning.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Samples of the transform.
    pub fn window(&self) -> usize {
        self.analyser.window()
    }

    /// Which difference is analysed; another one begins anew.
    pub fn set_difference(&mut self, difference: DifferenceLane) {
        if difference != self.difference {
            self.difference = difference;
            let track = &mut self.tracks[Lane::Difference as usize];
            track.samples.clear();
            track.levels.fill(MISSING);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        for track in &mut self.tracks {
            track.samples.clear();
            track.levels.fill(MISSING);
        }
        (self.position, self.written) = (0, 0);
    }

    /// Takes the next samples of dry, A and B, and makes the columns that they complete: of the lanes
    /// that are `shown` only, but time goes on for all of them. Does not allocate.
    pub fn push(&mut self, samples: &[[f32; 3]], shown: [bool; 4]) {
        let mut rest = samples;
        while !rest.is_empty() {
            let due = ((self.written + 1) as f64 * self.hop).ceil() as u64;
            let count = ((due - self.position) as usize).min(rest.len());
            let (now, later) = rest.split_at(count);
            self.keep(now, shown);
            self.position += count as u64;
            if self.position == due {
                self.column(shown);
            }
            rest = later;
        }
    }

    /// Takes note of so many samples that were lost: columns stay empty.
    pub fn gap(&mut self, samples: u64) {
        if samples == 0 {
            return;
        }
        self.position += samples;
        let due = (self.position as f64 / self.hop) as u64;
        for column in self.written.max(due.saturating_sub(COLUMNS as u64))..due {
            for track in &mut self.tracks {
                levels_mut(&mut track.levels, column).fill(MISSING);
            }
        }
        self.written = self.written.max(due);
        // What was before the gap does not belong into one window with what comes after it.
        self.tracks.iter_mut().for_each(|track| track.samples.clear());
    }

    fn keep(&mut self, samples: &[[f32; 3]], shown: [bool; 4]) {
        let window = self.analyser.window();
        // Of very many samples a column (a long span at a high rate) only the last matter.
        let samples = &samples[samples.len().saturating_sub(window)..];
        for (lane, track) in Lane::ALL.into_iter().zip(&mut self.tracks) {
            if !shown[lane as usize] {
                track.samples.clear();
                continue;
            }
            let kept = &mut track.samples;
            if kept.len() + samples.len() > kept.capacity() {
                kept.drain(..kept.len().saturating_sub(window));
            }
            kept.extend(samples.iter().map(|sample| match lane {
                Lane::Difference => self.difference.of(*sample),
                lane => sample[lane as usize],
            }));
        }
    }

    fn column(&mut self, shown: [bool; 4]) {
        for (track, shown) in self.tracks.iter_mut().zip(shown) {
            let column = levels_mut(&mut track.levels, self.written);
            if shown {
                self.analyser.analyse(&track.samples, column);
            } else {
                column.fill(MISSING);
            }
        }
        self.written += 1;
    }

    /// The level in dBFS of a row of a column of a lane; `None` where nothing was measured.
    pub fn level(&self, lane: Lane, column: u64, row: usize) -> Option<f32> {
        let oldest = self.written.saturating_sub(COLUMNS as u64);
        let inside = (oldest..self.written).contains(&column) && row < ROWS;
        let at = (column % COLUMNS as u64) as usize * ROWS + row;
        let level = if inside { self.tracks[lane as usize].levels[at] } else { MISSING };
        (level >= FLOOR_DBFS as f32).then_some(level)
    }
}

fn levels_mut(levels: &mut [f32], column: u64) -> &mut [f32] {
    let at = (column % COLUMNS as u64) as usize * ROWS;
    &mut levels[at..at + ROWS]
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::super::FrequencyAxis;
    use super::*;

    const RATE: u32 = 48_000;

    /// Sines in dry, A and B.
    fn sines(hertz: [f64; 3], from: usize, count: usize) -> Vec<[f32; 3]> {
        let at = |n: usize| n as f64 / f64::from(RATE);
        (from..from + count).map(|n| hertz.map(|hz| (TAU * hz * at(n)).sin() as f32)).collect()
    }

    fn loudest(analysis: &Analysis, lane: Lane, column: u64) -> (usize, f32) {
        let level = |row| analysis.level(lane, column, row).unwrap();
        let row = (0..ROWS).max_by(|a, b| level(*a).total_cmp(&level(*b))).unwrap();
        (row, level(row))
    }

    fn row_of(hertz: f64) -> usize {
        (FrequencyAxis::Log.position(hertz, &RANGE) * ROWS as f64) as usize
    }

    #[test]
    fn tones_appear_in_their_rows_of_their_lanes() {
        let mut analysis = Analysis::new(RATE, 4.0).unwrap();
        analysis.push(&sines([440.0, 1000.0, 5000.0], 0, 48_000), [true; 4]);
        assert_eq!(analysis.written(), 128);
        let column = 100;
        for (lane, hertz) in [(Lane::Dry, 440.0), (Lane::A, 1000.0), (Lane::B, 5000.0)] {
            let (row, level) = loudest(&analysis, lane, column);
            assert!(row.abs_diff(row_of(hertz)) <= 1, "{lane:?}: row {row}, {}", row_of(hertz));
            assert!((-0.5..0.1).contains(&level), "{lane:?}: {level} dBFS");
        }
        // Dry - A holds both.
        for hertz in [440.0, 1000.0] {
            let level = analysis.level(Lane::Difference, column, row_of(hertz)).unwrap();
            assert!(level > -3.0, "{hertz} Hz: {level} dBFS");
        }
        assert!(analysis.level(Lane::Difference, column, row_of(5000.0)).unwrap() < -60.0);
    }

    #[test]
    fn identical_lanes_leave_no_difference() {
        let mut analysis = Analysis::new(RATE, 4.0).unwrap();
        analysis.push(&sines([440.0, 440.0, 880.0], 0, 48_000), [true; 4]);
        assert_eq!(loudest(&analysis, Lane::Difference, 100).1, FLOOR_DBFS as f32);
        analysis.set_difference(DifferenceLane::DryMinusB);
        assert_eq!(analysis.level(Lane::Difference, 100, 0), None);
        analysis.push(&sines([440.0, 440.0, 880.0], 48_000, 48_000), [true; 4]);
        let level = analysis.level(Lane::Difference, 200, row_of(880.0)).unwrap();
        assert!(level > -3.0, "{level}");
    }

    #[test]
    fn any_division_of_the_samples_gives_the_same_columns() {
        let samples = sines([300.0, 700.0, 9000.0], 0, 60_000);
        let mut whole = Analysis::new(RATE, 2.0).unwrap();
        whole.push(&samples, [true; 4]);
        let mut parts = Analysis::new(RATE, 2.0).unwrap();
        let mut rest = &samples[..];
        for size in [1, 7, 1600, 333, 4096].into_iter().cycle() {
            let (now, later) = rest.split_at(size.min(rest.len()));
            parts.push(now, [true; 4]);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(whole.written(), parts.written());
        for (a, b) in whole.tracks.iter().zip(&parts.tracks) {
            assert_eq!(a.levels, b.levels);
        }
    }

    #[test]
    fn time_goes_on_for_lanes_that_are_not_shown_and_through_gaps() {
        let mut analysis = Analysis::new(RATE, 4.0).unwrap();
        let samples = sines([440.0; 3], 0, 24_000);
        analysis.push(&samples, [true, false, true, true]);
        assert_eq!(analysis.level(Lane::A, 60, 0), None);
        analysis.push(&samples, [true; 4]);
        assert!(analysis.level(Lane::A, 120, 0).is_some());
        assert_eq!(analysis.written(), 128);
        analysis.gap(12_000);
        assert_eq!(analysis.written(), 160);
        for lane in Lane::ALL {
            assert_eq!(analysis.level(lane, 140, 0), None);
        }
        analysis.push(&samples, [true; 4]);
        assert_eq!(analysis.written(), 224);
        assert!(analysis.level(Lane::B, 200, 0).is_some());
        // Longer than everything that is kept, and than can be counted.
        analysis.gap(1 << 40);
        assert_eq!(analysis.level(Lane::Dry, analysis.written() - 1, 0), None);
    }

    #[test]
    fn memory_does_not_grow() {
        let mut analysis = Analysis::new(RATE, 4.0).unwrap();
        let sizes = |analysis: &Analysis| {
            analysis.tracks.each_ref().map(|t| (t.samples.capacity(), t.levels.capacity()))
        };
        let before = sizes(&analysis);
        let samples = sines([440.0; 3], 0, 30_011);
        (0..5).for_each(|_| analysis.push(&samples, [true; 4]));
        assert_eq!(sizes(&analysis), before);
    }

    #[test]
    fn the_window_is_as_long_at_every_rate() {
        for (rate, window) in
            [(8000, 256), (44_100, 2048), (48_000, 2048), (96_000, 4096), (768_000, 32_768)]
        {
            let mut analysis = Analysis::new(rate, 8.0).unwrap();
            assert_eq!(analysis.window(), window, "{rate}");
            analysis.push(&vec![[0.5; 3]; rate as usize], [true; 4]);
            assert_eq!(analysis.written(), 64, "{rate}");
        }
        assert!(Analysis::new(0, 8.0).is_err());
    }
}
