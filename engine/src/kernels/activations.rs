//! Rows of activations as 8-bit integers, for 8-bit weights.
//!
//! Each block of 128 numbers of a row has a scale of its own, so that one large number coarsens no
//! more than its block; a row's integers depend on nothing but the row.

use super::isa::Isa;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// Numbers that share a scale.
pub(super) const BLOCK: usize = 128;
/// Numbers below which rounding is not worth sharing between threads.
const SHARED_WORK: usize = 1 << 16;
/// Below this a block counts as zeros: its inverse would not be a number.
const SMALLEST: f32 = 1e-30;

/// Steps of the second integer that make one of the first.
const FINER: f32 = 256.0;
/// What the largest number of a block becomes.
const MOST: f32 = 127.0 * FINER;

/// Rows rounded to integers of 16 bits, each as two of 8, 256 times the coarse one and the fine one:
/// so many that it is the weights whose eight bits count.
pub(super) struct Quantized {
    /// `[row][block][coarse, fine][128 numbers]`; of the last block as many as there are, filled up
    /// with zeros to whole vectors.
    numbers: Vec<i8>,
    /// `[row][block]`: what turns the integers back.
    scales: Vec<f32>,
    /// `[row][block]`: sums of the integers.
    totals: Vec<i32>,
}

/// Blocks of a row.
pub(super) fn blocks(input: usize) -> usize {
    input.div_ceil(BLOCK)
}

impl Quantized {
    /// Room for any of these (rows, inputs). Allocates.
    pub fn new(layers: impl Iterator<Item = (usize, usize)>) -> Self {
        let most = layers.map(|(rows, input)| rows * blocks(input)).max().unwrap_or(0);
        Self { numbers: vec![0; most * 2 * BLOCK], scales: vec![0.0; most], totals: vec![0; most] }
    }

    /// Whether there is room for so many rows.
    pub fn fits(&self, rows: usize, input: usize) -> bool {
        self.scales.len() >= rows * blocks(input)
    }

    /// The coarse integers of a block, counted over all rows; the fine ones follow them.
    #[inline(always)]
    pub fn numbers(&self, block: usize) -> *const i8 {
        self.numbers[block * 2 * BLOCK..][..2 * BLOCK].as_ptr()
    }

    /// Scale of a block's integers.
    #[inline(always)]
    pub fn scale(&self, block: usize) -> f32 {
        self.scales[block]
    }

    /// Sum of a block's integers.
    #[inline(always)]
    pub fn total(&self, block: usize) -> i32 {
        self.totals[block]
    }
}

/// Rounds the rows of `x`.
///
/// # Panics
/// If `to` has no room for them.
pub(super) fn quantize(crew: &Crew<'_>, isa: Isa, x: &[f32], input: usize, to: &mut Quantized) {
    let rows = x.len() / input;
    assert!(to.fits(rows, input));
    let numbers = Shared::new(&mut to.numbers);
    let scales = Shared::new(&mut to.scales);
    let totals = Shared::new(&mut to.totals);
    let run = |from: usize, count: usize| {
        let (blocks, first) = (count * blocks(input), from * blocks(input));
        // SAFETY: rows are disjoint, and there is room for all of them.
        isa.run(unsafe {
            Rows {
                x: &x[from * input..][..count * input],
                input,
                numbers: numbers.slice(first * 2 * BLOCK, blocks * 2 * BLOCK),
                scales: scales.slice(first, blocks),
                totals: totals.slice(first, blocks),
            }
        });
    };
    if crew.threads() == 1 || x.len() < SHARED_WORK {
        run(0, rows);
    } else {
        let each = rows.div_ceil(2 * crew.threads());
        crew.each(rows.div_ceil(each), |part, _| {
            run(part * each, each.min(rows - part * each));
        });
    }
}

struct Rows<'a> {
    x: &'a [f32],
    input: usize,
    numbers: &'a mut [i8],
    scales: &'a mut [f32],
    totals: &'a mut [i32],
}

impl Kernel for Rows<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, input, numbers, scales, totals } = self;
        let numbers = numbers.chunks_exact_mut(2 * BLOCK);
        let blocks = x.chunks_exact(input).flat_map(|row| row.chunks(BLOCK)).zip(numbers);
        for ((x, numbers), (scale, total)) in blocks.zip(scales.iter_mut().zip(totals)) {
            let (coarse, fine) = numbers.split_at_mut(BLOCK);
            // SAFETY: the instruction set is there; a block's integers are whole vectors, its
            // numbers are read as far as they go.
            unsafe {
                let mut largest = S::zero();
                for x in x.chunks(LANES) {
                    largest = S::load_present(x.as_ptr(), x.len()).abs().max(largest);
                }
                let largest = largest.largest();
                let mut inverse = 0.0;
                *scale = 0.0;
                if largest > SMALLEST {
                    *scale = largest / MOST;
                    inverse = MOST / largest;
                }
                let inverse = S::splat(inverse);
                let mut sum = S::zero();
                let to = coarse.chunks_exact_mut(LANES).zip(fine.chunks_exact_mut(LANES));
                for (x, (coarse, fine)) in x.chunks(LANES).zip(to) {
                    let whole = S::load_present(x.as_ptr(), x.len()).mul(inverse).round();
                    // Rounded such that -128..=127 is left: halves go up.
                    let part = whole.fma(S::splat(1.0 / FINER), S::splat(0.25 / FINER)).round();
                    part.store_i8(coarse.as_mut_ptr());
                    part.fma(S::splat(-FINER), whole).store_i8(fine.as_mut_ptr());
                    // Whole numbers, in each lane at most 8 * 127 * 256: exact.
                    sum = sum.add(whole);
                }
                *total = sum.sum() as i32;
            }
        }
    }
}
