//! The low-pass filter of the rate converter, as a table of its values.
//!
//! A sinc under a Kaiser window (J. F. Kaiser, "Nonrecursive digital filter design using the
//! I0-sinh window function", 1974), 48 samples of the lower rate to either side. Kaiser's formula
//! gives 100 dB of attenuation over a transition band of 0.134 of the lower Nyquist frequency at
//! this length; it is laid from 0.90 to 1.034 of it. A longer filter would be sharper and cost
//! the live path as much more delay.

use std::f64::consts::PI;

use super::rate_ratio::RateRatio;

/// Samples of the lower rate that the filter reaches to either side.
const HALF_WIDTH: u64 = 48;
/// Where the filter is 6 dB down, as a part of the lower Nyquist frequency.
const CUTOFF: f64 = 0.967;
/// Of Kaiser's window: `0.1102 (A - 8.7)` for A = 100 dB.
const BETA: f64 = 10.06;

/// Numbers that are summed side by side; rows are a multiple of it long.
const LANES: usize = 16;
/// Largest table with a row for every phase: 4 MiB.
const MAX_EXACT: u64 = 1 << 20;
/// Rows per sample of the lower rate where rows are interpolated. Between two of them a straight
/// line is off by at most `(pi / 4096)^2 / 8` of a sine at the Nyquist frequency: -142 dB.
const INTERPOLATED_ROWS: u64 = 4096;

/// The values of the filter for the phases of one ratio.
pub(super) struct PolyphaseFilter {
    half_width: usize,
    /// Numbers in a row: one an input sample, oldest first. The first are zero, so many that the
    /// length is a multiple of [`LANES`].
    taps: usize,
    /// `phases + 1` rows; row `p` is for an output sample `p / phases` after an input sample.
    rows: Vec<f32>,
    phases: u64,
    denominator: u64,
}

impl PolyphaseFilter {
    /// The table for converting by `ratio`. Allocates.
    pub(super) fn new(ratio: RateRatio) -> Self {
        let RateRatio { inputs, outputs } = ratio;
        // Input samples per sample of the lower rate: the filter is as much wider.
        let (stretch, per) = (inputs.max(outputs), outputs);
        let half_width = (HALF_WIDTH * stretch).div_ceil(per) as usize;
        let taps = (2 * half_width).next_multiple_of(LANES);
        let phases = if outputs * taps as u64 <= MAX_EXACT {
            outputs
        } else {
            (INTERPOLATED_ROWS * per).div_ceil(stretch)
        };

        let lower_per_input = per as f64 / stretch as f64;
        let window_top = bessel_i0(BETA);
        let value = |distance: f64| {
            let reach = distance / HALF_WIDTH as f64;
            if reach.abs() >= 1.0 {
                return 0.0;
            }
            let angle = PI * CUTOFF * distance;
            let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
            sinc * bessel_i0(BETA * (1.0 - reach * reach).sqrt()) / window_top
        };

        let mut rows = Vec::with_capacity((phases as usize + 1) * taps);
        let mut row = vec![0.0f64; taps];
        let first = half_width as i64 - taps as i64 + 1;
        for phase in 0..=phases {
            // Whole numbers up to here: mirrored phases get mirrored values.
            let steps = |offset: i64| (offset * phases as i64 - phase as i64) as f64;
            for (number, offset) in row.iter_mut().zip(first..) {
                *number = value(steps(offset) / phases as f64 * lower_per_input);
            }
            // A constant comes out as the same constant at every phase.
            let sum: f64 = row.iter().sum();
            rows.extend(row.iter().map(|number| (number / sum) as f32));
        }
        Self { half_width, taps, rows, phases, denominator: outputs }
    }

    /// Input samples to either side that an output sample depends on.
    pub(super) fn half_width(&self) -> usize {
        self.half_width
    }

    /// Input samples that [`apply`](Self::apply) takes: the newest is `half_width` after the one at
    /// or before the output sample.
    pub(super) fn taps(&self) -> usize {
        self.taps
    }

    /// The output sample `phase / outputs` of a sample after the middle of `window`, which holds
    /// `taps` samples. Realtime-safe.
    #[inline]
    pub(super) fn apply(&self, window: &[f32], phase: u64) -> f32 {
        let scaled = phase * self.phases;
        let (number, rest) = (scaled / self.denominator, scaled % self.denominator);
        let row = |number: u64| &self.rows[number as usize * self.taps..][..self.taps];
        let low = dot(row(number), window);
        if rest == 0 {
            return low;
        }
        let high = dot(row(number + 1), window);
        low + (high - low) * (rest as f32 / self.denominator as f32)
    }
}

/// The sum of products, always in the same order.
#[inline]
fn dot(row: &[f32], window: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    let (row, _) = row.as_chunks::<LANES>();
    let (window, _) = window.as_chunks::<LANES>();
    for (row, window) in row.iter().zip(window) {
        for lane in 0..LANES {
            sums[lane] += row[lane] * window[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}
