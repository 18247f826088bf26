//! Mean and squared deviations of rows, computed panel by panel for norms.
//!
//! A norm needs two numbers of a whole row, but a row is written by several threads, each its own columns.
//! The layer that writes a panel of 32 columns therefore also computes the panel's mean and sum of squared
//! deviations while it is in the cache. Combining those is free of the cancellation that sums of plain
//! squares suffer: with means m, squared deviations s and counts n of the panels, the squared deviations
//! around any center c are the sum of s + n (m - c)² (Chan, Golub, LeVeque 1979).

use std::ops::Range;

use super::aligned_buffer::AlignedBuffer;
use super::disjoint_mut::DisjointMut;
use super::isa::Isa;
use super::pack::PANEL;
use super::simd::{Kernel, LANES, Simd};
use super::thread_pool::Workers;

/// Mean, and sum of squared deviations from it, of each row and panel of 32 columns.
pub struct Moments {
    rows: usize,
    width: usize,
    /// `[panel][mean, squares][row]`, and one vector more, so that rows can be read by whole vectors. With
    /// few rows little is exchanged between threads, and with many whole cache lines.
    values: AlignedBuffer,
}

impl Moments {
    /// Allocates room for any of these (rows, width).
    pub fn new(shapes: impl Iterator<Item = (usize, usize)>) -> Self {
        let length = shapes.map(|(rows, width)| buffer_length(rows, width)).max().unwrap_or(0);
        Self { rows: 0, width: 0, values: AlignedBuffer::zeros(length) }
    }

    /// Computes the moments of the rows of `x`, (rows, width) row-major. Does not allocate; blocks on
    /// nothing but the workers.
    ///
    /// # Panics
    /// If the last row is incomplete, or there is no room for the rows.
    pub fn compute(&mut self, workers: &Workers<'_>, isa: Isa, x: &[f32], width: usize) {
        let rows = x.len() / width;
        assert_eq!(x.len(), rows * width, "complete rows");
        let writer = self.begin(rows, width);
        workers.parallel_elementwise(x.len(), width.div_ceil(PANEL), |panels| {
            // SAFETY: `x` has the writer's shape, and the panels are of this part alone.
            unsafe { isa.run(ComputeMoments { x, writer, panels }) };
        });
    }

    /// Starts overwriting with the moments of `rows` rows, which the result writes panel by panel.
    ///
    /// # Panics
    /// If there is no room for them.
    pub(super) fn begin(&mut self, rows: usize, width: usize) -> MomentsWriter<'_> {
        (self.rows, self.width) = (rows, width);
        let values = self.values.as_mut_slice();
        assert!(values.len() >= buffer_length(rows, width), "room for the rows");
        MomentsWriter { rows, width, values: DisjointMut::new(values) }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Returns means and variances of sixteen rows from `row` on, or, if not `centered`, zeros and mean
    /// squares. Lanes past the last row are unspecified.
    ///
    /// # Safety
    /// The processor must have the instruction set.
    #[inline(always)]
    pub(super) unsafe fn mean_and_variance<S: Simd>(&self, row: usize, centered: bool) -> (S, S) {
        let panels = self.width.div_ceil(PANEL);
        let values = &self.values.as_slice()[..buffer_length(self.rows, self.width)];
        assert!(row <= self.rows);
        let count = |panel: usize| (self.width - panel * PANEL).min(PANEL) as f32;
        // SAFETY: the instruction set is there by the contract, and the vectors lie inside the buffer by
        // its length.
        unsafe {
            let load = |panel: usize, which: usize| {
                S::load(values.as_ptr().add((2 * panel + which) * self.rows + row))
            };
            let width = S::splat(self.width as f32);
            let mut mean = S::zero();
            if centered {
                for panel in 0..panels {
                    mean = load(panel, 0).fma(S::splat(count(panel)), mean);
                }
                mean = mean.div(width);
            }
            let mut squares = S::zero();
            for panel in 0..panels {
                let d = load(panel, 0).sub(mean);
                squares = squares.add(load(panel, 1));
                squares = d.mul(S::splat(count(panel))).fma(d, squares);
            }
            (mean, squares.div(width))
        }
    }
}

/// Length in f32 of the buffer for these rows.
fn buffer_length(rows: usize, width: usize) -> usize {
    width.div_ceil(PANEL) * 2 * rows + LANES
}

/// Writer of [`Moments`] for the threads of one loop, each its own panels.
#[derive(Clone, Copy)]
pub(super) struct MomentsWriter<'a> {
    rows: usize,
    width: usize,
    values: DisjointMut<'a>,
}

impl MomentsWriter<'_> {
    /// Computes the moments of a panel of all rows of `x`.
    ///
    /// # Safety
    /// The processor must have the instruction set. `x` must be valid for reads of all rows, and the panel
    /// be one of theirs. No other thread may write the panel, here or in `x`, meanwhile.
    #[inline(always)]
    pub unsafe fn write<S: Simd>(self, panel: usize, x: *const f32) {
        let count = (self.width - panel * PANEL).min(PANEL);
        for row in 0..self.rows {
            // SAFETY: by the contract; there is room for two numbers of each row and panel.
            unsafe {
                let x = x.add(row * self.width + panel * PANEL);
                let (mean, squares) = if count == PANEL {
                    let [a, b] = [S::load(x), S::load(x.add(LANES))];
                    let mean = a.add(b).horizontal_sum() / PANEL as f32;
                    let [a, b] = [a, b].map(|x| x.sub(S::splat(mean)));
                    (mean, a.fma(a, b.mul(b)).horizontal_sum())
                } else {
                    let x = std::slice::from_raw_parts(x, count);
                    let mean = x.iter().sum::<f32>() / count as f32;
                    (mean, x.iter().map(|x| (x - mean) * (x - mean)).sum())
                };
                *self.values.at(2 * panel * self.rows + row) = mean;
                *self.values.at((2 * panel + 1) * self.rows + row) = squares;
            }
        }
    }
}

/// Kernel that computes the moments of some panels of all rows of `x`.
///
/// # Safety
/// `x` must have the writer's shape, and the panels be its and no other thread's.
struct ComputeMoments<'a> {
    x: &'a [f32],
    writer: MomentsWriter<'a>,
    panels: Range<usize>,
}

impl Kernel for ComputeMoments<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for panel in self.panels {
            // SAFETY: by the contracts of `Kernel` and of the type.
            unsafe { self.writer.write::<S>(panel, self.x.as_ptr()) };
        }
    }
}
