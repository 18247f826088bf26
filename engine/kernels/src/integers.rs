//! Linear layers as products of integers.
//!
//! Blocks of 128 inputs are the outer loop: a block of weights comes from memory once, stays in the
//! first-level cache while all rows of a group meet it, and the ones after it are on their way
//! meanwhile. So reading hides behind computing and the other way round, whatever the number of rows.
//! A block of 4-bit weights is unfolded first into one of 8 bits, which never leaves that cache.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

use std::mem::MaybeUninit;

use super::activations::{BLOCK, Block, GROUP, Rounded, blocks};
use super::linear::Panels;
use super::pack::{PANEL, PANEL_BLOCK, PANEL_BLOCK4, SQUARE4, WEIGHTS4};
use super::precision::Precision;
use super::rounding::SIXTEEN;
use super::simd::{Ahead, LANES, Simd};

/// How far ahead of the block at work weights are brought near where few rows, and where many share a
/// block: measured in 8 bits, and the nearest of all is best where memory is the limit. In 4 bits the
/// same bytes ahead already reach what the memory gives.
const NEAR: usize = PANEL_BLOCK;
const FAR: usize = 2 * PANEL_BLOCK;

/// Groups of four inputs in a block.
const FOURS: usize = BLOCK / 4;

/// Sums of a panel's outputs for each row of a group.
type Sums = [[f32; PANEL]; GROUP];

/// A block of a panel in 8 bits, once it is filled: weights that are not folded need none.
#[repr(align(64))]
struct Unfolded(MaybeUninit<[u8; PANEL_BLOCK]>);

impl Panels<'_> {
    /// All of them with integers for weights.
    ///
    /// # Safety
    /// The instruction set of `S` must be there.
    #[inline(always)]
    pub(super) unsafe fn integers<S: Simd>(&self, x: &Rounded) {
        let mut sums: Sums = [[0.0; PANEL]; GROUP];
        let mut unfolded = Unfolded(MaybeUninit::uninit());
        for panel in self.from..self.to {
            for row in (0..self.rows).step_by(GROUP) {
                let rows = GROUP.min(self.rows - row);
                sums[..rows].fill([0.0; PANEL]);
                // SAFETY: the caller's promise; the rows are there.
                unsafe {
                    self.blocks::<S>(x, panel, row, rows, &mut unfolded, &mut sums);
                    for r in 0..rows {
                        let sum = [S::load(sums[r].as_ptr()), S::load(sums[r][LANES..].as_ptr())];
                        self.finish([sum], panel * PANEL, row + r);
                    }
                }
            }
            // SAFETY: the caller's promise.
            unsafe { self.follow::<S>(panel) };
        }
    }

    /// Adds all blocks of a panel to the sums of the rows from `row`.
    #[inline(always)]
    unsafe fn blocks<S: Simd>(
        &self,
        x: &Rounded,
        panel: usize,
        row: usize,
        rows: usize,
        unfolded: &mut Unfolded,
        sums: &mut Sums,
    ) {
        let input = self.linear.input();
        let folded = self.linear.precision() == Precision::Int4;
        let bytes = if folded { PANEL_BLOCK4 } else { PANEL_BLOCK };
        let weights = self.panel(panel).as_ptr();
        for block in 0..blocks(input) {
            let fours = (input - block * BLOCK).min(BLOCK).div_ceil(4);
            let mut weights = weights.wrapping_add(block * bytes);
            if panel == self.from && block + 1 < blocks(input) {
                // What another thread has rounded comes from its core, of which nothing else knows ahead.
                x.bring_near::<S>(block + 1, row, rows);
            }
            // What follows a panel is the next one, and what follows the last the layer after:
            // weights lie in the order of their use.
            let ahead = weights.wrapping_add(if rows <= 4 { NEAR } else { FAR });
            if folded {
                // SAFETY: the instruction set is there by the caller's promise, and so is the block.
                weights = unsafe { unfolded.fill::<S>(weights, ahead) };
            }
            let mut r = 0;
            while r < rows {
                let size = match rows - r {
                    12 | 20.. if S::WIDE => 12,
                    8.. if S::WIDE => 8,
                    4.. => 4,
                    2.. => 2,
                    _ => 1,
                };
                // One tile brings a whole block near, of many the first two half a block each.
                let (ahead, lines) = match r {
                    _ if folded => (ahead, 0),
                    0 if rows <= 12 => (ahead, 2),
                    0 => (ahead, 1),
                    8 | 12 => (ahead.wrapping_add(PANEL_BLOCK / 2), 1),
                    _ => (ahead, 0),
                };
                let tile = Tile { fours, weights, ahead, lines };
                let sums = sums[r..].as_flattened_mut().as_mut_ptr();
                // SAFETY: the instruction set is there by the caller's promise, and so are the rows.
                unsafe {
                    match size {
                        12 => tile.run::<S, 12>(Coarse { blocks: x.coarse(block, row + r), sums }),
                        8 => tile.run::<S, 8>(Coarse { blocks: x.coarse(block, row + r), sums }),
                        4 => tile.run::<S, 4>(Coarse { blocks: x.coarse(block, row + r), sums }),
                        2 => tile.run::<S, 2>(Coarse { blocks: x.coarse(block, row + r), sums }),
                        _ => tile.run::<S, 1>(Coarse { blocks: x.coarse(block, row + r), sums }),
                    }
                }
                r += size;
            }
            let tile = Tile { fours, weights, ahead, lines: 0 };
            let mut uneven = x.uneven(block, row);
            let mut left = uneven.count_ones();
            let mut next = || {
                let r = uneven.trailing_zeros() as usize;
                uneven &= uneven - 1;
                r
            };
            while left > 0 {
                // SAFETY: as above.
                unsafe {
                    if left >= 4 {
                        let four = std::array::from_fn(|_| next());
                        tile.run::<S, 4>(Fine::of(x, block, row, four, sums));
                        left -= 4;
                    } else {
                        tile.run::<S, 1>(Fine::of(x, block, row, [next()], sums));
                        left -= 1;
                    }
                }
            }
        }
    }
}

