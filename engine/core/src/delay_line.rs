//! A delay line: the last samples of one channel, by their position in the stream.
//!
//! ```text
//!            position - delay                    position
//!                   v                               v
//! stream   ... . . [r r r r r . . . . . . . . . . . w w w w w] ...
//!                   read block      kept            written block
//!
//! ring     index = position mod capacity, capacity = 2^k >= delay + max_block
//! ```

/// Ring buffer of one channel's last samples. Realtime-safe once made.
pub struct DelayLine {
    ring: Box<[f32]>,
}

impl DelayLine {
    /// Returns a silent line that keeps at least `delay + max_block` samples, so that a block can be
    /// written before the one `delay` samples older is read. Allocates.
    pub fn new(delay: usize, max_block: usize) -> Self {
        Self { ring: vec![0.0; (delay + max_block).next_power_of_two()].into() }
    }

    /// Stores the samples from stream position `position` on, at most as many as are kept.
    pub fn write(&mut self, position: u64, samples: &[f32]) {
        let start = self.index(position);
        let (end, rest) = samples.split_at(samples.len().min(self.ring.len() - start));
        self.ring[start..start + end.len()].copy_from_slice(end);
        self.ring[..rest.len()].copy_from_slice(rest);
    }

    /// Reads the samples from stream position `position` on. Positions wrap, so that those before the
    /// start of the stream, `0u64.wrapping_sub(n)`, are silent until they are overwritten.
    pub fn read(&self, position: u64, samples: &mut [f32]) {
        let start = self.index(position);
        let (end, rest) = samples.split_at_mut(samples.len().min(self.ring.len() - start));
        end.copy_from_slice(&self.ring[start..start + end.len()]);
        rest.copy_from_slice(&self.ring[..rest.len()]);
    }

    /// Replaces every sample by silence.
    pub fn reset(&mut self) {
        self.ring.fill(0.0);
    }

    /// The capacity is a power of two, so that positions may wrap.
    fn index(&self, position: u64) -> usize {
        (position & (self.ring.len() as u64 - 1)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_come_out_delayed_in_blocks_of_any_size() {
        for delay in [0, 1, 7, 40] {
            let mut line = DelayLine::new(delay, 16);
            let (mut position, mut out) = (0u64, Vec::new());
            for count in [3, 16, 1, 0, 16, 5, 16, 16] {
                let block: Vec<f32> = (0..count).map(|n| (position + n + 1) as f32).collect();
                line.write(position, &block);
                let mut delayed = vec![-1.0; block.len()];
                line.read(position.wrapping_sub(delay as u64), &mut delayed);
                out.extend(delayed);
                position += count;
            }
            let expected = |n: usize| (n + 1).saturating_sub(delay) as f32;
            assert!(out.iter().enumerate().all(|(n, x)| *x == expected(n)), "{delay}: {out:?}");
        }
    }

    #[test]
    fn a_reset_line_is_silent() {
        let mut line = DelayLine::new(4, 4);
        line.write(0, &[1.0; 4]);
        line.reset();
        let mut samples = [1.0; 8];
        line.read(0, &mut samples);
        assert_eq!(samples, [0.0; 8]);
    }
}
