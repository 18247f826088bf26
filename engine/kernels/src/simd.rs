//! Sixteen numbers at once: what kernels are written against.
//!
//! All instruction sets have the same sixteen lanes and the same correctly rounded operations, so
//! that a kernel's result does not depend on which of them runs it.

use std::ops::Range;

/// Numbers in a vector.
pub(super) const LANES: usize = 16;

/// Sixteen f32 numbers.
///
/// # Safety
/// All methods need the instruction set of the type to be there, and pointers to be valid for
/// sixteen numbers (unaligned), or for as many as a partial access names.
pub(super) trait Simd: Copy {
    /// True if there are registers for tiles of 24 vectors.
    const WIDE: bool;

    /// Sixteen 32-bit integers.
    type Int: Copy;
    /// Four 8-bit weights for each of sixteen outputs.
    type Bytes: Copy;

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// The larger of the two; `other` if one is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// self * a + b, rounded once.
    unsafe fn fma(self, a: Self, b: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// To the nearest whole number, ties to even; for magnitudes below 2^22.
    unsafe fn round(self) -> Self;
    /// 2^self for whole numbers -126..=127.
    unsafe fn exp2_whole(self) -> Self;
    /// `a` where self < bound, `b` elsewhere.
    unsafe fn where_less(self, bound: Self, a: Self, b: Self) -> Self;

    /// Thirty-two bfloat16 numbers, of which the 16-bit words 2i hold the first vector's and 2i + 1
    /// the second's.
    unsafe fn load_bf16(from: *const u16) -> (Self, Self);
    /// Rounds to the nearest whole number, ties to even; for magnitudes up to 127.
    unsafe fn store_i8(self, to: *mut i8);

    /// Unfolds the 4-bit weights of sixteen inputs and sixteen outputs: from two vectors of 64 bytes, each
    /// with numbers plus 8 in the lower halves of its bytes and then in the upper ones, and sixteen bytes
    /// with an output's factor in their lower or `upper` halves; to four vectors of numbers times factors
    /// plus 128, `stride` bytes apart.
    unsafe fn unfold(from: *const u8, factors: *const u8, upper: bool, to: *mut u8, stride: usize);
    /// Sixty-four weights as they are packed: `[output][4]`, plus 128.
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes;
    /// What a sum of products starts with where the activations alone add up to `total`.
    unsafe fn start(total: i32) -> Self::Int;
    /// Adds to each output the products of its four weights, -127..=127, with four activations,
    /// -128..=127, exactly.
    unsafe fn dot4(sum: Self::Int, weights: Self::Bytes, x: *const i8) -> Self::Int;
    /// Rounds integers to floats.
    unsafe fn from_int(x: Self::Int) -> Self;

    /// Asks for the cache line at an address to be brought near; the address may be any.
    fn prefetch(from: *const u8);

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller's promise.
        unsafe { Self::splat(0.0) }
    }

    /// The first `count` (at most 16) numbers, then zeros.
    #[inline(always)]
    unsafe fn load_partial(from: *const f32, count: usize) -> Self {
        let mut lanes = [0f32; LANES];
        // SAFETY: `count` numbers can be read, by the caller's promise.
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count.min(LANES));
            Self::load(lanes.as_ptr())
        }
    }

    /// The first `count` (at most 16) numbers.
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        let lanes = self.lanes();
        // SAFETY: `count` numbers can be written, by the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count.min(LANES)) }
    }

    /// `load`, or `load_partial` if fewer than sixteen numbers are `present`.
    #[inline(always)]
    unsafe fn load_present(from: *const f32, present: usize) -> Self {
        // SAFETY: the caller's promise.
        unsafe {
            if present >= LANES { Self::load(from) } else { Self::load_partial(from, present) }
        }
    }

    /// `store`, or `store_partial` if fewer than sixteen numbers are `present`.
    #[inline(always)]
    unsafe fn store_present(self, to: *mut f32, present: usize) {
        // SAFETY: the caller's promise.
        unsafe { if present >= LANES { self.store(to) } else { self.store_partial(to, present) } }
    }

    #[inline(always)]
    fn lanes(self) -> [f32; LANES] {
        let mut lanes = [0f32; LANES];
        // SAFETY: the array has sixteen numbers; the value's existence shows that its instruction
        // set is there.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    /// Sum of all lanes, by halves.
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut lanes = self.lanes();
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
        }
        lanes[0]
    }

    /// Largest lane; none may be NaN.
    #[inline(always)]
    fn largest(self) -> f32 {
        self.lanes().into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// What a loop brings near while it works on other things: from an address on, so many bytes for
/// each of its turns.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub from: *const u8,
    pub stride: usize,
}

impl Ahead {
    /// Brings near what belongs to a turn of the loop.
    #[inline(always)]
    pub fn fetch<S: Simd>(self, turn: usize) {
        let from = self.from.wrapping_add(turn * self.stride);
        S::prefetch(from);
        let mut line = 64;
        while line < self.stride {
            S::prefetch(from.wrapping_add(line));
            line += 64;
        }
    }

    /// What is left to do in some of several equal parts of the work, each a loop of so many turns,
    /// that share this.
    #[inline(always)]
    pub fn part(self, part: Range<usize>, parts: usize, turns: usize) -> Self {
        let from = self.from.wrapping_add(self.stride * turns * part.start / parts);
        Self { from, stride: (self.stride * part.len()).div_ceil(parts) }
    }
}

/// A computation that runs on any instruction set.
pub(super) trait Kernel {
    /// Computes; implementations are `#[inline(always)]` so that they take on the target features
    /// of their caller.
    ///
    /// # Safety
    /// The instruction set of `S` must be there.
    unsafe fn run<S: Simd>(self);
}
