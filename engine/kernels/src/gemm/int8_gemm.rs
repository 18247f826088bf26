//! GEMM with quantized activations on int8 or int4 weights.
//!
//! Blocks of 128 inputs are the outer loop: a block of weights is read from memory once and stays in L1
//! while all rows of a group meet it, and the block after it is prefetched meanwhile. Reading so overlaps
//! with computing whatever the number of rows. A block of int4 weights is first unpacked to int8, into a
//! buffer that stays in L1.
//!
//! ```text
//! for panel: for group of 32 rows: for block of 128 inputs:
//!     sums[row][32 outputs] += (int8 dot products of block) * weight scale * row's hi scale
//!     outlier rows:         += the same with the low bytes
//! ```

use std::mem::MaybeUninit;

use super::GemmPanels;
use crate::activation_quantization::{
    QUANT_BLOCK, QuantizedBlock, QuantizedRows, ROW_GROUP, quant_blocks,
};
use crate::pack::{INT4_BLOCK_BYTES, INT4_TILE_BYTES, INT4_WEIGHT_BYTES, INT8_BLOCK_BYTES, PANEL};
use crate::precision::Precision;
use crate::prefetch::{CACHE_LINE, Prefetch};
use crate::simd::{LANES, Simd};
use crate::weight_quantization::INT4_GROUP;

/// Prefetch distances in bytes, with at most four rows per block and with more: measured in int8, where the
/// shorter one is best while memory is the limit. In int4 the same distance already saturates memory.
const PREFETCH_DISTANCE_FEW_ROWS: usize = INT8_BLOCK_BYTES;
const PREFETCH_DISTANCE: usize = 2 * INT8_BLOCK_BYTES;

/// Quads of inputs, which one instruction multiplies, in a whole block.
const BLOCK_QUADS: usize = QUANT_BLOCK / 4;

/// Sums of a panel's outputs for each row of a group.
type GroupSums = [[f32; PANEL]; ROW_GROUP];

/// Buffer for a block of int4 weights unpacked to int8; int8 weights leave it uninitialized.
#[repr(align(64))]
struct UnpackedBlock(MaybeUninit<[u8; INT8_BLOCK_BYTES]>);

impl GemmPanels<'_> {
    /// Computes all panels with integer weights.
    ///
    /// # Safety
    /// As [`Kernel::run`](crate::simd::Kernel::run); `x` must be the kernel's.
    #[inline(always)]
    pub(super) unsafe fn int8_gemm<S: Simd>(&self, x: &QuantizedRows) {
        let mut sums: GroupSums = [[0.0; PANEL]; ROW_GROUP];
        let mut unpacked = UnpackedBlock(MaybeUninit::uninit());
        for panel in self.panels.clone() {
            for row in (0..self.rows).step_by(ROW_GROUP) {
                let rows = ROW_GROUP.min(self.rows - row);
                sums[..rows].fill([0.0; PANEL]);
                // SAFETY: by the contract; the rows exist.
                unsafe {
                    self.add_blocks::<S>(x, panel, row, rows, &mut unpacked, &mut sums);
                    for r in 0..rows {
                        let sum = [S::load(sums[r].as_ptr()), S::load(sums[r][LANES..].as_ptr())];
                        self.store_tile([sum], panel * PANEL, row + r);
                    }
                }
            }
            // SAFETY: by the contract.
            unsafe { self.apply_post_op::<S>(panel) };
        }
    }

    /// Adds all blocks of a panel to the sums of `rows` rows from `row` on.
    ///
    /// # Safety
    /// As [`GemmPanels::int8_gemm`]; the rows must exist, at most [`ROW_GROUP`] of them, and `row` be a
    /// multiple of it.
    #[inline(always)]
    unsafe fn add_blocks<S: Simd>(
        &self,
        x: &QuantizedRows,
        panel: usize,
        row: usize,
        rows: usize,
        unpacked: &mut UnpackedBlock,
        sums: &mut GroupSums,
    ) {
        let input = self.linear.input();
        let int4 = self.linear.precision() == Precision::Int4;
        let bytes = if int4 { INT4_BLOCK_BYTES } else { INT8_BLOCK_BYTES };
        let weights = self.panel(panel).as_ptr();
        for block in 0..quant_blocks(input) {
            let quads = (input - block * QUANT_BLOCK).min(QUANT_BLOCK).div_ceil(4);
            let mut weights = weights.wrapping_add(block * bytes);
            if panel == self.panels.start && block + 1 < quant_blocks(input) {
                // Activations that another thread quantized come from its core's cache, which no hardware
                // prefetcher anticipates.
                x.prefetch_hi::<S>(block + 1, row, rows);
            }
            // After a panel follows the next one, and after the last the next layer: weights are allocated
            // in the order of their use.
            let distance = if rows <= 4 { PREFETCH_DISTANCE_FEW_ROWS } else { PREFETCH_DISTANCE };
            let next = weights.wrapping_add(distance);
            if int4 {
                // SAFETY: the instruction set is there by the contract, and a whole block at `weights`.
                weights = unsafe { unpacked.unpack::<S>(weights, next) };
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
                // One tile prefetches a whole block, or of several tiles the first two half a block each.
                let (next, lines) = match r {
                    _ if int4 => (next, 0),
                    0 if rows <= 12 => (next, 2),
                    0 => (next, 1),
                    8 | 12 => (next.wrapping_add(INT8_BLOCK_BYTES / 2), 1),
                    _ => (next, 0),
                };
                let tile = BlockTile { quads, weights, next, lines };
                let sums = sums[r..].as_flattened_mut().as_mut_ptr();
                // SAFETY: the instruction set, the block and the rows are there by the contract.
                unsafe {
                    match size {
                        12 => tile.run::<S, 12>(HiRows { blocks: x.hi(block, row + r), sums }),
                        8 => tile.run::<S, 8>(HiRows { blocks: x.hi(block, row + r), sums }),
                        4 => tile.run::<S, 4>(HiRows { blocks: x.hi(block, row + r), sums }),
                        2 => tile.run::<S, 2>(HiRows { blocks: x.hi(block, row + r), sums }),
                        _ => tile.run::<S, 1>(HiRows { blocks: x.hi(block, row + r), sums }),
                    }
                }
                r += size;
            }
            let tile = BlockTile { quads, weights, next, lines: 0 };
            let mut outliers = x.outliers(block, row);
            let mut left = outliers.count_ones();
            let mut pop = || {
                let r = outliers.trailing_zeros() as usize;
                outliers &= outliers - 1;
                r
            };
            while left > 0 {
                // SAFETY: as above.
                unsafe {
                    if left >= 4 {
                        let four = std::array::from_fn(|_| pop());
                        tile.run::<S, 4>(LoRows::new(x, block, row, four, sums));
                        left -= 4;
                    } else {
                        tile.run::<S, 1>(LoRows::new(x, block, row, [pop()], sums));
                        left -= 1;
                    }
                }
            }
        }
    }
}

