//! Sources of codes for a model that hears no input.

/// Frames of codes for one processor.
pub(super) trait FrameSource: Send {
    /// Returns the codes, by layer, for frame `number` of the stream; `None` where there are none.
    fn next(&mut self, number: u64) -> Option<Vec<u32>>;

    /// Reports that a frame that `next` returned has been decoded.
    fn decoded(&mut self) {}

    /// Starts a new stream with the next frame.
    fn reset(&mut self);
}
