//! Where tests take their random choices from.

/// The system has no random numbers to give: no blind test can be run.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no random numbers ({0}); a blind test needs them")]
pub struct RandomError(pub(super) getrandom::Error);

/// A source of choices.
pub trait RandomSource: Send {
    /// A number below `count`, each as likely as the others.
    ///
    /// # Errors
    /// If there are no random numbers.
    fn below(&mut self, count: usize) -> Result<usize, RandomError>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn below(&mut self, count: usize) -> Result<usize, RandomError> {
        let count = count as u64;
        // Numbers from the last incomplete round would make the first choices likelier.
        let rounds = u64::MAX - u64::MAX % count;
        loop {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).map_err(RandomError)?;
            let number = u64::from_le_bytes(bytes);
            if number < rounds {
                return Ok((number % count) as usize);
            }
        }
    }
}

/// Choices that repeat under a seed: for tests of tests, never for a test of a listener.
#[derive(Clone, Copy, Debug)]
pub struct SeededRandom(pub u64);

impl RandomSource for SeededRandom {
    fn below(&mut self, count: usize) -> Result<usize, RandomError> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Ok(((u128::from(self.0) * count as u128) >> 64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_as_likely() {
        for draw in [&mut SystemRandom as &mut dyn RandomSource, &mut SeededRandom(4)] {
            let mut counts = [0; 5];
            (0..10_000).for_each(|_| counts[draw.below(5).unwrap()] += 1);
            // 2000 each, with a standard deviation of 40.
            assert!(counts.iter().all(|count| (1750..2250).contains(count)), "{counts:?}");
        }
    }
}
