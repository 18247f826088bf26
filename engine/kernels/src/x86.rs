//! What AVX2 and AVX-512 share: the last steps across the lanes of a vector.

use std::arch::x86_64::*;

/// Sum of eight numbers, by halves.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
pub(super) unsafe fn sum(x: __m256) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { by_halves(x, |a, b| _mm_add_ps(a, b)) }
}

/// Largest of eight numbers.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
pub(super) unsafe fn largest(x: __m256) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { by_halves(x, |a, b| _mm_max_ps(a, b)) }
}

/// # Safety
/// The processor must have AVX.
#[inline(always)]
unsafe fn by_halves(x: __m256, both: impl Fn(__m128, __m128) -> __m128) -> f32 {
    // SAFETY: the instruction set is there, by the caller's promise.
    unsafe {
        let four = both(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let two = both(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(both(two, _mm_movehdup_ps(two)))
    }
}
