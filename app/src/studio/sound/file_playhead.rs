//! A position in a file, as it goes into the codec and as it is heard.

use std::ops::Range;

/// Jumps remembered until they have been heard: at 20 ms each, more than 5 s of latency.
const JUMPS: usize = 256;

/// The samples that go in next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextSamples {
    /// These samples of the file.
    Samples(Range<u64>),
    /// Samples of silence, past the file's end.
    Silence(usize),
    /// Nothing: the end has been heard.
    Ended,
}

/// Goes through a file, with or without a loop, and knows the sample that is heard a latency later. Realtime-safe once made.
pub struct FilePlayhead {
    length: u64,
    /// The next sample to go in.
    at: u64,
    region: Option<(u64, u64)>,
    /// Samples that went in since the stream started.
    passed: u64,
    /// Those of them that were silence past the end.
    tail: u64,
    /// Jumps, as (samples before it, sample that it went to). A ring.
    jumps: Box<[(u64, u64); JUMPS]>,
    /// Jumps in all.
    count: usize,
}

impl FilePlayhead {
    /// At the start of a file of so many samples.
    pub fn new(length: u64) -> Self {
        let jumps = Box::new([(0, 0); JUMPS]);
        Self { length, at: 0, region: None, passed: 0, tail: 0, jumps, count: 1 }
    }

    /// A new stream starts here.
    pub fn start(&mut self, at: u64) {
        self.at = at.min(self.length);
        (self.passed, self.tail, self.count) = (0, 0, 0);
        self.jump(self.at);
    }

    /// The position where the stream started, if nothing has gone in since.
    pub fn since_start(&self) -> Option<u64> {
        (self.passed == 0).then_some(self.at)
    }

    /// Repeats from one sample to before another. A position past the end goes on at the start.
    pub fn repeat(&mut self, region: Option<(u64, u64)>) {
        let region = region.map(|(start, end)| (start, end.min(self.length)));
        self.region = region.filter(|(start, end)| start < end);
    }

    /// Takes the next samples to go in, at most `most`, if they are heard `latency` samples later.
    pub fn next(&mut self, most: usize, latency: u64) -> NextSamples {
        if let Some((start, end)) = self.region
            && self.at >= end
        {
            self.at = start;
            self.jump(start);
        }
        let end = self.region.map_or(self.length, |(_, end)| end);
        if self.at < end {
            let count = (end - self.at).min(most as u64);
            let samples = self.at..self.at + count;
            self.at += count;
            self.passed += count;
            return NextSamples::Samples(samples);
        }
        let count = latency.saturating_sub(self.tail).min(most as u64);
        self.tail += count;
        self.passed += count;
        if count == 0 { NextSamples::Ended } else { NextSamples::Silence(count as usize) }
    }

    /// Whether all has gone in, and its silence too.
    pub fn is_over(&self, latency: u64) -> bool {
        self.region.is_none() && self.at >= self.length && self.tail >= latency
    }

    /// The sample that is heard next, `latency` samples after it went in.
    pub fn heard(&self, latency: u64) -> u64 {
        let heard = self.passed.saturating_sub(latency);
        let kept = self.count.min(JUMPS);
        let newest = (self.count - kept..self.count).rev().map(|n| self.jumps[n % JUMPS]);
        let mut last = (0, 0);
        for (after, at) in newest {
            last = (after, at);
            if after <= heard {
                break;
            }
        }
        (last.1 + heard.saturating_sub(last.0)).min(self.length)
    }

    fn jump(&mut self, to: u64) {
        self.jumps[self.count % JUMPS] = (self.passed, to);
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_in_whole_and_is_heard_to_its_end() {
        let mut playhead = FilePlayhead::new(10);
        playhead.start(0);
        assert_eq!(playhead.next(6, 5), NextSamples::Samples(0..6));
        assert_eq!(playhead.heard(5), 1);
        assert_eq!(playhead.next(6, 5), NextSamples::Samples(6..10));
        assert_eq!(playhead.next(2, 5), NextSamples::Silence(2));
        assert!(!playhead.is_over(5));
        assert_eq!(playhead.heard(5), 7);
        assert_eq!(playhead.next(6, 5), NextSamples::Silence(3));
        assert_eq!((playhead.next(6, 5), playhead.is_over(5)), (NextSamples::Ended, true));
        assert_eq!(playhead.heard(5), 10);
        playhead.start(8);
        assert_eq!((playhead.heard(5), playhead.next(1, 5)), (8, NextSamples::Samples(8..9)));
    }

    #[test]
    fn a_part_repeats_to_the_sample_and_is_heard_where_it_is() {
        let mut playhead = FilePlayhead::new(100);
        playhead.start(5);
        playhead.repeat(Some((10, 14)));
        let mut went = Vec::new();
        for _ in 0..40 {
            let NextSamples::Samples(samples) = playhead.next(3, 6) else {
                panic!("it never ends")
            };
            went.extend(samples);
            let heard = went.len().checked_sub(6).map_or(5, |n| went.get(n).copied().unwrap());
            assert_eq!(playhead.heard(6), heard, "after {} samples", went.len());
        }
        assert_eq!(went[..13], [5, 6, 7, 8, 9, 10, 11, 12, 13, 10, 11, 12, 13]);
        // Without the part it goes on; with one that lies behind it, it goes there at once.
        playhead.repeat(None);
        assert!(matches!(playhead.next(90, 6), NextSamples::Samples(range) if range.end == 100));
        playhead.repeat(Some((2, 200)));
        assert_eq!(playhead.next(3, 6), NextSamples::Samples(2..5));
        playhead.repeat(Some((7, 7)));
        assert_eq!(playhead.region, None);
    }
}
