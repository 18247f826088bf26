//! GEMM with f32 activations on f32 or bfloat16 weights.

use super::GemmPanels;
use crate::pack::{PANEL, panel_bytes};
use crate::precision::Precision;
use crate::prefetch::{CACHE_LINE, Prefetch};
use crate::simd::{LANES, Simd};

/// Prefetch distance in bytes where few rows make memory the limit: measured.
const PREFETCH_DISTANCE: usize = 4096;

impl GemmPanels<'_> {
    /// Computes all panels in tiles of rows that the registers hold together with weights and an activation.
    ///
    /// # Safety
    /// As [`Kernel::run`](crate::simd::Kernel::run); `x` must be the kernel's.
    #[inline(always)]
    pub(super) unsafe fn float_gemm<S: Simd, F: PanelFormat>(&self, x: &[f32]) {
        let bytes = panel_bytes(self.linear.precision(), self.linear.input());
        let iterations = self.linear.input();
        let stride = bytes / iterations;
        // With few rows memory is the limit, and the next few lines are best prefetched first; with more,
        // the next panel. Where "few" ends is measured too.
        let few = if self.linear.precision() == Precision::Bf16 { 2 } else { 4 };
        let distance = if self.rows <= few { PREFETCH_DISTANCE } else { bytes };
        for panel in self.panels.clone() {
            let mut row = 0;
            // Each tile of a panel prefetches its share of what follows. After the last panel that is the
            // first one of the next layer: weights are allocated in the order of their use.
            let from = self.panel(panel).as_ptr().wrapping_add(distance);
            let next = Prefetch { from, stride };
            while row < self.rows {
                let size = tile_rows::<S, F>(self.rows - row);
                let share = next.share(row..row + size, self.rows, iterations);
                // SAFETY: by the contract; `row + size` does not exceed `rows`.
                unsafe {
                    match size {
                        12 if S::WIDE => self.row_tile::<S, F, 12, 2>(x, panel, row, share),
                        8 if S::WIDE => self.row_tile::<S, F, 8, 2>(x, panel, row, share),
                        4 if S::WIDE => self.row_tile::<S, F, 4, 2>(x, panel, row, share),
                        6 => self.row_tile::<S, F, 6, 1>(x, panel, row, share),
                        4 => self.row_tile::<S, F, 4, 1>(x, panel, row, share),
                        2 => self.row_tile::<S, F, 2, 2>(x, panel, row, share),
                        _ => self.row_tile::<S, F, 1, 2>(x, panel, row, share),
                    }
                }
                row += size;
            }
            // SAFETY: by the contract.
            unsafe { self.apply_post_op::<S>(panel) };
        }
    }

    /// Computes `R` rows of one panel, in columns of `C` vectors.
    ///
    /// # Safety
    /// As [`GemmPanels::float_gemm`]; the rows must exist.
    #[inline(always)]
    unsafe fn row_tile<S: Simd, F: PanelFormat, const R: usize, const C: usize>(
        &self,
        x: &[f32],
        panel: usize,
        row: usize,
        prefetch: Prefetch,
    ) {
        let (columns, iterations) = (PANEL / (C * LANES), self.linear.input());
        for column in 0..columns {
            let share = prefetch.share(column..column + 1, columns, iterations);
            // SAFETY: by the contract; the columns are the panel's.
            unsafe { self.float_tile::<S, F, R, C>(x, panel, row, column * C * LANES, share) }
        }
    }

    /// Computes `R` rows by `C` vectors of one panel's outputs as chains of fused multiply-adds.
    ///
    /// # Safety
    /// As [`GemmPanels::row_tile`]; the columns must be a panel's.
    #[inline(always)]
    unsafe fn float_tile<S: Simd, F: PanelFormat, const R: usize, const C: usize>(
        &self,
        x: &[f32],
        panel: usize,
        row: usize,
        column: usize,
        prefetch: Prefetch,
    ) {
        let input = self.linear.input();
        let x = &x[row * input..][..R * input];
        let weights = self.panel(panel);
        // SAFETY: x holds R rows, and a panel `input` rows of 32 weights, of which 16 C from `column` on
        // are inside.
        unsafe {
            let x = x.as_ptr();
            let mut sums = [[S::zero(); C]; R];
            for k in 0..input {
                prefetch.issue_lines::<S>(k, C * LANES * F::BYTES / CACHE_LINE);
                let w = F::load::<S, C>(weights.as_ptr(), k, column);
                for r in 0..R {
                    let x = S::splat(*x.add(r * input + k));
                    for c in 0..C {
                        sums[r][c] = x.fma(w[c], sums[r][c]);
                    }
                }
            }
            self.store_tile(sums, panel * PANEL + column, row);
        }
    }
}

/// Returns the rows of the next tile of `rows` that are left: of more rows a weight serves more, and of fewer than two
/// rows by two vectors the multiply-adds would wait for each other.
#[inline(always)]
fn tile_rows<S: Simd, F: PanelFormat>(rows: usize) -> usize {
    match rows {
        // 12 x 2 vectors with weights and an activation need 27 of 32 registers.
        12.. if S::WIDE => 12,
        8.. if S::WIDE => 8,
        4.. if S::WIDE => 4,
        // 6 x 1 vectors, which are two registers each, 15 of 16.
        6 | 10.. if F::SINGLE_COLUMNS => 6,
        4.. if F::SINGLE_COLUMNS => 4,
        2.. => 2,
        _ => 1,
    }
}

/// Number format of a panel of floats.
pub(super) trait PanelFormat {
    /// Bytes of a weight.
    const BYTES: usize;
    /// Whether one of the two vectors of an input can be loaded alone.
    const SINGLE_COLUMNS: bool;

    /// Loads `C` vectors of weights of input `k`, from `column` on.
    ///
    /// # Safety
    /// The processor must have the instruction set, and the weights be inside the panel.
    unsafe fn load<S: Simd, const C: usize>(panel: *const u8, k: usize, column: usize) -> [S; C];
}

pub(super) struct F32Panel;

impl PanelFormat for F32Panel {
    const BYTES: usize = 4;
    const SINGLE_COLUMNS: bool = true;

    #[inline(always)]
    unsafe fn load<S: Simd, const C: usize>(panel: *const u8, k: usize, column: usize) -> [S; C] {
        // SAFETY: by the contract.
        unsafe {
            let from = panel.cast::<f32>().add(k * PANEL + column);
            let mut weights = [S::load(from); C];
            for c in 1..C {
                weights[c] = S::load(from.add(c * LANES));
            }
            weights
        }
    }
}

pub(super) struct Bf16Panel;

impl PanelFormat for Bf16Panel {
    const BYTES: usize = 2;
    /// Each word holds an output of both vectors.
    const SINGLE_COLUMNS: bool = false;

    #[inline(always)]
    unsafe fn load<S: Simd, const C: usize>(panel: *const u8, k: usize, column: usize) -> [S; C] {
        // SAFETY: by the contract.
        unsafe {
            let (first, second) = S::load_bf16(panel.cast::<u16>().add(k * PANEL));
            std::array::from_fn(|c| if column / LANES + c == 0 { first } else { second })
        }
    }
}