impl UnpackedBlock {
    /// Unpacks a block of int4 weights and returns its address; prefetches as many bytes from `next` on.
    ///
    /// # Safety
    /// The processor must have the instruction set, and a whole int4 block be at `packed`.
    #[inline(always)]
    unsafe fn unpack<S: Simd>(&mut self, packed: *const u8, next: *const u8) -> *const u8 {
        const TILES: usize = 2 * QUANT_BLOCK / INT4_GROUP;
        let prefetch = Prefetch { from: next, stride: INT4_BLOCK_BYTES / TILES };
        let to: *mut u8 = self.0.as_mut_ptr().cast();
        // SAFETY: the instruction set is there; all tiles, factors and scales of a block are read, and each
        // tile becomes four vectors of the sixteen outputs it is for.
        unsafe {
            let factors = packed.add(INT4_WEIGHT_BYTES);
            for tile in 0..TILES {
                prefetch.issue::<S>(tile);
                let (group, half) = (tile / 2, tile % 2 * LANES);
                let upper = group % 2 == 1;
                let factors = factors.add(group / 2 * PANEL + half);
                let to = to.add((group * INT4_GROUP * PANEL) + 4 * half);
                S::unpack_int4(packed.add(tile * INT4_TILE_BYTES), factors, upper, to, 4 * PANEL);
            }
            let scales = packed.add(INT4_BLOCK_BYTES - 2 * PANEL);
            scales.copy_to_nonoverlapping(to.add(PANEL * QUANT_BLOCK), 2 * PANEL);
        }
        to
    }
}

/// One block of a panel, to be multiplied with a tile of rows.
#[derive(Clone, Copy)]
struct BlockTile {
    /// Quads of inputs in the block.
    quads: usize,
    weights: *const u8,
    /// Address to prefetch from, and the number of cache lines per quad.
    next: *const u8,
    lines: usize,
}

/// Quantized rows of a tile, and the sums they add to.
///
/// A trait, so that consecutive rows are addressed from one register and other rows by pointers.
trait TileRows<const R: usize>: Copy {
    fn block(&self, r: usize) -> &QuantizedBlock;
    fn sums(self, r: usize) -> *mut f32;
}

/// High bytes of consecutive rows.
#[derive(Clone, Copy)]
struct HiRows<'a, const R: usize> {
    blocks: &'a [QuantizedBlock; R],
    sums: *mut f32,
}

impl<const R: usize> TileRows<R> for HiRows<'_, R> {
    #[inline(always)]
    fn block(&self, r: usize) -> &QuantizedBlock {
        &self.blocks[r]
    }

    #[inline(always)]
    fn sums(self, r: usize) -> *mut f32 {
        self.sums.wrapping_add(PANEL * r)
    }
}

