//! How the keys and values of the past are kept: exactly, or in half the memory.

#![allow(clippy::needless_range_loop, reason = "vectors are indexed by column")]

use half::bf16;

use super::simd::{LANES, Simd};

/// A number of a key or value.
pub(super) trait Cached: Copy + Send + Sync {
    /// Puts a key, of an even number of numbers, at one of the sixteen places of a block.
    fn put_key(key: &[f32], block: &mut [Self], place: usize);

    /// Puts a value, of whole pairs of vectors.
    fn put_value(value: &[f32], row: &mut [Self]);

    /// Numbers 2 * pair and 2 * pair + 1 of the sixteen keys of a block.
    ///
    /// # Safety
    /// The instruction set must be there, and the pair be inside the block.
    unsafe fn keys<S: Simd>(block: *const Self, pair: usize) -> [S; 2];

    /// `C` vectors of a value from `column` on, a multiple of them.
    ///
    /// # Safety
    /// The instruction set must be there, and the columns be inside the row.
    unsafe fn values<S: Simd, const C: usize>(row: *const Self, column: usize) -> [S; C];
}

/// Keys `[number][16 places]`, values one number after the other.
impl Cached for f32 {
    #[inline(always)]
    fn put_key(key: &[f32], block: &mut [Self], place: usize) {
        for (to, x) in block.chunks_exact_mut(LANES).zip(key) {
            to[place] = *x;
        }
    }

    #[inline(always)]
    fn put_value(value: &[f32], row: &mut [Self]) {
        row.copy_from_slice(value);
    }

    #[inline(always)]
    unsafe fn keys<S: Simd>(block: *const Self, pair: usize) -> [S; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let from = block.add(2 * pair * LANES);
            [S::load(from), S::load(from.add(LANES))]
        }
    }

    #[inline(always)]
    unsafe fn values<S: Simd, const C: usize>(row: *const Self, column: usize) -> [S; C] {
        // SAFETY: the caller's promise.
        unsafe {
            let from = row.add(column);
            let mut vectors = [S::load(from); C];
            for (c, vector) in vectors.iter_mut().enumerate().skip(1) {
                *vector = S::load(from.add(c * LANES));
            }
            vectors
        }
    }
}

/// Keys `[number / 2][16 places][2]`, values `[number / 32][16][2]`: numbers i and 16 + i side by side.
impl Cached for bf16 {
    #[inline(always)]
    fn put_key(key: &[f32], block: &mut [Self], place: usize) {
        for (to, [a, b]) in block.chunks_exact_mut(2 * LANES).zip(key.as_chunks::<2>().0) {
            to[2 * place..][..2].copy_from_slice(&[rounded(*a), rounded(*b)]);
        }
    }

    #[inline(always)]
    fn put_value(value: &[f32], row: &mut [Self]) {
        let values = value.as_chunks::<{ 2 * LANES }>().0;
        for (to, value) in row.as_chunks_mut::<{ 2 * LANES }>().0.iter_mut().zip(values) {
            for i in 0..LANES {
                to[2 * i] = rounded(value[i]);
                to[2 * i + 1] = rounded(value[LANES + i]);
            }
        }
    }

    #[inline(always)]
    unsafe fn keys<S: Simd>(block: *const Self, pair: usize) -> [S; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let (even, odd) = S::load_bf16(block.add(2 * pair * LANES).cast());
            [even, odd]
        }
    }

    #[inline(always)]
    unsafe fn values<S: Simd, const C: usize>(row: *const Self, column: usize) -> [S; C] {
        // SAFETY: the caller's promise; pairs of vectors are whole.
        unsafe {
            const { assert!(C == 1 || C.is_multiple_of(2), "a pair is read at a time") };
            let first = column / (2 * LANES) * 2 * LANES;
            let pair = |at: usize| S::load_bf16(row.add(first + at).cast());
            let (even, odd) = pair(0);
            let mut vectors = [if column == first { even } else { odd }; C];
            for c in (0..C - C % 2).step_by(2) {
                (vectors[c], vectors[c + 1]) = pair(c * LANES);
            }
            vectors
        }
    }
}

/// The nearest bfloat16, ties to even; without branches, so that it goes by whole vectors.
#[inline(always)]
fn rounded(x: f32) -> bf16 {
    let bits = x.to_bits();
    let nearest = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    bf16::from_bits(if x.is_nan() { 0x7fc0 } else { nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_to_the_nearest() {
        for bits in (0..u32::MAX).step_by(10_007).chain([0x7f7f_ffff, 0x7f80_0000, 0xff80_0000]) {
            let x = f32::from_bits(bits);
            let (found, expected) = (rounded(x), bf16::from_f32(x));
            assert!(found.to_bits() == expected.to_bits() || x.is_nan() && found.is_nan(), "{x}");
        }
    }
}
