//! Rows of activations as 8-bit integers, for 8-bit weights.
//!
//! Each block of 128 numbers of a row has a scale of its own, so that one large number coarsens no
//! more than its block; a row's integers depend on nothing but the row.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::isa::Isa;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// Numbers that share a scale.
pub(super) const BLOCK: usize = 128;
/// Rows whose sums wait while the blocks of a panel go by, and of which one word says what is fine.
pub(super) const GROUP: usize = 32;
/// Below this a block counts as zeros: its inverse would not be a number.
const SMALLEST: f32 = 1e-30;

/// Steps of the second integer that make one of the first.
const FINER: f32 = 256.0;
/// What the largest number of a block becomes.
const MOST: f32 = 127.0 * FINER;
/// How many times its root mean square the largest number of a block may be for 8 bits to do: their
/// rounding is then 40 dB below the block, where the weights' own is 44. Normal noise has 3 in 128
/// numbers, behind a GELU 4.
const EVEN: f32 = 4.5;

/// Rows as a linear layer takes them: (rows, input), row-major.
#[derive(Clone, Copy)]
pub enum Rows<'a> {
    /// As they are.
    Floats(&'a [f32]),
    /// For a layer of integers.
    Integers(&'a Rounded),
}

/// Where rows go that a linear layer takes next.
pub struct Outlet<'a> {
    /// They themselves, (rows, input) row-major, in any case.
    pub floats: &'a mut [f32],
    /// Where they are rounded, if the layer is one of integers.
    pub rounded: Option<&'a mut Rounded>,
}

impl<'a> Outlet<'a> {
    /// What has been put in.
    pub fn rows(self) -> Rows<'a> {
        match self.rounded {
            Some(rounded) => Rows::Integers(rounded),
            None => Rows::Floats(self.floats),
        }
    }
}

/// Rows rounded to integers of 16 bits, each as two of 8, 256 times the coarse one and the fine one:
/// so many that it is the weights whose eight bits count. In a block without large exceptions, which
/// most are, there are coarse ones alone.
#[derive(Default)]
pub struct Rounded {
    rows: usize,
    input: usize,
    /// `[block][row]`, coarse integers: what meets a block of weights lies together.
    coarse: Vec<Block>,
    /// The same way fine ones, where there are any.
    fine: Vec<Block>,
    /// `[block][32 rows]`: a bit for each row that has fine integers.
    uneven: Vec<AtomicU32>,
}

/// Integers for 128 numbers of a row, in one piece of memory: one thread writes it and all read it.
/// It is as long as makes what is read of several rows at once not lie in the same bank of the first-level
/// cache.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Block {
    /// Of a row's last block as many as there are, filled up with zeros to whole vectors.
    pub numbers: [i8; BLOCK],
    /// What turns them back.
    pub scale: f32,
    /// Their sum.
    pub total: i32,
}

/// Blocks of a row.
pub(super) fn blocks(input: usize) -> usize {
    input.div_ceil(BLOCK)
}

