//! Activation quantization: rows of f32 as int8 with a scale per block of 128.
//!
//! Each block of 128 values of a row has a scale of its own, so that an outlier coarsens no more than its
//! block. A row's integers depend on nothing but the row.
//!
//! ```text
//! row: | block 0: 128 f32 | block 1: 128 f32 | ... | last block, zero-padded |
//!
//! most blocks:    x ~ hi * scale          hi: int8, scale = peak / 127
//! outlier blocks: x ~ hi * scale + lo * scale / 256
//!                                         hi, lo: high and low byte of 16 bits
//!
//! QuantizedBlock, 136 bytes: | 128 x int8 | scale: f32 | sum: i32 |
//!
//! QuantizedRows: hi       [block][row]  all rows of a block of inputs, next to one another: they meet the
//!                                       same block of weights
//!                lo       [block][row]  valid where the outlier bit is set
//!                outliers [block][row / 32], bit row % 32
//! ```

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::disjoint_mut::DisjointMut;
use super::isa::Isa;
use super::prefetch::CACHE_LINE;
use super::simd::{Kernel, LANES, Simd};
use super::thread_pool::Workers;

/// Inputs that share a scale, in activations and in weights.
pub(super) const QUANT_BLOCK: usize = 128;
/// Rows whose sums are kept while the blocks of a panel pass, and whose outlier bits share a word.
pub(super) const ROW_GROUP: usize = 32;
/// Peak below which a block is quantized to zeros: the inverse of its scale would not be finite.
const MIN_PEAK: f32 = 1e-30;
/// Steps of the low byte in one of the high byte.
const LO_STEPS: f32 = 256.0;
/// Quantized peak of a block in steps of the low byte.
const MAX_LEVEL: f32 = 127.0 * LO_STEPS;
/// Crest factor (peak / RMS) up to which a block is quantized to 8 bits: the error is then 40 dB below the
/// block, where that of int8 weights is 44 dB below. Normal noise has a crest factor of 3 in 128 values,
/// and 4 after a GELU.
const MAX_CREST_FACTOR: f32 = 4.5;

/// Rows as a linear layer takes them, (rows, input) row-major.
#[derive(Clone, Copy)]
pub enum LinearInput<'a> {
    /// For a layer with f32 or bfloat16 weights.
    F32(&'a [f32]),
    /// For a layer with int8 or int4 weights.
    Quantized(&'a QuantizedRows),
}

/// Destination of rows that a linear layer takes next.
pub struct LinearInputBuffer<'a> {
    /// The rows in f32, (rows, input) row-major: written in any case.
    pub rows: &'a mut [f32],
    /// Destination of the quantized rows, if the layer is an integer one.
    pub quantized: Option<&'a mut QuantizedRows>,
}

impl<'a> LinearInputBuffer<'a> {
    /// Returns what was written, in the form that the layer takes.
    pub fn into_input(self) -> LinearInput<'a> {
        match self.quantized {
            Some(quantized) => LinearInput::Quantized(quantized),
            None => LinearInput::F32(self.rows),
        }
    }
}

/// Rows quantized to int8, or to 16 bits as a high and a low int8 in outlier blocks.
///
/// With 16 bits where 8 would not do, the weights' quantization dominates the error.
#[derive(Default)]
pub struct QuantizedRows {
    rows: usize,
    input: usize,
    /// `[block][row]`: high bytes.
    hi: Vec<QuantizedBlock>,
    /// `[block][row]`: low bytes of outlier blocks, unspecified for others.
    lo: Vec<QuantizedBlock>,
    /// `[block][row / 32]`: a bit for each row, set for outlier blocks.
    outliers: Vec<AtomicU32>,
}

/// 128 quantized values of a row with their scale: written by one thread, read by all.
///
/// Its 136 bytes, not a power of two, keep blocks of consecutive rows in different banks of the L1 cache.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct QuantizedBlock {
    /// Values of a row's last, partial block are zero-padded to whole vectors.
    pub values: [i8; QUANT_BLOCK],
    /// Dequantization factor.
    pub scale: f32,
    /// Sum of the values.
    pub sum: i32,
}

/// Number of quantization blocks in `input` values.
pub(super) fn quant_blocks(input: usize) -> usize {
    input.div_ceil(QUANT_BLOCK)
}

