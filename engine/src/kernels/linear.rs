//! Bias-free linear layers on packed weights.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

use super::aligned::Aligned;
use super::gelu::gelu_vector;
use super::isa::Isa;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// Outputs of one panel.
const PANEL: usize = 64;
/// Most rows of a tile: 6 x 4 accumulators, 4 weights and a broadcast fill the 32 registers of
/// AVX-512.
const ROWS: usize = 6;
/// Multiply-adds below which a layer is not worth sharing between threads.
const SHARED_WORK: usize = 1 << 17;

/// What becomes of a layer's result.
#[derive(Clone, Copy)]
pub enum Epilogue<'a> {
    /// y = result.
    Store,
    /// y = GELU(result), see [`super::gelu()`].
    Gelu,
    /// y += result.
    Add,
    /// y += result * scale, a number an output.
    AddScaled(&'a [f32]),
}

/// y = x Wᵀ. Each output is one chain of fused multiply-adds over ascending inputs, starting at 0,
/// so that it depends neither on the rows beside it nor on threads or instruction set.
pub struct Linear {
    input: usize,
    output: usize,
    /// `[panel][input][64 outputs]`, the last panel filled up with zeros.
    panels: Aligned,
}

impl Linear {
    /// Packs W, stored (output, input) row-major as checkpoints have it. Allocates.
    ///
    /// # Panics
    /// If `weights` is not `output * input` long or either is 0.
    pub fn pack(weights: &[f32], output: usize, input: usize) -> Self {
        assert!(input > 0 && output > 0 && weights.len() == output * input, "W is output x input");
        let mut panels = Aligned::zeros(output.div_ceil(PANEL) * PANEL * input);
        let each = panels.as_mut_slice().chunks_exact_mut(PANEL * input);
        for (panel, rows) in each.zip(weights.chunks(PANEL * input)) {
            for (n, row) in rows.chunks_exact(input).enumerate() {
                for (k, w) in row.iter().enumerate() {
                    panel[k * PANEL + n] = *w;
                }
            }
        }
        Self { input, output, panels }
    }

    /// Numbers a row of x.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Numbers a row of y.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Computes all rows of `x`, (rows, input) row-major, into `y`, (rows, output). Allocates and
    /// blocks on nothing but the crew.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn forward(&self, crew: &Crew, isa: Isa, x: &[f32], y: &mut [f32], epilogue: Epilogue<'_>) {
        let rows = x.len() / self.input;
        assert!(x.len() == rows * self.input && y.len() == rows * self.output, "rows of x and y");
        if let Epilogue::AddScaled(scale) = epilogue {
            assert_eq!(scale.len(), self.output, "a scale an output");
        }
        let y = Shared::new(y);
        let panels = self.output.div_ceil(PANEL);
        let run = |from, to| isa.run(Panels { linear: self, x, rows, y, epilogue, from, to });
        if crew.threads() == 1 || rows * self.input * self.output < SHARED_WORK {
            run(0, panels);
        } else {
            crew.each(panels, |panel, _| run(panel, panel + 1));
        }
    }
}

/// All rows of the panels `from..to`.
struct Panels<'a> {
    linear: &'a Linear,
    x: &'a [f32],
    rows: usize,
    y: Shared<'a>,
    epilogue: Epilogue<'a>,
    from: usize,
    to: usize,
}

impl Kernel for Panels<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for panel in self.from..self.to {
            let mut row = 0;
            while row < self.rows {
                // SAFETY: the instruction set is there by the caller's promise, and `row + R` does
                // not exceed `rows`.
                unsafe {
                    row += match self.rows - row {
                        ROWS.. => self.tile::<S, 6>(panel, row),
                        4..ROWS => self.tile::<S, 4>(panel, row),
                        2..4 => self.tile::<S, 2>(panel, row),
                        _ => self.tile::<S, 1>(panel, row),
                    };
                }
            }
        }
    }
}

impl Panels<'_> {
    /// `R` rows of one panel; returns R.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize>(&self, panel: usize, row: usize) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            if S::WIDE {
                self.columns::<S, R, 4>(panel, row, 0);
            } else {
                for column in 0..PANEL / LANES {
                    self.columns::<S, R, 1>(panel, row, column * LANES);
                }
            }
        }
        R
    }

    /// `R` rows of `C` vectors of one panel's outputs.
    #[inline(always)]
    unsafe fn columns<S: Simd, const R: usize, const C: usize>(
        &self,
        panel: usize,
        row: usize,
        column: usize,
    ) {
        let (input, output) = (self.linear.input, self.linear.output);
        let first = panel * PANEL + column;
        // SAFETY: rows row..row + R exist, so x is read inside the slice; a panel has `input` rows
        // of 64 weights, of which 16 C from `column` are inside; y is written at `present` numbers
        // inside a row, by this task alone since panels are disjoint.
        unsafe {
            let x = self.x.as_ptr().add(row * input);
            let mut weights = self.linear.panels.as_slice().as_ptr();
            weights = weights.add(panel * PANEL * input + column);
            let mut sums = [[S::zero(); C]; R];
            for k in 0..input {
                let mut w = [S::zero(); C];
                for c in 0..C {
                    w[c] = S::load(weights.add(k * PANEL + c * LANES));
                }
                for r in 0..R {
                    let x = S::splat(*x.add(r * input + k));
                    for c in 0..C {
                        sums[r][c] = x.fma(w[c], sums[r][c]);
                    }
                }
            }
            for c in 0..C {
                let n = first + c * LANES;
                if n >= output {
                    break;
                }
                for r in 0..R {
                    let y = self.y.at((row + r) * output + n);
                    self.finish(sums[r][c], y, n);
                }
            }
        }
    }

    /// Stores outputs n.. of a row, as many as there are.
    #[inline(always)]
    unsafe fn finish<S: Simd>(&self, sum: S, y: *mut f32, n: usize) {
        let present = self.linear.output - n;
        // SAFETY: the caller's promise: `present` numbers, or sixteen, at y and at scale[n..].
        unsafe {
            let result = match self.epilogue {
                Epilogue::Store => sum,
                Epilogue::Gelu => gelu_vector(sum),
                Epilogue::Add => S::load_present(y, present).add(sum),
                Epilogue::AddScaled(scale) => {
                    let scale = S::load_present(scale.as_ptr().add(n), present);
                    sum.fma(scale, S::load_present(y, present))
                }
            };
            result.store_present(y, present);
        }
    }
}
