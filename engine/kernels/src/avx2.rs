//! AVX2 with FMA: two registers per vector.

use std::arch::x86_64::*;

use super::simd::{Kernel, Simd, lanewise};
use super::x86;

/// Sixteen f32 in two registers.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256, __m256);

/// Runs a kernel.
///
/// # Safety
/// The processor must have AVX2 and FMA, and the contract of the kernel's type must hold.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    // SAFETY: by the contract.
    unsafe { kernel.run::<Avx2>() }
}

/// Applies an operation to both registers of its vectors.
macro_rules! per_register {
    ($operation:expr, $($x:ident),*) => {
        Avx2($operation($($x.0),*), $operation($($x.1),*))
    };
}

// SAFETY (all blocks below): by the contract of `Simd`, the instruction set is there and pointers are
// valid.
impl Simd for Avx2 {
    const WIDE: bool = false;

    type I32 = (__m256i, __m256i);
    type Weights = (__m256i, __m256i);

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as above.
        let x = unsafe { _mm256_set1_ps(x) };
        Self(x, x)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn load_half(from: *const f32) -> Self {
        // SAFETY: as above; 8 numbers can be read.
        let half = unsafe { _mm256_loadu_ps(from) };
        Self(half, half)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    lanewise! { per_register:
        add(other) = _mm256_add_ps;
        sub(other) = _mm256_sub_ps;
        mul(other) = _mm256_mul_ps;
        div(other) = _mm256_div_ps;
        max(other) = _mm256_max_ps;
        fma(a, b) = _mm256_fmadd_ps;
        abs() = abs;
        round() = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>;
        exp2_int() = exp2_int;
        select_less(bound, a, b) = select_less;
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> (Self, Self) {
        // SAFETY: as above; 32 numbers of 16 bits can be read.
        unsafe {
            let a = _mm256_loadu_si256(from.cast());
            let b = _mm256_loadu_si256(from.add(16).cast());
            let mask = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
            let even = |x| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(x));
            let odd = |x| _mm256_castsi256_ps(_mm256_and_si256(x, mask));
            (Self(even(a), even(b)), Self(odd(a), odd(b)))
        }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: as above; 16 bytes can be written.
        unsafe {
            let (a, b) = (_mm256_cvtps_epi32(self.0), _mm256_cvtps_epi32(self.1));
            // `packs` works within 128-bit halves: restores the order of the middle quarters.
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(a, b));
            let high = _mm256_extracti128_si256::<1>(words);
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), high);
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    /// Eight outputs at a time; otherwise as in AVX-512.
    #[inline(always)]
    unsafe fn unpack_int4(
        from: *const u8,
        factors: *const u8,
        upper: bool,
        to: *mut u8,
        stride: usize,
    ) {
        // SAFETY: as above; 128 and 16 bytes can be read and four times 64 written.
        unsafe {
            let half = _mm256_set1_epi8(15);
            for eight in 0..2 {
                let factors = _mm256_cvtepu8_epi32(_mm_loadl_epi64(factors.add(8 * eight).cast()));
                let factors = if upper {
                    _mm256_srli_epi32::<4>(factors)
                } else {
                    _mm256_and_si256(factors, _mm256_set1_epi32(15))
                };
                let twice = _mm256_or_si256(factors, _mm256_slli_epi32::<16>(factors));
                let all = _mm256_or_si256(twice, _mm256_slli_epi32::<8>(twice));
                let offset = _mm256_sub_epi8(_mm256_set1_epi8(-128), _mm256_slli_epi32::<3>(all));
                for pair in 0..2 {
                    let both = _mm256_loadu_si256(from.add(64 * pair + 32 * eight).cast());
                    let high = _mm256_srli_epi16::<4>(both);
                    for (k, numbers) in [both, high].into_iter().enumerate() {
                        let numbers = _mm256_and_si256(numbers, half);
                        let weights = _mm256_add_epi8(_mm256_mullo_epi16(numbers, twice), offset);
                        let to = to.add((2 * pair + k) * stride + 32 * eight);
                        _mm256_storeu_si256(to.cast(), weights);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const u8) -> Self::Weights {
        // SAFETY: as above; 64 bytes can be read.
        unsafe {
            let sign = _mm256_set1_epi8(-128);
            let load = |from: *const u8| _mm256_xor_si256(_mm256_loadu_si256(from.cast()), sign);
            (load(from), load(from.add(32)))
        }
    }

    #[inline(always)]
    unsafe fn init_dot(_total: i32) -> Self::I32 {
        // SAFETY: as above.
        let zero = unsafe { _mm256_setzero_si256() };
        (zero, zero)
    }

    /// Multiplies |x| by w with the sign of x: sums of two products are at most 2 * 127 * 128 and fit
    /// 16 bits.
    #[inline(always)]
    unsafe fn dot4(sum: Self::I32, weights: Self::Weights, x: *const i8) -> Self::I32 {
        // SAFETY: as above; four bytes can be read.
        unsafe {
            let x = _mm256_set1_epi32(x.cast::<i32>().read_unaligned());
            let (size, ones) = (_mm256_abs_epi8(x), _mm256_set1_epi16(1));
            let add = |sum, weights| {
                let pairs = _mm256_maddubs_epi16(size, _mm256_sign_epi8(weights, x));
                _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, ones))
            };
            (add(sum.0, weights.0), add(sum.1, weights.1))
        }
    }

    #[inline(always)]
    unsafe fn from_i32(x: Self::I32) -> Self {
        // SAFETY: as above.
        unsafe { Self(_mm256_cvtepi32_ps(x.0), _mm256_cvtepi32_ps(x.1)) }
    }

    #[inline(always)]
    fn horizontal_sum(self) -> f32 {
        // SAFETY: as above.
        unsafe { x86::horizontal_sum(_mm256_add_ps(self.0, self.1)) }
    }

    #[inline(always)]
    fn horizontal_max(self) -> f32 {
        // SAFETY: as above.
        unsafe { x86::horizontal_max(_mm256_max_ps(self.0, self.1)) }
    }

    #[inline(always)]
    fn prefetch(from: *const u8) {
        // SAFETY: a hint that x86-64 always has and that never faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
    }
}

/// # Safety
/// The processor must have AVX.
#[inline(always)]
unsafe fn abs(x: __m256) -> __m256 {
    // SAFETY: by the contract.
    unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), x) }
}

/// 2^x for integers in the exponent's range.
///
/// # Safety
/// The processor must have AVX2.
#[inline(always)]
unsafe fn exp2_int(x: __m256) -> __m256 {
    // SAFETY: by the contract.
    unsafe {
        let n = _mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(n))
    }
}

/// `a` where x < bound, `b` elsewhere.
///
/// # Safety
/// The processor must have AVX.
#[inline(always)]
unsafe fn select_less(x: __m256, bound: __m256, a: __m256, b: __m256) -> __m256 {
    // SAFETY: by the contract.
    unsafe { _mm256_blendv_ps(b, a, _mm256_cmp_ps::<_CMP_LT_OQ>(x, bound)) }
}