/// Low bytes of any rows.
#[derive(Clone, Copy)]
struct LoRows<'a, const R: usize> {
    blocks: [&'a QuantizedBlock; R],
    sums: [*mut f32; R],
}

impl<'a, const R: usize> LoRows<'a, R> {
    /// Takes a block of the rows `row + rows[i]`, which are in `sums[rows[i]]`.
    #[inline(always)]
    fn new(
        x: &'a QuantizedRows,
        block: usize,
        row: usize,
        rows: [usize; R],
        sums: &mut GroupSums,
    ) -> Self {
        Self {
            blocks: rows.map(|r| x.lo(block, row + r)),
            sums: rows.map(|r| sums[r].as_mut_ptr()),
        }
    }
}

impl<const R: usize> TileRows<R> for LoRows<'_, R> {
    #[inline(always)]
    fn block(&self, r: usize) -> &QuantizedBlock {
        self.blocks[r]
    }

    #[inline(always)]
    fn sums(self, r: usize) -> *mut f32 {
        self.sums[r]
    }
}

/// Integer accumulators: `C` vectors for each of `R` rows.
type TileSums<S, const R: usize, const C: usize> = [[<S as Simd>::I32; C]; R];

impl BlockTile {
    /// Adds the products with `R` rows to their sums.
    ///
    /// # Safety
    /// The processor must have the instruction set, the block be at `weights`, and `rows` hold valid
    /// pointers to 32 sums each.
    #[inline(always)]
    unsafe fn run<S: Simd, const R: usize>(self, rows: impl TileRows<R>) {
        // SAFETY: by the contract.
        unsafe {
            if S::WIDE {
                self.columns::<S, R, 2>(0, rows);
            } else {
                self.columns::<S, R, 1>(0, rows);
                self.columns::<S, R, 1>(LANES, rows);
            }
        }
    }

    /// Does so for `C` vectors of outputs from `column` on.
    ///
    /// # Safety
    /// As [`BlockTile::run`]; the columns must be a panel's.
    #[inline(always)]
    unsafe fn columns<S: Simd, const R: usize, const C: usize>(
        self,
        column: usize,
        rows: impl TileRows<R>,
    ) {
        let Self { quads, weights, lines, .. } = self;
        // SAFETY: the instruction set and the rows are there by the contract; a block of a panel holds
        // 4 * 32 weights for each quad of inputs, and then 32 scales, of which 16 C from `column` on are
        // inside.
        unsafe {
            let initial = std::array::from_fn(|r| [S::init_dot(rows.block(r).sum); C]);
            // Constant trip and prefetch counts for whole blocks.
            let products = match (quads, lines) {
                (BLOCK_QUADS, 2) => self.dot::<S, R, C, 2>(BLOCK_QUADS, column, rows, initial),
                (BLOCK_QUADS, 1) => self.dot::<S, R, C, 1>(BLOCK_QUADS, column, rows, initial),
                (BLOCK_QUADS, _) => self.dot::<S, R, C, 0>(BLOCK_QUADS, column, rows, initial),
                _ => self.dot::<S, R, C, 0>(quads, column, rows, initial),
            };
            let (first, second) = S::load_bf16(weights.add(PANEL * QUANT_BLOCK).cast());
            let weight_scales = [first, second];
            for r in 0..R {
                let scale = S::splat(rows.block(r).scale);
                for c in 0..C {
                    let to = rows.sums(r).add(column + c * LANES);
                    let weight_scale = weight_scales[column / LANES + c];
                    let sum = S::from_i32(products[r][c]).mul(weight_scale);
                    sum.fma(scale, S::load(to)).store(to);
                }
            }
        }
    }

    /// Adds the dot products of the block with `R` rows to `sums`.
    ///
    /// # Safety
    /// As [`BlockTile::columns`].
    #[inline(always)]
    unsafe fn dot<S: Simd, const R: usize, const C: usize, const LINES: usize>(
        &self,
        quads: usize,
        column: usize,
        rows: impl TileRows<R>,
        mut sums: TileSums<S, R, C>,
    ) -> TileSums<S, R, C> {
        // SAFETY: as in `columns`.
        unsafe {
            let weights = self.weights.add(4 * column);
            for k in 0..quads {
                for line in 0..LINES {
                    S::prefetch(self.next.wrapping_add((k * LINES + line) * CACHE_LINE));
                }
                let mut w = [S::load_weights(weights.add(4 * PANEL * k)); C];
                for c in 1..C {
                    w[c] = S::load_weights(weights.add(4 * (PANEL * k + LANES * c)));
                }
                for r in 0..R {
                    let values = rows.block(r).values.as_ptr();
                    for c in 0..C {
                        sums[r][c] = S::dot4(sums[r][c], w[c], values.add(4 * k));
                    }
                }
            }
            sums
        }
    }
}
