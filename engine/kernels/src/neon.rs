//! NEON: four registers per vector; int8 products with dot product instructions where the processor has
//! them (ARMv8.2 on most phones, all Apple silicon), and with widening multiplications elsewhere.

use std::arch::aarch64::*;
use std::arch::asm;

use super::simd::{Kernel, Simd, lanewise};

/// Sixteen f32 in four registers; `DOT` if the processor has int8 dot products.
#[derive(Clone, Copy)]
pub(super) struct Neon<const DOT: bool>([float32x4_t; 4]);

/// Runs a kernel.
///
/// # Safety
/// The processor must have NEON, and the contract of the kernel's type must hold.
#[target_feature(enable = "neon")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    // SAFETY: by the contract.
    unsafe { kernel.run::<Neon<false>>() }
}

/// Runs a kernel with int8 dot products.
///
/// # Safety
/// The processor must have NEON and dot products, and the contract of the kernel's type must hold.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn run_dot<K: Kernel>(kernel: K) {
    // SAFETY: by the contract.
    unsafe { kernel.run::<Neon<true>>() }
}

/// Applies an operation to each register of its vectors.
macro_rules! per_register {
    ($operation:expr, $($x:ident),*) => {
        Neon(std::array::from_fn(|i| $operation($($x.0[i]),*)))
    };
}

// SAFETY (all blocks below): by the contract of `Simd`, the instruction set is there and pointers are
// valid.
impl<const DOT: bool> Simd for Neon<DOT> {
    const WIDE: bool = false;

