//! Marks: position, stream and settings from a sample on, sent through the rings with the samples.
//!
//! Positions count samples per channel since the port was opened, for input and lanes alike: lane
//! sample `n` belongs to input sample `n`, and is heard one latency later. A stream begins at its
//! origin, the first sample after the opening or a reset.

use super::settings::FrameEffects;

/// State of the input from a sample on. Every mark carries all of it, so that one that found no room
/// is made up for by the next that does.
#[derive(Clone, Copy)]
pub(super) struct InputMark {
    /// Position of the sample.
    pub position: u64,
    /// Position of the first sample of its stream.
    pub origin: u64,
    /// Settings of the frames that begin at the sample or later.
    pub settings: FrameEffects,
}

/// State of the lanes from a sample on.
#[derive(Clone, Copy)]
pub(super) struct LaneMark {
    /// Position of the sample.
    pub position: u64,
    /// Position of the first sample of its stream.
    pub origin: u64,
}
