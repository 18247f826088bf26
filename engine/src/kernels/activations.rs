//! Rows of activations as 8-bit integers, for 8-bit weights.
//!
//! Each block of 128 numbers of a row has a scale of its own, so that one large number coarsens no
//! more than its block; a row's integers depend on nothing but the row.

use std::ops::Range;

use super::isa::Isa;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// Numbers that share a scale.
pub(super) const BLOCK: usize = 128;
/// Bytes that a row has of a block: coarse and fine integers, and a few more, so that what is read of
/// several rows at once does not lie in the same bank of the first-level cache.
pub(super) const ROW: usize = 2 * BLOCK + 8;
/// Numbers below which rounding is not worth sharing between threads.
const SHARED_WORK: usize = 1 << 13;
/// Below this a block counts as zeros: its inverse would not be a number.
const SMALLEST: f32 = 1e-30;

/// Steps of the second integer that make one of the first.
const FINER: f32 = 256.0;
/// What the largest number of a block becomes.
const MOST: f32 = 127.0 * FINER;
/// How many times its root mean square the largest number of a block may be for 8 bits to do: their
/// rounding is then 39 dB below the block, where the weights' own is 44. Normal noise has 3 in 128
/// numbers, behind a GELU 4.
const EVEN: f32 = 5.0;

/// Rows rounded to integers of 16 bits, each as two of 8, 256 times the coarse one and the fine one:
/// so many that it is the weights whose eight bits count. In a block without large exceptions, which
/// most are, there are coarse ones alone.
pub(super) struct Quantized {
    /// `[block][row]`, of each `[coarse, fine][128 numbers]`: what meets a block of weights lies
    /// together. Of the last block as many as there are, filled up with zeros to whole vectors; of the
    /// fine ones only where there are any.
    numbers: Vec<i8>,
    /// `[block][row]`: what turns the integers back.
    scales: Vec<f32>,
    /// `[block][row]`: sums of the integers, only of the coarse ones where these are all.
    totals: Vec<i32>,
    /// `[block][row]`: whether there are fine integers.
    fine: Vec<bool>,
}

/// Blocks of a row.
pub(super) fn blocks(input: usize) -> usize {
    input.div_ceil(BLOCK)
}

impl Quantized {
    /// Room for any of these (rows, inputs). Allocates.
    pub fn new(layers: impl Iterator<Item = (usize, usize)>) -> Self {
        let most = layers.map(|(rows, input)| rows * blocks(input)).max().unwrap_or(0);
        Self {
            numbers: vec![0; most * ROW],
            scales: vec![0.0; most],
            totals: vec![0; most],
            fine: vec![false; most],
        }
    }

    /// Whether there is room for so many rows.
    pub fn fits(&self, rows: usize, input: usize) -> bool {
        self.scales.len() >= rows * blocks(input)
    }

    /// The coarse integers of so many blocks from one on, counted over all rows; the fine ones of each
    /// follow its own.
    #[inline(always)]
    pub fn numbers(&self, block: usize, count: usize) -> *const i8 {
        self.numbers[block * ROW..][..count * ROW].as_ptr()
    }

    /// Scales of the integers of blocks from one on.
    #[inline(always)]
    pub fn scales<const N: usize>(&self, block: usize) -> &[f32; N] {
        self.scales[block..].first_chunk().expect("as many blocks")
    }

    /// Sums of the integers of blocks from one on.
    #[inline(always)]
    pub fn totals<const N: usize>(&self, block: usize) -> &[i32; N] {
        self.totals[block..].first_chunk().expect("as many blocks")
    }

    /// Of so many blocks from one on, whether there are fine integers.
    #[inline(always)]
    pub fn fine(&self, block: usize, count: usize) -> &[bool] {
        &self.fine[block..][..count]
    }
}

