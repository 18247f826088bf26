//! A model that is no codec.

use std::sync::Arc;

use residue_engine::live::{Format, Frames, LANES, Model, Processed, Processor};

/// What a test model does to a frame, besides passing it on.
pub type Act = Arc<dyn Fn(&Frames<'_>, &mut [f32]) -> Result<(), String> + Send + Sync>;

/// Returns its input in both lanes.
#[derive(Clone)]
pub struct Identity {
    pub format: Format,
    pub act: Option<Act>,
}

impl Identity {
    pub fn new(rate: u32, channels: usize, frame: usize) -> Self {
        Self { format: Format { rate, channels, frame, layers: 32 }, act: None }
    }

    /// The same, but `act` sees every call and may change the audio of all lanes.
    pub fn with(
        self,
        act: impl Fn(&Frames<'_>, &mut [f32]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { act: Some(Arc::new(act)), ..self }
    }
}

impl Model for Identity {
    fn format(&self) -> Format {
        self.format
    }

    fn processor(&self, _: usize) -> Result<Box<dyn Processor>, String> {
        Ok(Box::new(IdentityProcessor(self.act.clone())))
    }
}

struct IdentityProcessor(Option<Act>);

impl Processor for IdentityProcessor {
    fn process(&mut self, frames: &Frames<'_>, out: &mut Processed) -> Result<(), String> {
        out.audio.clear();
        for _ in 0..LANES {
            frames.planes.iter().for_each(|plane| out.audio.extend_from_slice(plane));
        }
        match &self.0 {
            Some(act) => act(frames, &mut out.audio),
            None => Ok(()),
        }
    }

    fn reset(&mut self) {}
}
