//! Portable implementation in plain Rust, for any processor; the others are tested against it.
//!
//! On targets without a fused multiply-add instruction it is a library call: exact and slow.

use super::fused_multiply_add::fused_multiply_add;
use super::simd::{Kernel, LANES, Simd};

/// Sixteen f32 in an array.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

/// Runs a kernel.
///
/// # Safety
/// The contract of the kernel's type must hold.
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    // SAFETY: by the contract; plain Rust needs no particular instruction set.
    unsafe { kernel.run::<Portable>() }
}

impl Portable {
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Self(self.0.map(f))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Simd for Portable {
    const WIDE: bool = false;

    type I32 = [i32; LANES];
    type Weights = [[i32; 4]; LANES];

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: sixteen numbers can be read, by the contract.
        Self(unsafe { from.cast::<[f32; LANES]>().read() })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const f32) -> Self {
        // SAFETY: eight numbers can be read, by the contract.
        let half = unsafe { from.cast::<[f32; LANES / 2]>().read() };
        Self(std::array::from_fn(|i| half[i % half.len()]))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: sixteen numbers can be written, by the contract.
        unsafe { to.cast::<[f32; LANES]>().write(self.0) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn fma(self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|i| fused_multiply_add(self.0[i], a.0[i], b.0[i])))
    }

    #[inline(always)]
    unsafe fn abs(self) -> Self {
        self.map(f32::abs)
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // Adding 1.5 * 2^23 leaves no bits below one.
        self.map(|x| (x + 12_582_912.0) - 12_582_912.0)
    }

    #[inline(always)]
    unsafe fn exp2_int(self) -> Self {
        self.map(|x| f32::from_bits(((x as i32 + 127) << 23) as u32))
    }

    #[inline(always)]
    unsafe fn select_less(self, bound: Self, a: Self, b: Self) -> Self {
        Self(std::array::from_fn(|i| if self.0[i] < bound.0[i] { a.0[i] } else { b.0[i] }))
    }

    #[inline(always)]
    unsafe fn load_bf16(from: *const u16) -> (Self, Self) {
        // SAFETY: 32 numbers of 16 bits can be read, by the contract.
        let words = unsafe { from.cast::<[u16; 2 * LANES]>().read_unaligned() };
        let number = |word: u16| f32::from_bits(u32::from(word) << 16);
        let half = |odd| Self(std::array::from_fn(|i| number(words[2 * i + odd])));
        (half(0), half(1))
    }

    #[inline(always)]
    unsafe fn store_i8(self, to: *mut i8) {
        // SAFETY: by the contract.
        unsafe { to.cast::<[i8; LANES]>().write_unaligned(self.round().0.map(|x| x as i8)) }
    }

    #[inline(always)]
    unsafe fn unpack_int4(
        from: *const u8,
        factors: *const u8,
        upper: bool,
        to: *mut u8,
        stride: usize,
    ) {
        // SAFETY: as many bytes can be read and written, by the contract.
        unsafe {
            let from = from.cast::<[[[u8; 4]; LANES]; 2]>().read_unaligned();
            let factors = factors.cast::<[u8; LANES]>().read_unaligned();
            for vector in 0..4 {
                let half = |byte: u8, upper: bool| if upper { byte >> 4 } else { byte & 15 };
                let weights: [[u8; 4]; LANES] = std::array::from_fn(|i| {
                    let factor = half(factors[i], upper);
                    let number = |byte: u8| half(byte, vector % 2 == 1) * factor;
                    from[vector / 2][i].map(|byte| number(byte) + (128 - 8 * factor))
                });
                to.add(vector * stride).cast::<[[u8; 4]; LANES]>().write_unaligned(weights);
            }
        }
    }

    #[inline(always)]
    unsafe fn load_weights(from: *const u8) -> Self::Weights {
        // SAFETY: 64 bytes can be read, by the contract.
        let bytes = unsafe { from.cast::<[[u8; 4]; LANES]>().read_unaligned() };
        bytes.map(|four| four.map(|byte| i32::from(byte) - 128))
    }

    #[inline(always)]
    unsafe fn init_dot(_total: i32) -> Self::I32 {
        [0; LANES]
    }

    #[inline(always)]
    unsafe fn dot4(mut sum: Self::I32, weights: Self::Weights, x: *const i8) -> Self::I32 {
        // SAFETY: four bytes can be read, by the contract.
        let x = unsafe { x.cast::<[i8; 4]>().read_unaligned() };
        for (sum, weights) in sum.iter_mut().zip(weights) {
            for (weight, x) in weights.iter().zip(x) {
                *sum += weight * i32::from(x);
            }
        }
        sum
    }

    #[inline(always)]
    unsafe fn from_i32(x: Self::I32) -> Self {
        Self(x.map(|x| x as f32))
    }

    #[inline(always)]
    fn prefetch(_from: *const u8) {}
}
