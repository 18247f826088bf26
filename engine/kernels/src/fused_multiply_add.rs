//! `x * y + z`, rounded once.

/// Returns `x * y + z`, rounded once, on every system. Realtime-safe.
#[inline(always)]
pub fn fused_multiply_add(x: f32, y: f32, z: f32) -> f32 {
    // mingw's `fmaf` rounds the product too, and a third of its results are off by one unit in the last place.
    if cfg!(all(windows, target_env = "gnu")) { by_doubles(x, y, z) } else { x.mul_add(y, z) }
}

/// Computes in f64, whose sum is rounded to odd, so that rounding to f32 gives the exact result's rounding (Boldo
/// and Melquiond, "Emulation of FMA and correctly rounded sums", 2008).
#[inline(always)]
fn by_doubles(x: f32, y: f32, z: f32) -> f32 {
    // The product of two f32 is exact in f64.
    let (product, z) = (f64::from(x) * f64::from(y), f64::from(z));
    let sum = product + z;
    if !sum.is_finite() {
        return sum as f32;
    }
    // The exact error of the sum (Knuth's two-sum).
    let part = sum - product;
    let error = (product - (sum - part)) + (z - part);
    let bits = sum.to_bits();
    let odd = if error == 0.0 || bits & 1 == 1 {
        bits
    } else if (error > 0.0) == (sum > 0.0) {
        bits + 1
    } else {
        bits - 1
    };
    f64::from_bits(odd) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Results of which the product's rounding would change the last bit, and the exact ones.
    #[test]
    fn the_product_is_not_rounded() {
        for (x, y, z, exact) in [
            (-8.901_599_6e-1, 9.295_133_4e-1, 7.758_235e-1, -5.159_208e-2),
            (9.441_018e-2, 7.881_844e-2, -5.034_736_4e-1, -4.960_324e-1),
            (-4.244_449e-1, 2.706_822_2e-1, -9.928_532e-1, -1.107_742_9),
        ] {
            for result in [by_doubles(x, y, z), fused_multiply_add(x, y, z)] {
                assert_eq!(
                    f32::to_bits(result),
                    f32::to_bits(exact),
                    "{x} * {y} + {z} is {result}"
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Any bit patterns, numbers that are not finite included.
        #[cfg(not(all(windows, target_env = "gnu")))]
        #[test]
        fn doubles_give_the_systems_results(x: u32, y: u32, z: u32) {
            let [x, y, z] = [x, y, z].map(f32::from_bits);
            let (ours, expected) = (by_doubles(x, y, z), x.mul_add(y, z));
            prop_assert!(ours.to_bits() == expected.to_bits() || ours.is_nan() && expected.is_nan());
        }
    }
}