impl Unfolded {
    /// Becomes a block of 4-bit weights, whole, and returns where it is; brings as much near from
    /// `ahead` on.
    ///
    /// # Safety
    /// The instruction set must be there, and a whole block at `folded`.
    #[inline(always)]
    unsafe fn fill<S: Simd>(&mut self, folded: *const u8, ahead: *const u8) -> *const u8 {
        const SQUARES: usize = 2 * BLOCK / SIXTEEN;
        let ahead = Ahead { from: ahead, stride: PANEL_BLOCK4 / SQUARES };
        let to: *mut u8 = self.0.as_mut_ptr().cast();
        // SAFETY: the instruction set is there; all squares, factors and scales of a block are read,
        // and each square becomes four vectors of the sixteen outputs it is for.
        unsafe {
            let factors = folded.add(WEIGHTS4);
            for square in 0..SQUARES {
                ahead.fetch::<S>(square);
                let (sixteen, half) = (square / 2, square % 2 * LANES);
                let factors = factors.add(sixteen / 2 * PANEL + half);
                let to = to.add((sixteen * SIXTEEN * PANEL) + 4 * half);
                S::unfold(folded.add(square * SQUARE4), factors, sixteen % 2 == 1, to, 4 * PANEL);
            }
            let scales = folded.add(PANEL_BLOCK4 - 2 * PANEL);
            scales.copy_to_nonoverlapping(to.add(PANEL * BLOCK), 2 * PANEL);
        }
        to
    }
}

/// One block of a panel.
#[derive(Clone, Copy)]
struct Tile {
    /// Groups of four inputs in the block.
    fours: usize,
    weights: *const u8,
    /// What to bring near, and how many cache lines of it with each group.
    ahead: *const u8,
    lines: usize,
}

/// Blocks of rows of integers, and where the sums of a panel's outputs are; a trait, so that each is told in
/// the way that costs least.
trait Integers<const R: usize>: Copy {
    fn block(&self, r: usize) -> &Block;
    fn sums(self, r: usize) -> *mut f32;
}

/// Coarse integers of consecutive rows: one address does for all.
#[derive(Clone, Copy)]
struct Coarse<'a, const R: usize> {
    blocks: &'a [Block; R],
    sums: *mut f32,
}

impl<const R: usize> Integers<R> for Coarse<'_, R> {
    #[inline(always)]
    fn block(&self, r: usize) -> &Block {
        &self.blocks[r]
    }

    #[inline(always)]
    fn sums(self, r: usize) -> *mut f32 {
        self.sums.wrapping_add(PANEL * r)
    }
}

