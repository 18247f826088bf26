//! The lanes of a block, for recorders.

use std::ops::Range;

/// Lanes of a block as they were played, before they were mixed.
///
/// Holds samples of the running stream only: the silence before them, for one latency after a start,
/// is left out.
#[derive(Clone, Copy)]
pub struct LaneBlock<'a> {
    pub(super) position: u64,
    pub(super) start: usize,
    pub(super) end: usize,
    /// By channel.
    pub(super) dry: &'a [Vec<f32>],
    /// By lane and channel.
    pub(super) wet: &'a [Vec<f32>],
    /// By channel.
    pub(super) output: &'a [Vec<f32>],
}

impl<'a> LaneBlock<'a> {
    /// Returns the position of the first lane sample, counted from the opening of the port, as in
    /// [`FrameCodes::position`](super::FrameCodes::position). Realtime-safe.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Returns the samples of each plane. Realtime-safe.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Returns whether there are no samples. Realtime-safe.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the dry lane. Realtime-safe.
    ///
    /// # Panics
    /// If the port has no such channel.
    pub fn dry(&self, channel: usize) -> &'a [f32] {
        &self.dry[channel][self.range()]
    }

    /// Returns lane A (0) or B (1), with late frames concealed. Realtime-safe.
    ///
    /// # Panics
    /// If there is no such lane, or the port has no such channel.
    pub fn lane(&self, lane: usize, channel: usize) -> &'a [f32] {
        let channels = self.dry.len();
        assert!(channel < channels, "the port has {channels} channels");
        &self.wet[lane * channels + channel][self.range()]
    }

    /// Returns the port's output. Realtime-safe.
    ///
    /// # Panics
    /// If the port has no such channel.
    pub fn output(&self, channel: usize) -> &'a [f32] {
        &self.output[channel][self.range()]
    }

    fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}
