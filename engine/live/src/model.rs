//! All that the live path knows of a model.

use super::settings::FrameEffects;

/// Lanes that are decoded: A and B.
pub const DECODED_LANES: usize = 2;

/// The shape of a model's audio and codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFormat {
    /// Samples a second and channel.
    pub rate: u32,
    /// Channels of a stream, 1 or 2.
    pub channels: usize,
    /// Samples of a frame and channel.
    pub frame: usize,
    /// RVQ layers; 0 if it has no codes.
    pub layers: usize,
}

/// A loaded model, shared by all ports that run it.
pub trait LiveModel: Send + Sync {
    /// Its shape.
    fn format(&self) -> ModelFormat;

    /// A state of its own for `streams` streams that advance together, each in two lanes. May take
    /// long; called on a thread that may wait.
    ///
    /// # Errors
    /// What went wrong, for a person.
    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, String>;
}

/// Consecutive frames to process.
#[derive(Clone, Copy, Debug)]
pub struct FrameBatch<'a> {
    /// Number of the first frame since the start of the stream. Frames that were too late to be heard
    /// are left out, so that it may jump.
    pub first: u64,
    /// How many, at least 1.
    pub count: usize,
    /// The audio: the channels of each stream in turn, `count * frame` samples each, at the model's
    /// rate, finite and within ±10,000.
    pub planes: &'a [&'a [f32]],
    /// What holds for all of them.
    pub settings: &'a FrameEffects,
    /// Nobody hears what becomes of them: they only show how long frames take. A
    /// [`reset`](Processor::reset) follows.
    pub rehearsal: bool,
}

/// What became of frames.
#[derive(Debug, Default)]
pub struct DecodedFrames {
    /// Lane A's planes, in the order of the input's, then lane B's; `count * frame` samples each, one
    /// after the other.
    pub audio: Vec<f32>,
    /// The codes that were decoded: for each stream, for each layer, one a frame. Empty if there are
    /// none.
    pub codes: Vec<u32>,
}

/// A model's state in a stream. Runs on the worker thread only.
pub trait FrameProcessor: Send {
    /// Encodes and decodes the next frames into `out`, whose vectors keep their capacity from call to
    /// call. Any division of a stream into calls gives the same result.
    ///
    /// # Errors
    /// What went wrong, for a person; the worker then stops using this processor.
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String>;

    /// Forgets everything: the next frame is the first of a stream.
    fn reset(&mut self);
}
