//! The greatest common divisor.

/// Returns the greatest common divisor of two numbers; the other number if one is 0.
pub const fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisors_of_sample_rates() {
        assert_eq!(gcd(44_100, 48_000), 300);
        assert_eq!(gcd(48_000, 44_100), 300);
        assert_eq!(gcd(47_999, 48_000), 1);
        assert_eq!((gcd(7, 0), gcd(0, 7)), (7, 7));
    }
}
