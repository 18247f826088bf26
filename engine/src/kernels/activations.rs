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

/// Steps of what the first integer leaves that make one of its own.
pub(super) const FINER: f32 = 254.0;

/// Rows rounded to integers -127..=127, and what that leaves to such integers again, with what turns
/// them back: fifteen bits in all, so that it is the weights whose eight bits count.
pub(super) struct Quantized {
    /// `[row][coarse, fine][numbers, filled up with zeros to whole vectors]`
    numbers: Vec<i8>,
    /// `[row][block]`, of the coarse integers; the fine ones' are [`FINER`] times smaller.
    scales: Vec<f32>,
    /// Sums of both integers, `[row][block]`.
    totals: Vec<[i32; 2]>,
}

/// Integers from coarse to fine.
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
            (most.0.max(rows * 2 * stride(input)), most.1.max(rows * blocks(input)))
        };
        let (numbers, scales) = layers.fold((0, 0), most);
        Self { numbers: vec![0; numbers], scales: vec![0.0; scales], totals: vec![[0; 2]; scales] }
    }

    /// Whether there is room for so many rows.
    pub fn fits(&self, rows: usize, input: usize) -> bool {
        self.numbers.len() >= rows * 2 * stride(input) && self.scales.len() >= rows * blocks(input)
    }

    /// The integers of `row`, coarse and fine, and those after.
    pub fn row(&self, row: usize, input: usize) -> &[i8] {
        &self.numbers[row * 2 * stride(input)..]
    }

    /// Scale of the coarse integers of a block, and the sums of both.
    #[inline(always)]
    pub fn block(&self, row: usize, block: usize, input: usize) -> (f32, [i32; 2]) {
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
                numbers: numbers.slice(from * 2 * stride(input), count * 2 * stride(input)),
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
    totals: &'a mut [[i32; 2]],
}

impl Kernel for Rows<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, input, numbers, scales, totals } = self;
        let rows = x.chunks_exact(input).zip(numbers.chunks_exact_mut(2 * stride(input)));
        let blocks = rows.flat_map(|(x, to)| {
            let (coarse, fine) = to.split_at_mut(stride(input));
            x.chunks(BLOCK).zip(coarse.chunks_mut(BLOCK).zip(fine.chunks_mut(BLOCK)))
        });
        for ((x, (coarse, fine)), (scale, total)) in blocks.zip(scales.iter_mut().zip(totals)) {
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
                let (inverse, finer) = (S::splat(inverse), S::splat(FINER));
                let mut sums = [S::zero(); 2];
                let to = coarse.chunks_exact_mut(LANES).zip(fine.chunks_exact_mut(LANES));
                for (x, (coarse, fine)) in x.chunks(LANES).zip(to) {
                    let x = S::load_present(x.as_ptr(), x.len()).mul(inverse);
                    let rounded = x.round();
                    // At most half a step is left.
                    let rest = x.sub(rounded).mul(finer).round();
                    rounded.store_i8(coarse.as_mut_ptr());
                    rest.store_i8(fine.as_mut_ptr());
                    // Whole numbers, at most 128 * 127: exact.
                    sums = [sums[0].add(rounded), sums[1].add(rest)];
                }
                *total = sums.map(|sum| sum.sum() as i32);
            }
        }
    }
}