impl Rounded {
    /// Room for any of these (rows, inputs). Allocates.
    pub fn new(layers: impl Iterator<Item = (usize, usize)>) -> Self {
        let (mut most, mut groups) = (0, 0);
        for (rows, input) in layers {
            most = most.max(rows * blocks(input));
            groups = groups.max(rows.div_ceil(GROUP) * blocks(input));
        }
        let block = Block { numbers: [0; BLOCK], scale: 0.0, total: 0 };
        Self {
            rows: 0,
            input: 0,
            coarse: vec![block; most],
            fine: vec![block; most],
            uneven: (0..groups).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Rounds the rows of `x`, (rows, input) row-major. Allocates and blocks on nothing but the crew.
    ///
    /// # Panics
    /// If they are not whole, or there is no room for them.
    pub fn round(&mut self, crew: &Crew<'_>, isa: Isa, x: &[f32], input: usize) {
        let rows = x.len() / input;
        assert_eq!(x.len(), rows * input, "whole rows");
        let sink = self.sink(rows, input);
        // By blocks: what a thread writes then lies together, and what it reads is mostly its own result
        // of the layer before.
        crew.sweep(x.len(), blocks(input), |blocks| {
            isa.run(Round { sink, x: x.as_ptr(), blocks, rows: 0..rows });
        });
    }

    /// For rows to come.
    ///
    /// # Panics
    /// If there is no room for them.
    pub(super) fn sink(&mut self, rows: usize, input: usize) -> Sink<'_> {
        let groups = blocks(input) * rows.div_ceil(GROUP);
        let room = self.coarse.len() >= rows * blocks(input) && self.uneven.len() >= groups;
        assert!(room, "room for as many rows");
        (self.rows, self.input) = (rows, input);
        self.uneven[..groups].iter_mut().for_each(|rows| *rows.get_mut() = 0);
        let (coarse, fine) = (Shared::new(&mut self.coarse), Shared::new(&mut self.fine));
        Sink { rows, input, coarse, fine, uneven: &self.uneven }
    }

    /// Numbers a row.
    pub(super) fn input(&self) -> usize {
        self.input
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The coarse integers of a block of so many rows from one on.
    #[inline(always)]
    pub(super) fn coarse<const N: usize>(&self, block: usize, row: usize) -> &[Block; N] {
        self.coarse[block * self.rows + row..].first_chunk().expect("as many rows")
    }

    /// Asks for those to be brought near.
    #[inline(always)]
    pub(super) fn bring_near<S: Simd>(&self, block: usize, row: usize, rows: usize) {
        let blocks = &self.coarse[block * self.rows + row..][..rows];
        let from = blocks.as_ptr().cast::<u8>();
        (0..size_of_val(blocks)).step_by(64).for_each(|at| S::prefetch(from.wrapping_add(at)));
    }

    /// Which of [`GROUP`] rows from a multiple of them on have fine integers of a block, a bit each.
    #[inline(always)]
    pub(super) fn uneven(&self, block: usize, row: usize) -> u32 {
        let groups = self.rows.div_ceil(GROUP);
        self.uneven[block * groups + row / GROUP].load(Ordering::Relaxed)
    }

    /// The fine integers of a block of a row.
    #[inline(always)]
    pub(super) fn fine(&self, block: usize, row: usize) -> &Block {
        &self.fine[block * self.rows + row]
    }
}

/// Where the threads of a loop put blocks of rounded rows, each its own.
#[derive(Clone, Copy)]
pub(super) struct Sink<'a> {
    rows: usize,
    input: usize,
    coarse: Shared<'a, Block>,
    fine: Shared<'a, Block>,
    uneven: &'a [AtomicU32],
}

impl Sink<'_> {
    /// Rounds a block of some rows of `x`, which holds all rows.
    ///
    /// # Safety
    /// The instruction set must be there, and so the rows and the block. No other thread may round them or
    /// write them meanwhile.
    #[inline(always)]
    pub unsafe fn round<S: Simd>(self, block: usize, rows: Range<usize>, x: *const f32) {
        let count = (self.input - block * BLOCK).min(BLOCK);
        let groups = self.rows.div_ceil(GROUP);
        for row in rows {
            let at = block * self.rows + row;
            // SAFETY: the caller's promise; there is room for all blocks of all rows.
            let even = unsafe {
                let x = x.add(row * self.input + block * BLOCK);
                let x = std::slice::from_raw_parts(x, count);
                round::<S>(x, &mut *self.coarse.at(at), &mut *self.fine.at(at))
            };
            if !even {
                // Beside it may be rows of another thread. The end of the loop orders it.
                let word = &self.uneven[block * groups + row / GROUP];
                word.fetch_or(1 << (row % GROUP), Ordering::Relaxed);
            }
        }
    }
}

/// Some blocks of some rows of `x`, which are to be rounded: see [`Sink::round`], whose promise whoever runs it
/// makes.
pub(super) struct Round<'a> {
    pub sink: Sink<'a>,
    pub x: *const f32,
    pub blocks: Range<usize>,
    pub rows: Range<usize>,
}

impl Kernel for Round<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for block in self.blocks {
            // SAFETY: the caller's promise.
            unsafe { self.sink.round::<S>(block, self.rows.clone(), self.x) };
        }
    }
}

/// Rounds the numbers of a block; true if 8 bits do.
///
/// # Safety
/// The instruction set must be there.
#[inline(always)]
unsafe fn round<S: Simd>(x: &[f32], coarse: &mut Block, fine: &mut Block) -> bool {
    assert!(x.len() <= BLOCK);
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
        // Sums of whole numbers, in each lane at most 8 * 128: exact.
        let (mut sum, mut fine_sum) = (S::zero(), S::zero());
        if even {
            let inverse = S::splat(inverse / FINER);
            for at in (0..x.len()).step_by(LANES) {
                let whole = load(at).mul(inverse).round();
                whole.store_i8(coarse.numbers[at..].as_mut_ptr());
                sum = sum.add(whole);
            }
        } else {
            let inverse = S::splat(inverse);
            for at in (0..x.len()).step_by(LANES) {
                let whole = load(at).mul(inverse).round();
                // Rounded such that -128..=127 is left: halves go up.
                let part = whole.fma(S::splat(1.0 / FINER), S::splat(0.25 / FINER)).round();
                let left = part.fma(S::splat(-FINER), whole);
                part.store_i8(coarse.numbers[at..].as_mut_ptr());
                left.store_i8(fine.numbers[at..].as_mut_ptr());
                (sum, fine_sum) = (sum.add(part), fine_sum.add(left));
            }
            fine.scale = scale;
            fine.total = fine_sum.sum() as i32;
        }
        coarse.scale = scale * FINER;
        coarse.total = sum.sum() as i32;
        even
    }
}
