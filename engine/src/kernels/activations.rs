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

/// Rows rounded to integers -127..=127, with what turns them back.
pub(super) struct Quantized {
    /// `[row][numbers, filled up with zeros to whole vectors]`
    numbers: Vec<i8>,
    /// `[row][block]`
    scales: Vec<f32>,
    /// Sums of the integers, `[row][block]`.
    totals: Vec<i32>,
}

/// Integers from one row to the next.
pub(super) fn stride(input: usize) -> usize {
    input.next_multiple_of(LANES)
}

/// Blocks of a row.
pub(super) fn blocks(input: usize) -> usize {
    input.div_ceil(BLOCK)
}

impl Quantized {
    /// Room for any of these (rows, inputs). Allocates.
    pub fn new(layers: impl Iterator<Item = (usize, usize)>) -> Self {
        let most = |most: (usize, usize), (rows, input)| {
            (most.0.max(rows * stride(input)), most.1.max(rows * blocks(input)))
        };
        let (numbers, scales) = layers.fold((0, 0), most);
        Self { numbers: vec![0; numbers], scales: vec![0.0; scales], totals: vec![0; scales] }
    }

    /// Whether there is room for so many rows.
    pub fn fits(&self, rows: usize, input: usize) -> bool {
        self.numbers.len() >= rows * stride(input) && self.scales.len() >= rows * blocks(input)
    }

    /// The integers of `row` and those after.
    pub fn row(&self, row: usize, input: usize) -> &[i8] {
        &self.numbers[row * stride(input)..]
    }

    /// Scale and sum of a block of integers.
    #[inline(always)]
    pub fn block(&self, row: usize, block: usize, input: usize) -> (f32, i32) {
        let at = row * blocks(input) + block;
        (self.scales[at], self.totals[at])
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
        // SAFETY: rows are disjoint, and there is room for all of them.
        isa.run(unsafe {
            Rows {
                x: &x[from * input..][..count * input],
                input,
                numbers: numbers.slice(from * stride(input), count * stride(input)),
                scales: scales.slice(from * blocks(input), count * blocks(input)),
                totals: totals.slice(from * blocks(input), count * blocks(input)),
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
        let rows = x.chunks_exact(input).zip(numbers.chunks_exact_mut(stride(input)));
        let blocks = rows.flat_map(|(x, to)| x.chunks(BLOCK).zip(to.chunks_mut(BLOCK)));
        for ((x, to), (scale, total)) in blocks.zip(scales.iter_mut().zip(totals)) {
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
                    *scale = largest / 127.0;
                    inverse = 127.0 / largest;
                }
                let inverse = S::splat(inverse);
                let mut sum = S::zero();
                for (x, to) in x.chunks(LANES).zip(to.chunks_exact_mut(LANES)) {
                    let rounded = S::load_present(x.as_ptr(), x.len()).mul(inverse).round();
                    rounded.store_i8(to.as_mut_ptr());
                    // Whole numbers, at most 128 * 127: exact.
                    sum = sum.add(rounded);
                }
                *total = sum.sum() as i32;
            }
        }
    }
}
