//! Tail probabilities of the binomial distribution with p = 1/2.

/// Returns the exact probability of at least `right` right answers in `trials` by guessing between two: the sum of
/// C(n, k) / 2^n for k from `right` to n. 1 if `right` is 0, 0 if it exceeds `trials`.
pub fn chance_of_at_least(right: u32, trials: u32) -> f64 {
    if right > trials {
        return 0.0;
    }
    // In logarithms, because the terms of long tests underflow f64.
    let mut term = -f64::from(trials) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in 0..=trials {
        if k >= right {
            sum += term.exp();
        }
        term += (f64::from(trials - k) / f64::from(k + 1)).ln();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of whole numbers, divided once.
    fn exact(right: u32, trials: u32) -> f64 {
        let mut row = vec![1u128];
        for _ in 0..trials {
            let next = row.windows(2).map(|pair| pair[0] + pair[1]);
            row = std::iter::once(1).chain(next).chain([1]).collect();
        }
        let sum: u128 = row[right as usize..].iter().sum();
        sum as f64 / (1u128 << trials) as f64
    }

    #[test]
    fn every_test_of_up_to_60_trials_is_exact() {
        for trials in 0..=60 {
            for right in 0..=trials {
                let (ours, exact) = (chance_of_at_least(right, trials), exact(right, trials));
                assert!((ours / exact - 1.0).abs() < 1e-12, "{right}/{trials}: {ours} {exact}");
            }
        }
    }

    /// Sums of binomial coefficients over 2^n, by hand.
    #[test]
    fn known_fractions() {
        for (right, trials, over, whole) in [
            (1, 1, 1.0, 2.0),
            (7, 7, 1.0, 128.0),
            (7, 8, 9.0, 256.0),
            (9, 10, 11.0, 1024.0),
            (10, 12, 79.0, 4096.0),
            (12, 16, 2517.0, 65_536.0),
            (13, 16, 697.0, 65_536.0),
            (15, 20, 21_700.0, 1_048_576.0),
            (18, 25, 726_206.0, 33_554_432.0),
        ] {
            let (found, known) = (chance_of_at_least(right, trials), over / whole);
            assert!((found / known - 1.0).abs() < 1e-13, "{right}/{trials}: {found}, not {known}");
        }
    }

    /// Values of published tables of the binomial distribution, to the digits they give.
    #[test]
    fn published_values() {
        for (right, trials, chance) in [
            (5, 5, 0.03125),
            (9, 10, 0.0107),
            (8, 10, 0.0547),
            (12, 16, 0.0384),
            (13, 16, 0.0106),
            (14, 16, 0.0021),
            (15, 20, 0.0207),
            (32, 50, 0.0325),
            (59, 100, 0.0443),
        ] {
            let found = chance_of_at_least(right, trials);
            assert!((found - chance).abs() < 5.1e-5, "{right}/{trials}: {found}");
        }
        assert_eq!(chance_of_at_least(4, 3), 0.0);
        assert_eq!(chance_of_at_least(0, 1000), 1.0);
        assert!(chance_of_at_least(10_000, 10_000) == 0.0);
        assert!((chance_of_at_least(5000, 10_000) - 0.504).abs() < 1e-3);
    }
}
