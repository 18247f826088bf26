//! The trait by which the live path knows models.

use std::time::{Duration, Instant};

use super::error::ProcessorError;
use super::settings::FrameEffects;

/// Decoded lanes: A and B.
pub const DECODED_LANES: usize = 2;

/// Shape of a model's audio and codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFormat {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Channels of a stream, 1 or 2.
    pub channels: usize,
    /// Samples of a frame and channel.
    pub frame: usize,
    /// RVQ layers; 0 if the model has no codes.
    pub layers: usize,
}

/// A loaded model, shared by all ports that run it.
pub trait LiveModel: Send + Sync {
    /// Returns the shape of its audio and codes.
    fn format(&self) -> ModelFormat;

    /// Returns a new streaming state for `streams` streams that advance together, each decoded to two
    /// lanes. May take seconds; called on a thread that may wait.
    ///
    /// # Errors
    /// If the state cannot be prepared; the message is shown to the user.
    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, ProcessorError>;
}

/// Consecutive frames to process.
#[derive(Clone, Copy, Debug)]
pub struct FrameBatch<'a> {
    /// Number of the first frame, counted from the start of the stream. It skips the numbers of frames
    /// that were left out because they would have been too late.
    pub first_frame: u64,
    /// Number of frames, at least 1.
    pub count: usize,
    /// The audio: the channels of each stream in turn, `count * frame` samples each, at the model's
    /// rate, finite and within ±10,000.
    pub planes: &'a [&'a [f32]],
    /// Settings of all of these frames.
    pub settings: &'a FrameEffects,
    /// The result is discarded: the call only measures compute time. A
    /// [`reset`](FrameProcessor::reset) follows.
    pub timing_only: bool,
    /// Instant at which the result is needed; `None` where the port waits for it.
    pub due: Option<Instant>,
}

/// Output of a [`FrameBatch`].
#[derive(Debug, Default)]
pub struct DecodedFrames {
    /// Lane A's planes, in the order of the input's, then lane B's; `count * frame` samples each, one
    /// after the other.
    pub audio: Vec<f32>,
    /// The codes that were decoded, `[streams][layers][count]`. Empty if there are none.
    pub codes: Vec<u32>,
    /// Time in which the frames waited for those of other instances though they could have been computed, which
    /// is no part of the load.
    pub held: Duration,
}

/// A model's streaming state. Runs on the worker thread only.
pub trait FrameProcessor: Send {
    /// Encodes and decodes the next frames into `out`, whose vectors keep their capacity from call to
    /// call. Any division of a stream into calls gives the same result.
    ///
    /// # Errors
    /// If the model fails; the worker then stops using this processor, and the message is shown to the
    /// user.
    fn process(
        &mut self,
        frames: &FrameBatch<'_>,
        out: &mut DecodedFrames,
    ) -> Result<(), ProcessorError>;

    /// Clears the state: the next frame is the first of a stream.
    fn reset(&mut self);
}
