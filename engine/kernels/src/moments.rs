//! Means and squares of parts of rows, for norms.
//!
//! A norm needs two numbers of a whole row, and a row is written by several threads, each its own columns.
//! So whoever writes a panel of 32 columns also notes its mean and its squares around that, while it is
//! near at hand. Putting those together loses nothing to cancellation, as sums of plain squares would: with
//! means m, squares s and counts n, the squares around any centre c are the sum of s + n (m - c)² (Chan,
//! Golub, LeVeque 1979).

use std::ops::Range;

use super::aligned::Aligned;
use super::isa::Isa;
use super::pack::PANEL;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// Of each row and panel of 32 columns the mean, and the sum of squares of what is left without it.
pub struct Moments {
    rows: usize,
    width: usize,
    /// `[panel][mean, squares][row]`, and a vector more, so that rows can be read by whole vectors: what
    /// comes from another thread is little where there are few rows, and whole cache lines where many.
    values: Aligned,
}

impl Moments {
    /// Room for any of these (rows, widths). Allocates.
    pub fn new(sizes: impl Iterator<Item = (usize, usize)>) -> Self {
        let most = sizes.map(|(rows, width)| numbers(rows, width)).max().unwrap_or(0);
        Self { rows: 0, width: 0, values: Aligned::zeros(most) }
    }

    /// Notes those of the rows of `x`, (rows, width) row-major. Allocates and blocks on nothing but the
    /// crew.
    ///
    /// # Panics
    /// If they are not whole, or there is no room for them.
    pub fn note(&mut self, crew: &Crew<'_>, isa: Isa, x: &[f32], width: usize) {
        let rows = x.len() / width;
        assert_eq!(x.len(), rows * width, "whole rows");
        let notes = self.notes(rows, width);
        let panels = width.div_ceil(PANEL);
        crew.sweep(x.len(), panels, |panels| isa.run(Panels { x, notes, panels }));
    }

    /// For rows to come.
    ///
    /// # Panics
    /// If there is no room for them.
    pub(super) fn notes(&mut self, rows: usize, width: usize) -> Notes<'_> {
        (self.rows, self.width) = (rows, width);
        let values = self.values.as_mut_slice();
        assert!(values.len() >= numbers(rows, width), "room for as many rows");
        Notes { rows, width, values: Shared::new(values) }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Of sixteen rows from one on the means and the mean squares around them, or, if not `centred`, means of
    /// 0 and the mean squares around that. Of rows that there are not it is anything.
    ///
    /// # Safety
    /// The instruction set must be there.
    #[inline(always)]
    pub(super) unsafe fn of<S: Simd>(&self, row: usize, centred: bool) -> (S, S) {
        let panels = self.width.div_ceil(PANEL);
        let values = &self.values.as_slice()[..numbers(self.rows, self.width)];
        assert!(row <= self.rows);
        let count = |panel: usize| (self.width - panel * PANEL).min(PANEL) as f32;
        // SAFETY: the instruction set is there by the caller's promise, and so are the vectors by the
        // slice's length.
        unsafe {
            let part = |panel: usize, which: usize| {
                S::load(values.as_ptr().add((2 * panel + which) * self.rows + row))
            };
            let width = S::splat(self.width as f32);
            let mut mean = S::zero();
            if centred {
                for panel in 0..panels {
                    mean = part(panel, 0).fma(S::splat(count(panel)), mean);
                }
                mean = mean.div(width);
            }
            let mut squares = S::zero();
            for panel in 0..panels {
                let d = part(panel, 0).sub(mean);
                squares = squares.add(part(panel, 1));
                squares = d.mul(S::splat(count(panel))).fma(d, squares);
            }
            (mean, squares.div(width))
        }
    }
}

fn numbers(rows: usize, width: usize) -> usize {
    width.div_ceil(PANEL) * 2 * rows + LANES
}

/// Where the threads of a loop note their panels of rows.
#[derive(Clone, Copy)]
pub(super) struct Notes<'a> {
    rows: usize,
    width: usize,
    values: Shared<'a>,
}

impl Notes<'_> {
    /// Notes a panel of all rows of `x`.
    ///
    /// # Safety
    /// The instruction set must be there, `x` hold all rows, and the panel be one of theirs. No other
    /// thread may note it, or write it to `x`, meanwhile.
    #[inline(always)]
    pub unsafe fn panel<S: Simd>(self, panel: usize, x: *const f32) {
        let count = (self.width - panel * PANEL).min(PANEL);
        for row in 0..self.rows {
            // SAFETY: the caller's promise; there is room for two numbers of each row and panel.
            unsafe {
                let x = x.add(row * self.width + panel * PANEL);
                let (mean, squares) = if count == PANEL {
                    let [a, b] = [S::load(x), S::load(x.add(LANES))];
                    let mean = a.add(b).sum() / PANEL as f32;
                    let [a, b] = [a, b].map(|x| x.sub(S::splat(mean)));
                    (mean, a.fma(a, b.mul(b)).sum())
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

/// Some panels of all rows of `x`.
struct Panels<'a> {
    x: &'a [f32],
    notes: Notes<'a>,
    panels: Range<usize>,
}

impl Kernel for Panels<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for panel in self.panels {
            // SAFETY: the instruction set is there, and the panels are those of `x`.
            unsafe { self.notes.panel::<S>(panel, self.x.as_ptr()) };
        }
    }
}
