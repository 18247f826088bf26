//! NEON: four registers a vector; 8-bit products with the dot product instructions where there are
//! some (ARMv8.2 on most phones and all Apple silicon), with widening multiplications elsewhere.

use std::arch::aarch64::*;
use std::arch::asm;

use super::simd::{Kernel, Simd};

/// Sixteen numbers; `DOT` if the processor has dot products of bytes.
#[derive(Clone, Copy)]
pub(super) struct Neon<const DOT: bool>([float32x4_t; 4]);

/// Runs a kernel.
///
/// # Safety
/// The processor must have NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    // SAFETY: the instruction set is there, by the caller's promise.
    unsafe { kernel.run::<Neon<false>>() }
}

/// Runs a kernel.
///
/// # Safety
/// The processor must have NEON and dot products.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn run_dot<K: Kernel>(kernel: K) {
    // SAFETY: the instruction set is there, by the caller's promise.
    unsafe { kernel.run::<Neon<true>>() }
}

impl<const DOT: bool> Neon<DOT> {
    #[inline(always)]
    fn each(self, f: impl Fn(float32x4_t) -> float32x4_t) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

// SAFETY (all blocks below): callers of the trait's methods promise the instruction set and valid
// pointers.
impl<const DOT: bool> Simd for Neon<DOT> {
    const WIDE: bool = false;

    type Int = [int32x4_t; 4];
    type Bytes = [int8x16_t; 4];

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as said above.
        Self([unsafe { vdupq_n_f32(x) }; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as said above.
        Self(std::array::from_fn(|i| unsafe { vld1q_f32(from.add(4 * i)) }))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (i, x) in self.0.into_iter().enumerate() {
            // SAFETY: as said above.
            unsafe { vst1q_f32(to.add(4 * i), x) }
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as said above.
        self.zip(other, |a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as said above.
        self.zip(other, |a, b| unsafe { vsubq_f32(a, b) })
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as said above.
        self.zip(other, |a, b| unsafe { vmulq_f32(a, b) })
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: as said above.
        self.zip(other, |a, b| unsafe { vdivq_f32(a, b) })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: as said above.
        self.zip(other, |a, b| unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) })
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(std::array::from_fn(|i| unsafe { vfmaq_f32(b.0[i], self.0[i], a.0[i]) }))
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        // SAFETY: as said above.
        self.each(|x| unsafe { vabsq_f32(x) })
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // SAFETY: as said above.
        self.each(|x| unsafe { vrndnq_f32(x) })
    }

    #[inline(always)]
    unsafe fn exp2_whole(self) -> Self {
        // SAFETY: as said above.
        self.each(|x| unsafe {
            let n = vaddq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(127));
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(n))
        })
    }

    #[inline(always)]
    unsafe fn where_less(self, bound: Self, a: Self, b: Self) -> Self {
        // SAFETY: as said above.
        Self(std::array::from_fn(|i| unsafe {
            vbslq_f32(vcltq_f32(self.0[i], bound.0[i]), a.0[i], b.0[i])
        }))
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> (Self, Self) {
        // SAFETY: as said above; 32 numbers of 16 bits can be read.
        let pairs: [uint32x4_t; 4] =
            std::array::from_fn(|i| unsafe { vreinterpretq_u32_u16(vld1q_u16(from.add(8 * i))) });
        // SAFETY: as said above.
        let even = pairs.map(|x| unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(x)) });
        let odd = pairs.map(|x| {
            // SAFETY: as said above.
            unsafe { vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xffff_0000))) }
        });
        (Self(even), Self(odd))
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: as said above; 16 bytes can be written.
        unsafe {
            let [a, b, c, d] = self.0.map(|x| vmovn_s32(vcvtnq_s32_f32(x)));
            let low = vmovn_s16(vcombine_s16(a, b));
            let high = vmovn_s16(vcombine_s16(c, d));
            vst1q_s8(to, vcombine_s8(low, high));
        }
    }

    #[inline(always)]
    unsafe fn unfold(from: *const u8, factors: *const u8, upper: bool, to: *mut u8, stride: usize) {
        // SAFETY: as said above; 128 and 16 bytes can be read and four times 64 written.
        unsafe {
            let half = vdupq_n_u8(15);
            let factors = vld1q_u8(factors);
            let factors = if upper { vshrq_n_u8::<4>(factors) } else { vandq_u8(factors, half) };
            // Of each factor four: those of four outputs a vector.
            let twice = [vzip1q_u8(factors, factors), vzip2q_u8(factors, factors)];
            let [a, b] = twice.map(|x| vreinterpretq_u16_u8(x));
            let four = [vzip1q_u16(a, a), vzip2q_u16(a, a), vzip1q_u16(b, b), vzip2q_u16(b, b)];
            for (i, factors) in four.into_iter().enumerate() {
                let factors = vreinterpretq_u8_u16(factors);
                // 128 for the sign, less the 8 times the factor that each number is too large.
                let offset = vsubq_u8(vdupq_n_u8(128), vshlq_n_u8::<3>(factors));
                for pair in 0..2 {
                    let both = vld1q_u8(from.add(64 * pair + 16 * i));
                    let halves = [vandq_u8(both, half), vshrq_n_u8::<4>(both)];
                    for (k, numbers) in halves.into_iter().enumerate() {
                        let weights = vmlaq_u8(offset, numbers, factors);
                        vst1q_u8(to.add((2 * pair + k) * stride + 16 * i), weights);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self::Bytes {
        // SAFETY: as said above; 64 bytes can be read.
        std::array::from_fn(|i| unsafe {
            vreinterpretq_s8_u8(veorq_u8(vld1q_u8(from.add(16 * i)), vdupq_n_u8(128)))
        })
    }

    #[inline(always)]
    unsafe fn start(_total: i32) -> Self::Int {
        // SAFETY: as said above.
        [unsafe { vdupq_n_s32(0) }; 4]
    }

    #[inline(always)]
    unsafe fn dot4(sum: Self::Int, weights: Self::Bytes, x: *const i8) -> Self::Int {
        // SAFETY: as said above; four bytes can be read.
        let x = unsafe { vreinterpretq_s8_s32(vdupq_n_s32(x.cast::<i32>().read_unaligned())) };
        std::array::from_fn(|i| {
            // SAFETY: as said above; `DOT` says whether there are dot products.
            unsafe {
                if DOT { dot(sum[i], weights[i], x) } else { multiply(sum[i], weights[i], x) }
            }
        })
    }

    #[inline(always)]
    unsafe fn from_int(x: Self::Int) -> Self {
        // SAFETY: as said above.
        Self(x.map(|x| unsafe { vcvtq_f32_s32(x) }))
    }

    #[inline(always)]
    fn prefetch(from: *const u8) {
        // SAFETY: a hint that never faults.
        unsafe {
            asm!("prfm pldl1keep, [{}]", in(reg) from, options(nostack, preserves_flags, readonly));
        }
    }
}

/// Four sums of four products. The intrinsic for it is not stable in Rust yet.
#[inline(always)]
unsafe fn dot(mut sum: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the processor has the instruction, by the caller's promise; it touches registers only.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {sum:v}.4s, {weights:v}.16b, {x:v}.16b",
            sum = inout(vreg) sum,
            weights = in(vreg) weights,
            x = in(vreg) x,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

/// The same without dot products: two products are at most 2 * 127 * 128 and fit 16 bits.
#[inline(always)]
unsafe fn multiply(sum: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: as said above.
    unsafe {
        let low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
        let high = vmull_high_s8(weights, x);
        vpadalq_s16(sum, vpaddq_s16(low, high))
    }
}