impl QuantizedRows {
    /// Allocates room for any of these (rows, input).
    pub fn new(shapes: impl Iterator<Item = (usize, usize)>) -> Self {
        let (mut blocks, mut groups) = (0, 0);
        for (rows, input) in shapes {
            blocks = blocks.max(rows * quant_blocks(input));
            groups = groups.max(rows.div_ceil(ROW_GROUP) * quant_blocks(input));
        }
        let block = QuantizedBlock { values: [0; QUANT_BLOCK], scale: 0.0, sum: 0 };
        Self {
            rows: 0,
            input: 0,
            hi: vec![block; blocks],
            lo: vec![block; blocks],
            outliers: (0..groups).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Quantizes the rows of `x`, (rows, input) row-major. Does not allocate; blocks on nothing but the
    /// workers.
    ///
    /// # Panics
    /// If the last row is incomplete, or there is no room for the rows.
    pub fn quantize(&mut self, workers: &Workers<'_>, isa: Isa, x: &[f32], input: usize) {
        let rows = x.len() / input;
        assert_eq!(x.len(), rows * input, "complete rows");
        let quantizer = self.begin(rows, input);
        // Distributed by blocks, not rows: a thread's writes are contiguous, and it mostly reads its own
        // output of the layer before.
        workers.parallel_elementwise(x.len(), quant_blocks(input), |blocks| {
            let kernel = QuantizeBlocks { quantizer, x: x.as_ptr(), blocks, rows: 0..rows };
            // SAFETY: `x` holds all rows and is borrowed; blocks are inside them and of this part alone.
            unsafe { isa.run(kernel) };
        });
    }

    /// Starts overwriting with `rows` rows, which the result quantizes block by block.
    ///
    /// # Panics
    /// If there is no room for them.
    pub(super) fn begin(&mut self, rows: usize, input: usize) -> BlockQuantizer<'_> {
        let blocks = rows * quant_blocks(input);
        let groups = quant_blocks(input) * rows.div_ceil(ROW_GROUP);
        assert!(self.hi.len() >= blocks && self.outliers.len() >= groups, "room for the rows");
        (self.rows, self.input) = (rows, input);
        self.outliers[..groups].iter_mut().for_each(|bits| *bits.get_mut() = 0);
        let (hi, lo) = (DisjointMut::new(&mut self.hi), DisjointMut::new(&mut self.lo));
        BlockQuantizer { rows, input, hi, lo, outliers: &self.outliers }
    }

    /// Values per row.
    pub(super) fn input(&self) -> usize {
        self.input
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the high bytes of a block of inputs for `N` rows from `row` on.
    #[inline(always)]
    pub(super) fn hi<const N: usize>(&self, block: usize, row: usize) -> &[QuantizedBlock; N] {
        self.hi[block * self.rows + row..].first_chunk().expect("rows of the matrix")
    }

    /// Prefetches the high bytes of a block of inputs for `rows` rows from `row` on.
    #[inline(always)]
    pub(super) fn prefetch_hi<S: Simd>(&self, block: usize, row: usize, rows: usize) {
        let blocks = &self.hi[block * self.rows + row..][..rows];
        let from = blocks.as_ptr().cast::<u8>();
        let bytes = 0..size_of_val(blocks);
        bytes.step_by(CACHE_LINE).for_each(|at| S::prefetch(from.wrapping_add(at)));
    }

    /// Returns the outlier bits of a block of inputs for the [`ROW_GROUP`] rows from `row` on, a multiple
    /// of it.
    #[inline(always)]
    pub(super) fn outliers(&self, block: usize, row: usize) -> u32 {
        let groups = self.rows.div_ceil(ROW_GROUP);
        self.outliers[block * groups + row / ROW_GROUP].load(Ordering::Relaxed)
    }

    /// Returns the low bytes of an outlier block.
    #[inline(always)]
    pub(super) fn lo(&self, block: usize, row: usize) -> &QuantizedBlock {
        &self.lo[block * self.rows + row]
    }
}

/// Writer of [`QuantizedRows`] for the threads of one loop, each its own blocks.
#[derive(Clone, Copy)]
pub(super) struct BlockQuantizer<'a> {
    rows: usize,
    input: usize,
    hi: DisjointMut<'a, QuantizedBlock>,
    lo: DisjointMut<'a, QuantizedBlock>,
    outliers: &'a [AtomicU32],
}

impl BlockQuantizer<'_> {
    /// Quantizes a block of inputs of the rows `rows`.
    ///
    /// # Safety
    /// The processor must have the instruction set. `x` must be valid for reads of all rows of the matrix,
    /// and `block` and `rows` lie inside it. No other thread may quantize the same blocks, or write them in
    /// `x`, meanwhile.
    #[inline(always)]
    pub unsafe fn quantize<S: Simd>(self, block: usize, rows: Range<usize>, x: *const f32) {
        let count = (self.input - block * QUANT_BLOCK).min(QUANT_BLOCK);
        let groups = self.rows.div_ceil(ROW_GROUP);
        for row in rows {
            let at = block * self.rows + row;
            // SAFETY: by the contract; there is room for all blocks of all rows.
            let outlier = unsafe {
                let x = x.add(row * self.input + block * QUANT_BLOCK);
                let x = std::slice::from_raw_parts(x, count);
                quantize_block::<S>(x, &mut *self.hi.at(at), &mut *self.lo.at(at))
            };
            if outlier {
                // Other bits of the word may be another thread's rows. The end of the parallel loop orders
                // the write before all reads.
                let bits = &self.outliers[block * groups + row / ROW_GROUP];
                bits.fetch_or(1 << (row % ROW_GROUP), Ordering::Relaxed);
            }
        }
    }
}

