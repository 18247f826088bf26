//! Compute times of batches by their size: how long the next one will take.

use std::time::Duration;

/// Most sizes that are remembered.
const MOST_SIZES: usize = 32;
/// Share of a longer time that counts: a single one was a preemption.
const SLOWER_SHARE: u32 = 8;

/// Recent compute times by size, in the order of sizes.
#[derive(Debug, Default)]
pub(super) struct BatchTimes {
    times: Vec<(usize, Duration)>,
}

impl BatchTimes {
    /// Notes the time of a batch. A shorter time than the one known replaces it, a longer one raises it slowly.
    pub fn record(&mut self, size: usize, time: Duration) {
        match self.times.binary_search_by_key(&size, |entry| entry.0) {
            Ok(i) => {
                let known = &mut self.times[i].1;
                *known = match time.checked_sub(*known) {
                    Some(longer) => *known + longer / SLOWER_SHARE,
                    None => time,
                };
            }
            Err(i) if self.times.len() < MOST_SIZES => self.times.insert(i, (size, time)),
            // A neighbor's place: sizes in use stay close to what is remembered.
            Err(i) => self.times[i.min(MOST_SIZES - 1)] = (size, time),
        }
    }

    /// Returns the expected time of a batch: in proportion beyond the largest known size, interpolated between
    /// known ones, that of the smallest below it, and zero while nothing is known.
    pub fn predict(&self, size: usize) -> Duration {
        let above = self.times.partition_point(|entry| entry.0 < size);
        let scaled = |time: Duration, numerator: usize, denominator: usize| {
            time.mul_f64(numerator as f64 / denominator.max(1) as f64)
        };
        match (above.checked_sub(1).map(|i| self.times[i]), self.times.get(above)) {
            (None, None) => Duration::ZERO,
            (None, Some(&(_, time))) => time,
            (Some((known, time)), None) => scaled(time, size, known),
            (Some((low, from)), Some(&(high, to))) => {
                from + scaled(to.saturating_sub(from), size - low, high - low)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn times_are_interpolated_and_extended_in_proportion() {
        let mut times = BatchTimes::default();
        assert_eq!(times.predict(3), Duration::ZERO);
        times.record(2, ms(20));
        assert_eq!([1, 2, 4].map(|size| times.predict(size)), [ms(20), ms(20), ms(40)]);
        times.record(10, ms(60));
        assert_eq!([2, 4, 10, 20].map(|s| times.predict(s)), [ms(20), ms(30), ms(60), ms(120)]);
    }

    #[test]
    fn a_shorter_time_counts_at_once_and_a_longer_one_little() {
        let mut times = BatchTimes::default();
        times.record(1, ms(16));
        times.record(1, ms(8));
        assert_eq!(times.predict(1), ms(8));
        times.record(1, ms(88));
        assert_eq!(times.predict(1), ms(18));
    }

    #[test]
    fn memory_is_bounded() {
        let mut times = BatchTimes::default();
        for size in (1..1000).rev().chain(1..1000) {
            times.record(size, ms(size as u64));
            let sorted = times.times.is_sorted_by_key(|entry| entry.0);
            assert!(sorted && times.times.len() <= MOST_SIZES);
        }
    }
}
