//! The dry lane.

/// One channel's last samples. Realtime-safe once made.
pub(super) struct Delay {
    ring: Box<[f32]>,
}

impl Delay {
    /// Keeps samples until `delay` more and a block of `max_block` have come.
    pub fn new(delay: usize, max_block: usize) -> Self {
        Self { ring: vec![0.0; (delay + max_block).next_power_of_two()].into() }
    }

    /// Stores the samples from number `position` on.
    pub fn write(&mut self, position: u64, samples: &[f32]) {
        let start = self.index(position);
        let (end, rest) = samples.split_at(samples.len().min(self.ring.len() - start));
        self.ring[start..start + end.len()].copy_from_slice(end);
        self.ring[..rest.len()].copy_from_slice(rest);
    }

    /// Reads the samples from number `position` on.
    pub fn read(&self, position: u64, samples: &mut [f32]) {
        let start = self.index(position);
        let (end, rest) = samples.split_at_mut(samples.len().min(self.ring.len() - start));
        end.copy_from_slice(&self.ring[start..start + end.len()]);
        rest.copy_from_slice(&self.ring[..rest.len()]);
    }

    fn index(&self, position: u64) -> usize {
        (position & (self.ring.len() as u64 - 1)) as usize
    }
}
