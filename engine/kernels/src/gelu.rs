//! Exact (erf) GELU.

use super::exp::exp;
use super::isa::Isa;
use super::simd::{Kernel, LANES, Simd};

/// Returns GELU(x) = x (1 + erf(x / sqrt 2)) / 2, within 4e-7 (1 + |x|) / 2 of exact.
///
/// Computed as x Q(|x|) for negative x and x - x Q(|x|) for others, with the Gaussian tail
/// Q(x) = erfc(a) / 2, a = x / sqrt 2, which avoids cancellation far from 0; and
/// erfc(a) = exp(-a²) t P(t), t = 1 / (1 + 0.4 a), with P the polynomial of degree 8 through the
/// Chebyshev nodes of 0 <= a <= 9.4, within 1.1e-7 of erfc relatively.
///
/// # Safety
/// The processor must have the instruction set of `S`.
#[inline(always)]
pub(super) unsafe fn gelu_vector<S: Simd>(x: S) -> S {
    const P: [f32; 9] = [
        0.037_142_545,
        -0.120_625_77,
        0.043_954_723,
        0.132_941_19,
        0.049_292_166,
        0.206_098_87,
        0.198_708_33,
        0.226_878_76,
        0.225_609_23,
    ];
    // SAFETY: by the contract.
    unsafe {
        let a = x.abs().mul(S::splat(std::f32::consts::FRAC_1_SQRT_2));
        let t = S::splat(1.0).div(a.fma(S::splat(0.4), S::splat(1.0)));
        let mut p = S::splat(P[0]);
        for c in &P[1..] {
            p = p.fma(t, S::splat(*c));
        }
        let square = x.mul(x).mul(S::splat(-0.5));
        let tail = exp(square).mul(t).mul(p).mul(S::splat(0.5)).mul(x);
        x.select_less(S::zero(), tail, x.sub(tail))
    }
}

/// Kernel that applies GELU in place; has no contract of its own.
struct Gelu<'a>(&'a mut [f32]);

impl Kernel for Gelu<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        for x in self.0.chunks_mut(LANES) {
            // SAFETY: the instruction set is there by the contract; accesses are as long as the chunk.
            unsafe {
                let y = gelu_vector(S::load_present(x.as_ptr(), x.len()));
                y.store_present(x.as_mut_ptr(), x.len());
            }
        }
    }
}

/// Applies GELU, x (1 + erf(x / sqrt 2)) / 2, to every number in place. Realtime-safe.
pub fn gelu(isa: Isa, x: &mut [f32]) {
    // SAFETY: the kernel has no contract.
    unsafe { isa.run(Gelu(x)) };
}