/// Rounds the rows of `x`.
///
/// # Panics
/// If `to` has no room for them.
pub(super) fn quantize(crew: &Crew<'_>, isa: Isa, x: &[f32], input: usize, to: &mut Quantized) {
    let (rows, blocks) = (x.len() / input, blocks(input));
    assert!(to.fits(rows, input));
    let numbers = Shared::new(&mut to.numbers);
    let scales = Shared::new(&mut to.scales);
    let totals = Shared::new(&mut to.totals);
    let fine = Shared::new(&mut to.fine);
    let parts = if x.len() < SHARED_WORK { 1 } else { crew.threads().min(blocks) };
    // By blocks: what a thread writes then lies together, and what it reads is mostly its own result of
    // the layer before.
    crew.share(blocks, parts, |_, Range { start: from, end: to }| {
        isa.run(Blocks { x, input, rows, from, to, numbers, scales, totals, fine });
    });
}

/// The blocks `from..to` of all rows of `x`.
struct Blocks<'a> {
    x: &'a [f32],
    input: usize,
    rows: usize,
    from: usize,
    to: usize,
    numbers: Shared<'a, i8>,
    scales: Shared<'a>,
    totals: Shared<'a, i32>,
    fine: Shared<'a, bool>,
}

impl Kernel for Blocks<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { x, input, rows, from, to, numbers, scales, totals, fine } = self;
        for block in from..to {
            for (row, x) in x.chunks_exact(input).enumerate() {
                let at = block * rows + row;
                let x = &x[block * BLOCK..input.min((block + 1) * BLOCK)];
                // SAFETY: the instruction set is there; there is room for all blocks of all rows, and
                // no two are the same.
                unsafe {
                    let numbers = numbers.slice(at * ROW, ROW);
                    (*scales.at(at), *totals.at(at), *fine.at(at)) = round::<S>(x, numbers);
                }
            }
        }
    }
}

/// Rounds the numbers of a block; returns the integers' scale and sum, and whether there are fine
/// ones.
///
/// # Safety
/// The instruction set must be there.
#[inline(always)]
unsafe fn round<S: Simd>(x: &[f32], numbers: &mut [i8]) -> (f32, i32, bool) {
    assert!(x.len() <= BLOCK && numbers.len() == ROW);
    let (coarse, fine) = numbers.split_at_mut(BLOCK);
    // SAFETY: the instruction set is there by the caller's promise; integers are written in whole
    // vectors, which a block is, and numbers are read as far as they go.
    unsafe {
        let load = |at: usize| S::load_present(x[at..].as_ptr(), x.len() - at);
        let (mut largest, mut power) = (S::zero(), S::zero());
        for at in (0..x.len()).step_by(LANES) {
            let numbers = load(at);
            largest = numbers.abs().max(largest);
            power = numbers.fma(numbers, power);
        }
        let (largest, power) = (largest.largest(), power.sum());
        let (scale, inverse) =
            if largest > SMALLEST { (largest / MOST, MOST / largest) } else { (0.0, 0.0) };
        // A block whose squares are too large for f32 counts as even, one with NaN does not.
        let even = largest <= EVEN * (power / x.len() as f32).sqrt();
        // Sums of whole numbers, in each lane at most 8 * 127 * 256: exact.
        let mut sum = S::zero();
        if even {
            let inverse = S::splat(inverse / FINER);
            for at in (0..x.len()).step_by(LANES) {
                let whole = load(at).mul(inverse).round();
                whole.store_i8(coarse[at..].as_mut_ptr());
                sum = sum.add(whole);
            }
            return (scale * FINER, sum.sum() as i32, false);
        }
        let inverse = S::splat(inverse);
        for at in (0..x.len()).step_by(LANES) {
            let whole = load(at).mul(inverse).round();
            // Rounded such that -128..=127 is left: halves go up.
            let part = whole.fma(S::splat(1.0 / FINER), S::splat(0.25 / FINER)).round();
            part.store_i8(coarse[at..].as_mut_ptr());
            part.fma(S::splat(-FINER), whole).store_i8(fine[at..].as_mut_ptr());
            sum = sum.add(whole);
        }
        (scale, sum.sum() as i32, true)
    }
}
