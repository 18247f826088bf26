//! How late the lanes are, exactly.

use super::timing::Timing;

/// How much longer than a frame and the filters the codec may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allowance {
    /// The largest block, one and a half times what the model was measured to need for the frames in
    /// it, and 3 ms for the system to wake the worker; rounded up to quarters of a frame, so that
    /// the same machine gives the same latency again.
    #[default]
    Auto,
    /// So many samples at the host's rate. It should cover the largest block and the time to compute
    /// the frames in it; less leads to late frames. In offline mode 0 is enough.
    Samples(usize),
}

/// Delay from input to all lanes, in samples at the host's rate. Fixed as long as a port lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The model's frame: its last sample must be there before its first can be coded.
    pub frame: usize,
    /// What the filters between the rates look ahead, both ways.
    pub resampling: usize,
    /// Time given to the codec and to the host's blocks.
    pub allowance: usize,
}

impl Latency {
    /// All of it: what to report to a host.
    pub fn total(&self) -> usize {
        self.frame + self.resampling + self.allowance
    }

    pub(super) fn new(timing: &Timing, allowance: usize) -> Self {
        let needed = timing.lookahead();
        let frame = timing.frame_ticks();
        Self { frame, resampling: needed.saturating_sub(frame), allowance }
    }
}

/// What [`Allowance::Auto`] comes to, for a model that takes `seconds` a frame.
pub(super) fn automatic(timing: &Timing, max_block: usize, seconds: f64) -> usize {
    let frame = timing.frame_ticks();
    let rate = f64::from(timing.host_rate());
    let frames = max_block.div_ceil(frame) as f64;
    let time = ((1.5 * seconds * frames + 0.003) * rate).ceil() as usize;
    (max_block + time).next_multiple_of((frame / 4).max(1))
}
