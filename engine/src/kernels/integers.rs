//! Linear layers as products of integers.
//!
//! Blocks of 128 inputs are the outer loop: a block of weights comes from memory once, stays in the
//! first-level cache while all rows of a group meet it, and the ones after it are on their way
//! meanwhile. So reading hides behind computing and the other way round, whatever the number of rows.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

use super::activations::{BLOCK, Quantized, blocks};
use super::linear::Panels;
use super::pack::{PANEL, PANEL_BLOCK};
use super::simd::{LANES, Simd};

/// Rows whose sums wait while the blocks of a panel go by.
const GROUP: usize = 32;
/// How far ahead of the block at work weights are brought near where few rows, and where many share a
/// block: measured, and the nearest of all is best where memory is the limit.
const NEAR: usize = PANEL_BLOCK;
const FAR: usize = 2 * PANEL_BLOCK;

/// Groups of four inputs in a block.
const FOURS: usize = BLOCK / 4;

/// Sums of a panel's outputs for each row of a group.
type Sums = [[f32; PANEL]; GROUP];

impl Panels<'_> {
    /// All of them with 8-bit weights.
    ///
    /// # Safety
    /// The instruction set of `S` must be there.
    #[inline(always)]
    pub(super) unsafe fn integers<S: Simd>(&self, x: &Quantized) {
        let mut sums: Sums = [[0.0; PANEL]; GROUP];
        for panel in self.from..self.to {
            for row in (0..self.rows).step_by(GROUP) {
                let rows = GROUP.min(self.rows - row);
                sums[..rows].fill([0.0; PANEL]);
                // SAFETY: the caller's promise; the rows are there.
                unsafe {
                    self.blocks::<S>(x, panel, row, rows, &mut sums);
                    for r in 0..rows {
                        let sum = [S::load(sums[r].as_ptr()), S::load(sums[r][LANES..].as_ptr())];
                        self.finish([sum], panel * PANEL, row + r);
                    }
                }
            }
        }
    }

    /// Adds all blocks of a panel to the sums of the rows from `row`.
    #[inline(always)]
    unsafe fn blocks<S: Simd>(
        &self,
        x: &Quantized,
        panel: usize,
        row: usize,
        rows: usize,
        sums: &mut Sums,
    ) {
        let input = self.linear.input();
        let weights = self.panel(panel).as_ptr();
        for block in 0..blocks(input) {
            let fours = (input - block * BLOCK).min(BLOCK).div_ceil(4);
            let weights = weights.wrapping_add(block * PANEL_BLOCK);
            // What follows a panel is the next one, and what follows the last the layer after:
            // weights lie in the order of their use.
            let ahead = weights.wrapping_add(if rows <= 4 { NEAR } else { FAR });
            let mut r = 0;
            while r < rows {
                // One tile brings a whole block near, of more the first two half a block each.
                let (ahead, lines) = match r {
                    0 if rows <= 4 => (ahead, 2),
                    0 => (ahead, 1),
                    4 => (ahead.wrapping_add(PANEL_BLOCK / 2), 1),
                    _ => (ahead, 0),
                };
                let at = block * self.rows + row + r;
                let tile = Tile { x, at, fours, weights, ahead, lines };
                let sums = &mut sums[r..];
                // SAFETY: the instruction set is there by the caller's promise, and `r + R` does not
                // exceed `rows`.
                unsafe {
                    r += match rows - r {
                        4.. if S::WIDE => tile.run::<S, 4, 2>(0, sums),
                        2.. if S::WIDE => tile.run::<S, 2, 2>(0, sums),
                        _ if S::WIDE => tile.run::<S, 1, 2>(0, sums),
                        2.. => {
                            tile.run::<S, 2, 1>(0, sums);
                            tile.run::<S, 2, 1>(LANES, sums)
                        }
                        _ => {
                            tile.run::<S, 1, 1>(0, sums);
                            tile.run::<S, 1, 1>(LANES, sums)
                        }
                    };
                }
            }
        }
    }
}

/// Some rows of one block.
#[derive(Clone, Copy)]
struct Tile<'a> {
    x: &'a Quantized,
    /// The block of the first row.
    at: usize,
    /// Groups of four inputs in the block.
    fours: usize,
    weights: *const u8,
    /// What to bring near, and how many cache lines of it with each group.
    ahead: *const u8,
    lines: usize,
}

/// Sums of coarse and fine products.
type Integers<S, const R: usize, const C: usize> = [[[<S as Simd>::Int; C]; R]; 2];

impl Tile<'_> {
    /// `R` rows of `C` vectors of outputs from `column` on; returns R.
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize, const C: usize>(
        self,
        column: usize,
        sums: &mut [[f32; PANEL]],
    ) -> usize {
        let Self { x, at, fours, weights, lines, .. } = self;
        // SAFETY: the instruction set and the rows are there by the caller's promise; a block of a
        // panel holds for each four inputs 4 * 32 weights, and then 32 scales, of which 16 C from
        // `column` on are inside.
        unsafe {
            let [coarse, fine] = match (fours, lines) {
                (FOURS, 2) => self.products::<S, R, C, 2>(FOURS, column),
                (FOURS, 1) => self.products::<S, R, C, 1>(FOURS, column),
                (FOURS, _) => self.products::<S, R, C, 0>(FOURS, column),
                _ => self.products::<S, R, C, 0>(fours, column),
            };
            let (low, high) = S::load_bf16(weights.add(PANEL * BLOCK).cast());
            let scales = [low, high];
            for (r, sums) in sums[..R].iter_mut().enumerate() {
                let scale = S::splat(x.scale(at + r));
                for c in 0..C {
                    let to = sums[column + c * LANES..].as_mut_ptr();
                    let sum = S::from_int(S::combine(coarse[r][c], fine[r][c]));
                    let sum = sum.mul(scales[column / LANES + c]);
                    sum.fma(scale, S::load(to)).store(to);
                }
            }
        }
        R
    }

    /// The products of the block.
    #[inline(always)]
    unsafe fn products<S: Simd, const R: usize, const C: usize, const LINES: usize>(
        &self,
        fours: usize,
        column: usize,
    ) -> Integers<S, R, C> {
        let Self { x, at, .. } = *self;
        // SAFETY: as in `run`.
        unsafe {
            let numbers: [*const i8; R] = std::array::from_fn(|r| x.numbers(at + r));
            let weights = self.weights.add(4 * column);
            let mut coarse = [[S::none(); C]; R];
            let mut fine: [[S::Int; C]; R] =
                std::array::from_fn(|r| [S::start(x.total(at + r)); C]);
            for k in 0..fours {
                for line in 0..LINES {
                    S::prefetch(self.ahead.wrapping_add((k * LINES + line) * 64));
                }
                let mut w = [S::load_bytes(weights.add(4 * PANEL * k)); C];
                for c in 1..C {
                    w[c] = S::load_bytes(weights.add(4 * (PANEL * k + LANES * c)));
                }
                for r in 0..R {
                    for c in 0..C {
                        coarse[r][c] = S::dot4(coarse[r][c], w[c], numbers[r].add(4 * k));
                        fine[r][c] = S::dot4(fine[r][c], w[c], numbers[r].add(4 * k + BLOCK));
                    }
                }
            }
            [coarse, fine]
        }
    }
}