/// Kernel that quantizes blocks of some rows of `x`.
///
/// # Safety
/// The contract of [`BlockQuantizer::quantize`] must hold for each of the blocks.
pub(super) struct QuantizeBlocks<'a> {
    pub quantizer: BlockQuantizer<'a>,
    pub x: *const f32,
    pub blocks: Range<usize>,
    pub rows: Range<usize>,
}

impl Kernel for QuantizeBlocks<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for block in self.blocks {
            // SAFETY: by the contract of the type.
            unsafe { self.quantizer.quantize::<S>(block, self.rows.clone(), self.x) };
        }
    }
}

/// Quantizes one block; true if it is an outlier block, which uses `lo` too.
///
/// # Safety
/// The processor must have the instruction set.
#[inline(always)]
unsafe fn quantize_block<S: Simd>(
    x: &[f32],
    hi: &mut QuantizedBlock,
    lo: &mut QuantizedBlock,
) -> bool {
    assert!(x.len() <= QUANT_BLOCK);
    // SAFETY: the instruction set is there by the contract; integers are written in whole vectors, which
    // make up a block, and numbers are read as far as they go.
    unsafe {
        let load = |at: usize| S::load_present(x[at..].as_ptr(), x.len() - at);
        let (mut peak, mut power) = (S::zero(), S::zero());
        for at in (0..x.len()).step_by(LANES) {
            let numbers = load(at);
            peak = numbers.abs().max(peak);
            power = numbers.fma(numbers, power);
        }
        let (peak, power) = (peak.horizontal_max(), power.horizontal_sum());
        let (scale, inverse) =
            if peak > MIN_PEAK { (peak / MAX_LEVEL, MAX_LEVEL / peak) } else { (0.0, 0.0) };
        // A block whose squares overflow f32 is no outlier block; one with NaN is.
        let rms = (power / x.len() as f32).sqrt();
        let in_range = peak <= MAX_CREST_FACTOR * rms;
        // Sums of integers, at most 8 * 128 in each lane: exact.
        let (mut hi_sum, mut lo_sum) = (S::zero(), S::zero());
        if in_range {
            let inverse = S::splat(inverse / LO_STEPS);
            for at in (0..x.len()).step_by(LANES) {
                let level = load(at).mul(inverse).round();
                level.store_i8(hi.values[at..].as_mut_ptr());
                hi_sum = hi_sum.add(level);
            }
        } else {
            let inverse = S::splat(inverse);
            for at in (0..x.len()).step_by(LANES) {
                let level = load(at).mul(inverse).round();
                // Halves round up, so that the low byte is -128..=127.
                let high = level.fma(S::splat(1.0 / LO_STEPS), S::splat(0.25 / LO_STEPS)).round();
                let low = high.fma(S::splat(-LO_STEPS), level);
                high.store_i8(hi.values[at..].as_mut_ptr());
                low.store_i8(lo.values[at..].as_mut_ptr());
                (hi_sum, lo_sum) = (hi_sum.add(high), lo_sum.add(low));
            }
            lo.scale = scale;
            lo.sum = lo_sum.horizontal_sum() as i32;
        }
        hi.scale = scale * LO_STEPS;
        hi.sum = hi_sum.horizontal_sum() as i32;
        !in_range
    }
}
