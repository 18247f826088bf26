//! Reductions across the lanes of a vector, shared by AVX2 and AVX-512.

use std::arch::x86_64::*;

/// Sum of eight numbers, by halves.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
pub(super) unsafe fn horizontal_sum(x: __m256) -> f32 {
    // SAFETY: by the contract.
    unsafe { reduce(x, |a, b| _mm_add_ps(a, b)) }
}

/// Largest of eight numbers.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
pub(super) unsafe fn horizontal_max(x: __m256) -> f32 {
    // SAFETY: by the contract.
    unsafe { reduce(x, |a, b| _mm_max_ps(a, b)) }
}

/// Reduces eight numbers by halves.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
unsafe fn reduce(x: __m256, operation: impl Fn(__m128, __m128) -> __m128) -> f32 {
    // SAFETY: the instruction set is there, by the contract.
    unsafe {
        let four = operation(_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x));
        let two = operation(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(operation(two, _mm_movehdup_ps(two)))
    }
}