/// Fine integers of any rows.
#[derive(Clone, Copy)]
struct Fine<'a, const R: usize> {
    blocks: [&'a Block; R],
    sums: [*mut f32; R],
}

impl<'a, const R: usize> Fine<'a, R> {
    /// Those of a block of these rows, counted from `row` as `sums` are.
    #[inline(always)]
    fn of(x: &'a Rounded, block: usize, row: usize, rows: [usize; R], sums: &mut Sums) -> Self {
        Self {
            blocks: rows.map(|r| x.fine(block, row + r)),
            sums: rows.map(|r| sums[r].as_mut_ptr()),
        }
    }
}

impl<const R: usize> Integers<R> for Fine<'_, R> {
    #[inline(always)]
    fn block(&self, r: usize) -> &Block {
        self.blocks[r]
    }

    #[inline(always)]
    fn sums(self, r: usize) -> *mut f32 {
        self.sums[r]
    }
}

/// Sums of products, `C` vectors for each of `R` rows.
type Tiled<S, const R: usize, const C: usize> = [[<S as Simd>::Int; C]; R];

impl Tile {
    /// Adds the products with `R` rows of integers to their sums.
    ///
    /// # Safety
    /// The instruction set must be there, and the block, the rows and their sums.
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize>(self, rows: impl Integers<R>) {
        // SAFETY: the caller's promise.
        unsafe {
            if S::WIDE {
                self.columns::<S, R, 2>(0, rows);
            } else {
                self.columns::<S, R, 1>(0, rows);
                self.columns::<S, R, 1>(LANES, rows);
            }
        }
    }

    /// `C` vectors of outputs from `column` on.
    #[inline(always)]
    unsafe fn columns<S: Simd, const R: usize, const C: usize>(
        self,
        column: usize,
        rows: impl Integers<R>,
    ) {
        let Self { fours, weights, lines, .. } = self;
        // SAFETY: the instruction set and the rows are there by the caller's promise; a block of a
        // panel holds for each four inputs 4 * 32 weights, and then 32 scales, of which 16 C from
        // `column` on are inside.
        unsafe {
            let first = std::array::from_fn(|r| [S::start(rows.block(r).total); C]);
            let products = match (fours, lines) {
                (FOURS, 2) => self.products::<S, R, C, 2>(FOURS, column, rows, first),
                (FOURS, 1) => self.products::<S, R, C, 1>(FOURS, column, rows, first),
                (FOURS, _) => self.products::<S, R, C, 0>(FOURS, column, rows, first),
                _ => self.products::<S, R, C, 0>(fours, column, rows, first),
            };
            let (low, high) = S::load_bf16(weights.add(PANEL * BLOCK).cast());
            let of_weights = [low, high];
            for r in 0..R {
                let scale = S::splat(rows.block(r).scale);
                for c in 0..C {
                    let to = rows.sums(r).add(column + c * LANES);
                    let sum = S::from_int(products[r][c]).mul(of_weights[column / LANES + c]);
                    sum.fma(scale, S::load(to)).store(to);
                }
            }
        }
    }

    /// Adds the products of the block with integers of `R` rows.
    #[inline(always)]
    unsafe fn products<S: Simd, const R: usize, const C: usize, const LINES: usize>(
        &self,
        fours: usize,
        column: usize,
        rows: impl Integers<R>,
        mut sums: Tiled<S, R, C>,
    ) -> Tiled<S, R, C> {
        // SAFETY: as in `columns`.
        unsafe {
            let weights = self.weights.add(4 * column);
            for k in 0..fours {
                for line in 0..LINES {
                    S::prefetch(self.ahead.wrapping_add((k * LINES + line) * 64));
                }
                let mut w = [S::load_bytes(weights.add(4 * PANEL * k)); C];
                for c in 1..C {
                    w[c] = S::load_bytes(weights.add(4 * (PANEL * k + LANES * c)));
                }
                for r in 0..R {
                    let numbers = rows.block(r).numbers.as_ptr();
                    for c in 0..C {
                        sums[r][c] = S::dot4(sums[r][c], w[c], numbers.add(4 * k));
                    }
                }
            }
            sums
        }
    }
}
