//! AVX-512 (F, BW and VNNI: Ice Lake, Zen 4 and newer): one register a vector.

use std::arch::x86_64::*;

use super::simd::{Kernel, Simd};
use super::x86;

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

/// Runs a kernel.
///
/// # Safety
/// The processor must have AVX-512F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    // SAFETY: the instruction set is there, by the caller's promise.
    unsafe { kernel.run::<Avx512>() }
}

impl Avx512 {
    /// The first eight lanes, and the last.
    ///
    /// # Safety
    /// The processor must have AVX-512F.
    #[inline(always)]
    unsafe fn halves(self) -> [__m256; 2] {
        // SAFETY: the instruction set is there, by the caller's promise.
        unsafe {
            let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(self.0));
            [_mm512_castps512_ps256(self.0), _mm256_castpd_ps(high)]
        }
    }
}

// SAFETY (all blocks below): callers of the trait's methods promise the instruction set and valid
// pointers.
impl Simd for Avx512 {
    const WIDE: bool = true;

    type Int = __m512i;
    type Bytes = __m512i;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as said above.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_fmadd_ps(self.0, a.0, b.0) })
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_abs_ps(self.0) })
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe {
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)
        })
    }

    #[inline(always)]
    unsafe fn exp2_whole(self) -> Self {
        // SAFETY: as said above.
        Self(unsafe {
            let n = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
            _mm512_castsi512_ps(_mm512_slli_epi32::<23>(n))
        })
    }

    #[inline(always)]
    unsafe fn where_less(self, bound: Self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(unsafe {
            let less = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, bound.0);
            _mm512_mask_blend_ps(less, b.0, a.0)
        })
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> (Self, Self) {
        // SAFETY: as said above; 32 numbers of 16 bits can be read.
        unsafe {
            let pairs = _mm512_loadu_si512(from.cast());
            let odd = _mm512_and_si512(pairs, _mm512_set1_epi32(0xffff_0000_u32.cast_signed()));
            let even = _mm512_slli_epi32::<16>(pairs);
            (Self(_mm512_castsi512_ps(even)), Self(_mm512_castsi512_ps(odd)))
        }
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: as said above; 16 bytes can be written.
        unsafe {
            let bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(self.0));
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    #[inline(always)]
    unsafe fn unfold(from: *const u8, factors: *const u8, upper: bool, to: *mut u8, stride: usize) {
        // SAFETY: as said above; 128 and 16 bytes can be read and four times 64 written.
        unsafe {
            let half = _mm512_set1_epi8(15);
            let factors = _mm512_cvtepu8_epi32(_mm_loadu_si128(factors.cast()));
            let factors = if upper {
                _mm512_srli_epi32::<4>(factors)
            } else {
                _mm512_and_si512(factors, _mm512_set1_epi32(15))
            };
            // In 16 bits a product of two bytes with one factor does not run over: 15 * 15 < 256.
            let twice = _mm512_or_si512(factors, _mm512_slli_epi32::<16>(factors));
            let all = _mm512_or_si512(twice, _mm512_slli_epi32::<8>(twice));
            // 128 for the sign, less the 8 times the factor that each number is too large.
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
    unsafe fn load_bytes(from: *const u8) -> __m512i {
        // SAFETY: as said above; 64 bytes can be read.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    /// The instruction wants weights without sign: each is 128 too large.
    #[inline(always)]
    unsafe fn start(total: i32) -> __m512i {
        // SAFETY: as said above.
        unsafe { _mm512_set1_epi32(-128 * total) }
    }

    #[inline(always)]
    unsafe fn dot4(sum: __m512i, weights: __m512i, x: *const i8) -> __m512i {
        // SAFETY: as said above; four bytes can be read.
        unsafe {
            let x = _mm512_set1_epi32(x.cast::<i32>().read_unaligned());
            _mm512_dpbusd_epi32(sum, weights, x)
        }
    }

    #[inline(always)]
    unsafe fn from_int(x: __m512i) -> Self {
        // SAFETY: as said above.
        Self(unsafe { _mm512_cvtepi32_ps(x) })
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: as said above.
        unsafe {
            let [low, high] = self.halves();
            x86::sum(_mm256_add_ps(low, high))
        }
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        // SAFETY: as said above.
        unsafe {
            let [low, high] = self.halves();
            x86::largest(_mm256_max_ps(low, high))
        }
    }

    #[inline(always)]
    fn prefetch(from: *const u8) {
        // Past the second-level cache, where activations would make way for weights, keys and values,
        // which a pass uses once.
        // SAFETY: a hint, which x86-64 always has and which never faults.
        unsafe { _mm_prefetch::<_MM_HINT_NTA>(from.cast()) }
    }
}
