//! Exponential function for x <= 0.

use super::simd::Simd;

/// Argument below which e^x would be denormal; the result is 0.
const MIN_ARGUMENT: f32 = -87.0;

/// Returns e^x for x <= 0 within 2 ulp, exactly 1 at 0 and exactly 0 below -87 (and for -inf).
///
/// e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2, and for e^r the polynomial of degree 6
/// through the Chebyshev nodes of that interval, which is within 2.1e-8.
///
/// # Safety
/// The processor must have the instruction set of `S`.
#[inline(always)]
pub(super) unsafe fn exp<S: Simd>(x: S) -> S {
    const POLYNOMIAL: [f32; 6] =
        [0.001_394_110_8, 0.008_375_126, 0.041_666_35, 0.166_664_15, 0.5, 1.0];
    // ln 2 in two parts (Cody-Waite): the first has so few bits that n times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // SAFETY: by the contract.
    unsafe {
        let clamped = x.max(S::splat(MIN_ARGUMENT));
        let n = clamped.mul(S::splat(std::f32::consts::LOG2_E)).round();
        let r = n.fma(S::splat(-LN2_HIGH), clamped);
        let r = n.fma(S::splat(-LN2_LOW), r);
        let mut y = S::splat(POLYNOMIAL[0]);
        for c in &POLYNOMIAL[1..] {
            y = y.fma(r, S::splat(*c));
        }
        y = y.fma(r, S::splat(1.0));
        x.select_less(S::splat(MIN_ARGUMENT), S::zero(), y.mul(n.exp2_int()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::simd::Kernel;

    /// Kernel that applies `exp` in place; has no contract of its own.
    struct Exp<'a>(&'a mut [f32]);

    impl Kernel for Exp<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            for x in self.0.chunks_exact_mut(16) {
                // SAFETY: sixteen numbers, and the instruction set is there by the contract.
                unsafe { exp(S::load(x.as_ptr())).store(x.as_mut_ptr()) }
            }
        }
    }

    #[test]
    fn is_within_two_ulp_and_the_same_on_every_instruction_set() {
        let x: Vec<f32> = (0..160_000).map(|i| -i as f32 * 5.437e-4).collect();
        let mut first: Option<Vec<f32>> = None;
        for isa in Isa::available() {
            let mut y = x.clone();
            // SAFETY: the kernel has no contract.
            unsafe { isa.run(Exp(&mut y)) };
            for (x, y) in x.iter().zip(&y) {
                let exact = f64::from(*x).exp();
                let ulp = f64::from((exact as f32).next_up() - exact as f32);
                assert!((f64::from(*y) - exact).abs() <= 2.0 * ulp, "exp({x}) = {y}");
            }
            assert!(first.get_or_insert(y.clone()).iter().eq(&y));
            let mut edges = [f32::NEG_INFINITY; 16];
            edges[..3].copy_from_slice(&[0.0, -87.5, -1e30]);
            // SAFETY: as above.
            unsafe { isa.run(Exp(&mut edges)) };
            assert_eq!(edges[..4], [1.0, 0.0, 0.0, 0.0]);
        }
    }
}
