//! A model that is no codec.

use std::sync::Arc;

use residue_engine::live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
};

/// What a test model does to a frame, besides passing it on.
pub type Act = Arc<dyn Fn(&FrameBatch<'_>, &mut [f32]) -> Result<(), String> + Send + Sync>;

/// Returns its input in both lanes.
#[derive(Clone)]
pub struct Identity {
    pub format: ModelFormat,
    pub act: Option<Act>,
}

impl Identity {
    pub fn new(rate: u32, channels: usize, frame: usize) -> Self {
        Self { format: ModelFormat { rate, channels, frame, layers: 32 }, act: None }
    }

    /// The same, but `act` sees every call and may change the audio of all lanes.
    pub fn with(
        self,
        act: impl Fn(&FrameBatch<'_>, &mut [f32]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { act: Some(Arc::new(act)), ..self }
    }
}

impl LiveModel for Identity {
    fn format(&self) -> ModelFormat {
        self.format
    }

    fn processor(&self, _: usize) -> Result<Box<dyn FrameProcessor>, String> {
        Ok(Box::new(IdentityProcessor(self.act.clone())))
    }
}

struct IdentityProcessor(Option<Act>);

impl FrameProcessor for IdentityProcessor {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
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
