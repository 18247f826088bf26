//! What AVX2 and AVX-512 share: the last steps across the lanes of a vector.

use std::arch::x86_64::*;

/// Sum of eight numbers, by halves.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
pub(super) unsafe fn sum(x: __m256) -> f32 {
    // SAFETY: the instruction set is there, by the caller's promise.
    unsafe {
        let four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }
}

/// Largest of eight numbers.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
pub(super) unsafe fn largest(x: __m256) -> f32 {
    // SAFETY: the instruction set is there, by the caller's promise.
    unsafe {
        let four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
    }
}
