//! The exponential function of numbers that are not positive.

use super::simd::Simd;

/// Below this, e^x is not a normal f32 number; it becomes 0.
const SMALLEST: f32 = -87.0;

/// e^x for x <= 0 within 2 ulp, exactly 1 at 0 and exactly 0 below -87 (and for -inf).
///
/// e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln 2 / 2, and for e^r the polynomial of degree 6
/// through the Chebyshev nodes of that interval, which is within 2.1e-8.
///
/// # Safety
/// The instruction set of `S` must be there.
#[inline(always)]
pub(super) unsafe fn exp<S: Simd>(x: S) -> S {
    const POLYNOMIAL: [f32; 6] =
        [0.001_394_110_8, 0.008_375_126, 0.041_666_35, 0.166_664_15, 0.5, 1.0];
    // ln 2 in two parts; the first has so few digits that n times it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // SAFETY: the caller's promise.
    unsafe {
        let clamped = x.max(S::splat(SMALLEST));
        let n = clamped.mul(S::splat(std::f32::consts::LOG2_E)).round();
        let r = n.fma(S::splat(-LN2_HIGH), clamped);
        let r = n.fma(S::splat(-LN2_LOW), r);
        let mut y = S::splat(POLYNOMIAL[0]);
        for c in &POLYNOMIAL[1..] {
            y = y.fma(r, S::splat(*c));
        }
        y = y.fma(r, S::splat(1.0));
        x.where_less(S::splat(SMALLEST), S::zero(), y.mul(n.exp2_whole()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::simd::Kernel;

    struct Each<'a>(&'a mut [f32]);

    impl Kernel for Each<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            for x in self.0.chunks_exact_mut(16) {
                // SAFETY: sixteen numbers, and the instruction set is there.
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
            isa.run(Each(&mut y));
            for (x, y) in x.iter().zip(&y) {
                let exact = f64::from(*x).exp();
                let ulp = f64::from((exact as f32).next_up() - exact as f32);
                assert!((f64::from(*y) - exact).abs() <= 2.0 * ulp, "exp({x}) = {y}");
            }
            assert!(first.get_or_insert(y.clone()).iter().eq(&y));
            let mut edges = [f32::NEG_INFINITY; 16];
            edges[..3].copy_from_slice(&[0.0, -87.5, -1e30]);
            isa.run(Each(&mut edges));
            assert_eq!(edges[..4], [1.0, 0.0, 0.0, 0.0]);
        }
    }
}
