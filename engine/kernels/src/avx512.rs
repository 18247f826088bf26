//! AVX-512 (F, BW and VNNI: Ice Lake, Zen 4 and newer): one register per vector.

use std::arch::x86_64::*;

use super::simd::{Kernel, Simd, lanewise};
use super::x86;

/// Sixteen f32 in one register.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

/// Runs a kernel.
///
/// # Safety
/// The processor must have AVX-512F, BW and VNNI, AVX2 and FMA, and the contract of the kernel's type
/// must hold.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    // SAFETY: by the contract.
    unsafe { kernel.run::<Avx512>() }
}

impl Avx512 {
    /// Returns the first eight lanes and the last eight.
    ///
    /// # Safety
    /// The processor must have AVX-512F.
    #[inline(always)]
    unsafe fn halves(self) -> [__m256; 2] {
        // SAFETY: the instruction set is there, by the contract.
        unsafe {
            let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0));
            [_mm512_castps512_ps256(self.0), _mm256_castpd_ps(high)]
        }
    }
}

/// Applies an operation to the register of its vectors.
macro_rules! per_register {
    ($operation:expr, $($x:ident),*) => {
        Avx512($operation($($x.0),*))
    };
}

// SAFETY (all blocks below): by the contract of `Simd`, the instruction set is there and pointers are
// valid.
impl Simd for Avx512 {
    const WIDE: bool = true;

    type I32 = __m512i;
    type Weights = __m512i;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const f32) -> Self {
        // SAFETY: as above; 8 numbers can be read. Broadcasting eight f32 would need AVX-512DQ.
        unsafe { Self(_mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_loadu_pd(from.cast())))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    lanewise! { per_register:
        add(other) = _mm512_add_ps;
        sub(other) = _mm512_sub_ps;
        mul(other) = _mm512_mul_ps;
        div(other) = _mm512_div_ps;
        max(other) = _mm512_max_ps;
        fma(a, b) = _mm512_fmadd_ps;
        abs() = _mm512_abs_ps;
        round() = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>;
        exp2_int() = exp2_int;
        select_less(bound, a, b) = select_less;
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> (Self, Self) {
        // SAFETY: as above; 32 numbers of 16 bits can be read.
        unsafe {
            let pairs = _mm512_loadu_si512(from.cast());
            let odd = _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff_0000_u32.cast_signed()));
            let even = _mm512_slli_epi32::<16>(pairs);
            (Self(_mm512_castsi512_ps(even)), Self(_mm512_castsi512_ps(odd)))
        }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: as above; 16 bytes can be written.
        unsafe {
            let bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(self.0));
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

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
            let half = _mm512_set1_epi8(15);
            let factors = _mm512_cvtepu8_epi32(_mm_loadu_si128(factors.cast()));
            let factors = if upper {
                _mm512_srli_epi32::<4>(factors)
            } else {
                _mm512_and_si512(factors, _mm512_set1_epi32(15))
            };
            // One 16-bit product serves two bytes without a carry: 15 * 15 < 256.
            let twice = _mm512_or_si512(factors, _mm512_slli_epi32::<16>(factors));
            let all = _mm512_or_si512(twice, _mm512_slli_epi32::<8>(twice));
            // Offset 128 of packed weights, minus 8 * factor for the nibbles' offset of 8.
            let offset = _mm512_sub_epi8(_mm512_set1_epi8(-128), _mm512_slli_epi32::<3>(all));
            for pair in 0..2 {
                let both = _mm512_loadu_si512(from.add(64 * pair).cast());
                let high = _mm512_srli_epi16::<4>(both);
                for (k, numbers) in [both, high].into_iter().enumerate() {
                    let numbers = _mm512_and_si512(numbers, half);
                    let weights = _mm512_add_epi8(_mm512_mullo_epi16(numbers, twice), offset);
                    _mm512_storeu_si512(to.add((2 * pair + k) * stride).cast(), weights);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const u8) -> __m512i {
        // SAFETY: as above; 64 bytes can be read.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    /// VNNI takes unsigned weights, each 128 too large.
    #[inline(always)]
    unsafe fn init_dot(total: i32) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_set1_epi32(-128 * total) }
    }

    #[inline(always)]
    unsafe fn dot4(sum: __m512i, weights: __m512i, x: *const i8) -> __m512i {
        // SAFETY: as above; four bytes can be read.
        unsafe {
            let x = _mm512_set1_epi32(x.cast::<i32>().read_unaligned());
            _mm512_dpbusd_epi32(sum, weights, x)
        }
    }

    #[inline(always)]
    unsafe fn from_i32(x: __m512i) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_cvtepi32_ps(x) })
    }

    #[inline(always)]
    fn horizontal_sum(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let [low, high] = self.halves();
            x86::horizontal_sum(_mm256_add_ps(low, high))
        }
    }

    #[inline(always)]
    fn horizontal_max(self) -> f32 {
        // SAFETY: as above.
        unsafe {
            let [low, high] = self.halves();
            x86::horizontal_max(_mm256_max_ps(low, high))
        }
    }

    #[inline(always)]
    fn prefetch(from: *const u8) {
        // Non-temporal, past L2: weights, keys and values are used once a pass and must not evict
        // activations.
        // SAFETY: a hint that x86-64 always has and that never faults.
        unsafe { _mm_prefetch::<_MM_HINT_NTA>(from.cast()) }
    }
}

/// 2^x for integers in the exponent's range.
///
/// # Safety
/// The processor must have AVX-512F.
#[inline(always)]
unsafe fn exp2_int(x: __m512) -> __m512 {
    // SAFETY: by the contract.
    unsafe {
        let n = _mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(127));
        _mm512_castsi512_ps(_mm512_slli_epi32::<23>(n))
    }
}

/// `a` where x < bound, `b` elsewhere.
///
/// # Safety
/// The processor must have AVX-512F.
#[inline(always)]
unsafe fn select_less(x: __m512, bound: __m512, a: __m512, b: __m512) -> __m512 {
    // SAFETY: by the contract.
    unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, bound), b, a) }
}
