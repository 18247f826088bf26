//! The latency of the lanes and its parts.

use super::timing::Timing;

/// Time given to the codec beyond the frame and the filters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allowance {
    /// The largest block, one and a half times the measured compute time of the frames in it, and
    /// 3 ms for the system to wake the worker; rounded up to quarters of a frame, so that the same
    /// machine gives the same latency again.
    #[default]
    Auto,
    /// The samples that [`Auto`](Self::Auto) gave another port of the same model, host rate and block: the model is
    /// not timed again.
    Measured(usize),
    /// A number of samples at the host's rate. It should cover the largest block and the compute time
    /// of the frames in it; less leads to late frames. Offline, 0 is enough.
    Samples(usize),
}

/// Delay from input to all lanes, in samples at the host's rate. Fixed as long as a port lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The model's frame: its last sample must have come before it can be coded.
    pub frame: usize,
    /// Lookahead of the filters between the rates, both ways.
    pub resampling: usize,
    /// Time for the codec and for the host's blocks.
    pub allowance: usize,
}

impl Latency {
    /// Returns the sum of the parts: the latency to report to a host.
    pub fn total(&self) -> usize {
        self.frame + self.resampling + self.allowance
    }

    pub(super) fn new(timing: &Timing, allowance: usize) -> Self {
        let lookahead = timing.lookahead();
        let frame = timing.frame_length();
        Self { frame, resampling: lookahead.saturating_sub(frame), allowance }
    }
}

/// Returns the samples of [`Allowance::Auto`] for a model that takes `seconds` a frame.
pub(super) fn automatic_allowance(timing: &Timing, max_block: usize, seconds: f64) -> usize {
    let frame = timing.frame_length();
    let rate = f64::from(timing.host_rate());
    let frames = max_block.div_ceil(frame) as f64;
    let time = ((1.5 * seconds * frames + 0.003) * rate).ceil() as usize;
    (max_block + time).next_multiple_of((frame / 4).max(1))
}
