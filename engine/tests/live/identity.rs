//! A model that returns its input in both lanes.

use std::sync::Arc;

use residue_engine::live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
    ProcessorError,
};

/// A test's effect on the audio of all lanes of a call.
pub type Act = Arc<dyn Fn(&FrameBatch<'_>, &mut [f32]) -> Result<(), ProcessorError> + Send + Sync>;

/// A model whose lanes are its input.
#[derive(Clone)]
pub struct Identity {
    pub format: ModelFormat,
    pub act: Option<Act>,
}

impl Identity {
    pub fn new(rate: u32, channels: usize, frame: usize) -> Self {
        Self { format: ModelFormat { rate, channels, frame, layers: 32 }, act: None }
    }

    /// Returns the same model, with an effect on every call.
    pub fn with(
        self,
        act: impl Fn(&FrameBatch<'_>, &mut [f32]) -> Result<(), ProcessorError> + Send + Sync + 'static,
    ) -> Self {
        Self { act: Some(Arc::new(act)), ..self }
    }
}

impl LiveModel for Identity {
    fn format(&self) -> ModelFormat {
        self.format
    }

    fn processor(&self, _: usize) -> Result<Box<dyn FrameProcessor>, ProcessorError> {
        Ok(Box::new(IdentityProcessor(self.act.clone())))
    }
}

struct IdentityProcessor(Option<Act>);

impl FrameProcessor for IdentityProcessor {
    fn process(
        &mut self,
        frames: &FrameBatch<'_>,
        out: &mut DecodedFrames,
    ) -> Result<(), ProcessorError> {
        out.audio.clear();
        for _ in 0..DECODED_LANES {
            frames.planes.iter().for_each(|plane| out.audio.extend_from_slice(plane));
        }
        match &self.0 {
            Some(act) => act(frames, &mut out.audio),
            None => Ok(()),
        }
    }

    fn reset(&mut self) {}
}
