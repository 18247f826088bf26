//! Reproducible random numbers: SplitMix64.
//!
//! Source: G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators",
//! OOPSLA 2014. Its output is a hash of a counter, so that any number of a sequence is known
//! without the ones before it. Not for secrets, nor for choices that a listener must not guess.

/// Increment of the counter: 2^64 over the golden ratio, made odd.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Returns 64 well-mixed bits that depend on `seed + index * GAMMA` alone. Realtime-safe.
///
/// `split_mix(seed, 1)`, `split_mix(seed, 2)`, ... are the outputs of SplitMix64 under `seed`.
pub fn split_mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_mul(GAMMA));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The sequence of one seed. All methods are realtime-safe.
#[derive(Clone, Debug)]
pub struct SplitMix64 {
    seed: u64,
    index: u64,
}

impl SplitMix64 {
    /// Returns the sequence of `seed`, from its start.
    pub fn new(seed: u64) -> Self {
        Self { seed, index: 0 }
    }

    /// Returns the next 64 bits.
    pub fn next_bits(&mut self) -> u64 {
        self.index = self.index.wrapping_add(1);
        split_mix(self.seed, self.index)
    }

    /// Returns a number below `end`, each nearly as likely as the others; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next_bits()) * end as u128) >> 64) as usize
    }

    /// Returns a number in [-1, 1), in steps of 2^-23: a sample of white noise at full scale.
    pub fn sample(&mut self) -> f32 {
        (self.next_bits() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the reference implementation (Vigna, `splitmix64.c`) for seed 1234567.
    #[test]
    fn outputs_are_those_of_the_reference() {
        let mut random = SplitMix64::new(1_234_567);
        let expected: [u64; 5] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| random.next_bits()), expected);
    }

    #[test]
    fn numbers_fill_their_range_evenly() {
        let mut random = SplitMix64::new(3);
        let mut counts = [0; 5];
        (0..10_000).for_each(|_| counts[random.below(5)] += 1);
        // 2000 each, with a standard deviation of 40.
        assert!(counts.iter().all(|count| (1800..2200).contains(count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
        let samples: Vec<f32> = (0..10_000).map(|_| random.sample()).collect();
        assert!(samples.iter().all(|x| (-1.0..1.0).contains(x)));
        let power = samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32;
        assert!((power - 1.0 / 3.0).abs() < 0.01, "{power}");
    }
}
