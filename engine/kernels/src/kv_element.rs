//! Number formats of the KV cache: f32, or bfloat16 in half the memory. Layouts: see `kv_cache`.

#![allow(clippy::needless_range_loop, reason = "vectors are indexed by column")]

use half::bf16;

use super::simd::{LANES, Simd};

/// Element of a key or value in the cache.
pub(super) trait KvElement: Copy + Send + Sync {
    /// Stores a key, of an even number of numbers, as one of the sixteen positions of a block.
    fn store_key(key: &[f32], block: &mut [Self], position: usize);

    /// Stores a value of whole pairs of vectors.
    fn store_value(value: &[f32], row: &mut [Self]);

    /// Loads numbers 2 * pair and 2 * pair + 1 of the sixteen keys of a block.
    ///
    /// # Safety
    /// The processor must have the instruction set, and the pair be inside the block.
    unsafe fn load_keys<S: Simd>(block: *const Self, pair: usize) -> [S; 2];

    /// Loads `C` vectors of a value from `column` on, a multiple of them.
    ///
    /// # Safety
    /// The processor must have the instruction set, and the columns be inside the row.
    unsafe fn load_values<S: Simd, const C: usize>(row: *const Self, column: usize) -> [S; C];
}

/// Keys `[number][16 positions]`, values `[number]`.
impl KvElement for f32 {
    #[inline(always)]
    fn store_key(key: &[f32], block: &mut [Self], position: usize) {
        for (to, x) in block.chunks_exact_mut(LANES).zip(key) {
            to[position] = *x;
        }
    }

    #[inline(always)]
    fn store_value(value: &[f32], row: &mut [Self]) {
        row.copy_from_slice(value);
    }

    #[inline(always)]
    unsafe fn load_keys<S: Simd>(block: *const Self, pair: usize) -> [S; 2] {
        // SAFETY: by the contract.
        unsafe {
            let from = block.add(2 * pair * LANES);
            [S::load(from), S::load(from.add(LANES))]
        }
    }

    #[inline(always)]
    unsafe fn load_values<S: Simd, const C: usize>(row: *const Self, column: usize) -> [S; C] {
        // SAFETY: by the contract.
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

/// Keys `[number / 2][16 positions][2]`, values `[number / 32][16][2]`.
impl KvElement for bf16 {
    #[inline(always)]
    fn store_key(key: &[f32], block: &mut [Self], position: usize) {
        for (to, [a, b]) in block.chunks_exact_mut(2 * LANES).zip(key.as_chunks::<2>().0) {
            to[2 * position..][..2].copy_from_slice(&[to_bf16(*a), to_bf16(*b)]);
        }
    }

    #[inline(always)]
    fn store_value(value: &[f32], row: &mut [Self]) {
        let values = value.as_chunks::<{ 2 * LANES }>().0;
        for (to, value) in row.as_chunks_mut::<{ 2 * LANES }>().0.iter_mut().zip(values) {
            for i in 0..LANES {
                to[2 * i] = to_bf16(value[i]);
                to[2 * i + 1] = to_bf16(value[LANES + i]);
            }
        }
    }

    #[inline(always)]
    unsafe fn load_keys<S: Simd>(block: *const Self, pair: usize) -> [S; 2] {
        // SAFETY: by the contract.
        unsafe {
            let (even, odd) = S::load_bf16(block.add(2 * pair * LANES).cast());
            [even, odd]
        }
    }

    #[inline(always)]
    unsafe fn load_values<S: Simd, const C: usize>(row: *const Self, column: usize) -> [S; C] {
        // SAFETY: by the contract; pairs of vectors are whole.
        unsafe {
            const { assert!(C == 1 || C.is_multiple_of(2), "vectors are read in pairs") };
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

/// Nearest bfloat16, ties to even; without branches, so that it vectorizes.
#[inline(always)]
fn to_bf16(x: f32) -> bf16 {
    let bits = x.to_bits();
    let nearest = (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16;
    bf16::from_bits(if x.is_nan() { 0x7fc0 } else { nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversion_rounds_to_nearest_even() {
        for bits in (0..u32::MAX).step_by(10_007).chain([0x7f7f_ffff, 0x7f80_0000, 0xff80_0000]) {
            let x = f32::from_bits(bits);
            let (found, expected) = (to_bf16(x), bf16::from_f32(x));
            assert!(found.to_bits() == expected.to_bits() || x.is_nan() && found.is_nan(), "{x}");
        }
    }
}
