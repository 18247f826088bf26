//! Software prefetch, spread over the iterations of a loop.

use std::ops::Range;

use super::simd::Simd;

/// Bytes of a cache line.
pub(super) const CACHE_LINE: usize = 64;

/// Memory that a loop prefetches while it works on other data: `stride` bytes in each iteration, from an
/// address on. The memory need not be mapped.
#[derive(Clone, Copy)]
pub(super) struct Prefetch {
    pub from: *const u8,
    pub stride: usize,
}

impl Prefetch {
    /// Prefetches the bytes of one iteration.
    #[inline(always)]
    pub fn issue<S: Simd>(self, iteration: usize) {
        let from = self.from.wrapping_add(iteration * self.stride);
        S::prefetch(from);
        let mut line = CACHE_LINE;
        while line < self.stride {
            S::prefetch(from.wrapping_add(line));
            line += CACHE_LINE;
        }
    }

    /// As [`issue`](Self::issue), where the stride is at most `lines` cache lines, a constant of the caller. Without a
    /// branch: with one in it, the compiler has been seen to keep a sum of the loop in memory.
    #[inline(always)]
    pub fn issue_lines<S: Simd>(self, iteration: usize, lines: usize) {
        debug_assert!(self.stride <= lines * CACHE_LINE);
        let from = self.from.wrapping_add(iteration * self.stride);
        for line in 0..lines {
            S::prefetch(from.wrapping_add(line * CACHE_LINE));
        }
    }

    /// Returns the share of a sub-loop: of `parts` equal parts of the work, each of `iterations`, those in
    /// `part`.
    #[inline(always)]
    pub fn share(self, part: Range<usize>, parts: usize, iterations: usize) -> Self {
        let from = self.from.wrapping_add(self.stride * iterations * part.start / parts);
        Self { from, stride: (self.stride * part.len()).div_ceil(parts) }
    }
}