    type I32 = [int32x4_t; 4];
    type Weights = [int8x16_t; 4];

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        // SAFETY: as above.
        Self([unsafe { vdupq_n_f32(x) }; 4])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as above.
        Self(std::array::from_fn(|i| unsafe { vld1q_f32(from.add(4 * i)) }))
    }

    #[inline(always)]
    unsafe fn load_half(from: *const f32) -> Self {
        // SAFETY: as above; 8 numbers can be read.
        let half = [unsafe { vld1q_f32(from) }, unsafe { vld1q_f32(from.add(4)) }];
        Self(std::array::from_fn(|i| half[i % 2]))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (i, x) in self.0.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { vst1q_f32(to.add(4 * i), x) }
        }
    }

    lanewise! { per_register:
        add(other) = vaddq_f32;
        sub(other) = vsubq_f32;
        mul(other) = vmulq_f32;
        div(other) = vdivq_f32;
        max(other) = max;
        fma(a, b) = fma;
        abs() = vabsq_f32;
        round() = vrndnq_f32;
        exp2_int() = exp2_int;
        select_less(bound, a, b) = select_less;
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> (Self, Self) {
        // SAFETY: as above; 32 numbers of 16 bits can be read.
        let pairs: [uint32x4_t; 4] =
            std::array::from_fn(|i| unsafe { vreinterpretq_u32_u16(vld1q_u16(from.add(8 * i))) });
        // SAFETY: as above.
        let even = pairs.map(|x| unsafe { vreinterpretq_f32_u32(vshlq_n_u32::<16>(x)) });
        let odd = pairs.map(|x| {
            // SAFETY: as above.
            unsafe { vreinterpretq_f32_u32(vandq_u32(x, vdupq_n_u32(0xffff_0000))) }
        });
        (Self(even), Self(odd))
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: as above; 16 bytes can be written.
        unsafe {
            let [a, b, c, d] = self.0.map(|x| vmovn_s32(vcvtnq_s32_f32(x)));
            let low = vmovn_s16(vcombine_s16(a, b));
            let high = vmovn_s16(vcombine_s16(c, d));
            vst1q_s8(to, vcombine_s8(low, high));
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
            let half = vdupq_n_u8(15);
            let factors = vld1q_u8(factors);
            let factors = if upper { vshrq_n_u8::<4>(factors) } else { vandq_u8(factors, half) };
            // Each factor four times, those of four outputs per register.
            let twice = [vzip1q_u8(factors, factors), vzip2q_u8(factors, factors)];
            let [a, b] = twice.map(|x| vreinterpretq_u16_u8(x));
            let four = [vzip1q_u16(a, a), vzip2q_u16(a, a), vzip1q_u16(b, b), vzip2q_u16(b, b)];
            for (i, factors) in four.into_iter().enumerate() {
                let factors = vreinterpretq_u8_u16(factors);
                // Offset 128 of packed weights, minus 8 * factor for the nibbles' offset of 8.
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
    unsafe fn load_weights(from: *const u8) -> Self::Weights {
        // SAFETY: as above; 64 bytes can be read.
        std::array::from_fn(|i| unsafe {
            vreinterpretq_s8_u8(veorq_u8(vld1q_u8(from.add(16 * i)), vdupq_n_u8(128)))
        })
    }

    #[inline(always)]
    unsafe fn init_dot(_total: i32) -> Self::I32 {
        // SAFETY: as above.
        [unsafe { vdupq_n_s32(0) }; 4]
    }

    #[inline(always)]
    unsafe fn dot4(sum: Self::I32, weights: Self::Weights, x: *const i8) -> Self::I32 {
        // SAFETY: as above; four bytes can be read.
        let x = unsafe { vreinterpretq_s8_s32(vdupq_n_s32(x.cast::<i32>().read_unaligned())) };
        std::array::from_fn(|i| {
            // SAFETY: as above; `DOT` says whether there are dot products.
            unsafe {
                if DOT { dot(sum[i], weights[i], x) } else { multiply(sum[i], weights[i], x) }
            }
        })
    }

    #[inline(always)]
    unsafe fn from_i32(x: Self::I32) -> Self {
        // SAFETY: as above.
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

/// Larger of a and b; `b` if one is NaN.
///
/// # Safety
/// The processor must have NEON.
#[inline(always)]
unsafe fn max(a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: by the contract.
    unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
}

/// x * a + b, rounded once.
///
/// # Safety
/// The processor must have NEON.
#[inline(always)]
unsafe fn fma(x: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
    // SAFETY: by the contract.
    unsafe { vfmaq_f32(b, x, a) }
}

/// 2^x for integers in the exponent's range.
///
/// # Safety
/// The processor must have NEON.
#[inline(always)]
unsafe fn exp2_int(x: float32x4_t) -> float32x4_t {
    // SAFETY: by the contract.
    unsafe {
        let n = vaddq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(127));
        vreinterpretq_f32_s32(vshlq_n_s32::<23>(n))
    }
}

/// `a` where x < bound, `b` elsewhere.
///
/// # Safety
/// The processor must have NEON.
#[inline(always)]
unsafe fn select_less(
    x: float32x4_t,
    bound: float32x4_t,
    a: float32x4_t,
    b: float32x4_t,
) -> float32x4_t {
    // SAFETY: by the contract.
    unsafe { vbslq_f32(vcltq_f32(x, bound), a, b) }
}

/// Adds to four sums four products each. The intrinsic is not stable in Rust yet.
///
/// # Safety
/// The processor must have dot products.
#[inline(always)]
unsafe fn dot(mut sum: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: the processor has the instruction, by the contract; it uses registers only.
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

/// Adds to four sums four products each, without dot products: sums of two products are at most
/// 2 * 127 * 128 and fit 16 bits.
///
/// # Safety
/// The processor must have NEON.
#[inline(always)]
unsafe fn multiply(sum: int32x4_t, weights: int8x16_t, x: int8x16_t) -> int32x4_t {
    // SAFETY: as above.
    unsafe {
        let low = vmull_s8(vget_low_s8(weights), vget_low_s8(x));
        let high = vmull_high_s8(weights, x);
        vpadalq_s16(sum, vpaddq_s16(low, high))
    }
}
