//! A codec that is none: its lanes are its input, its codes count.

use residue_engine::live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor, LiveModel, ModelFormat,
};

/// Layers of its codes.
pub const LAYERS: usize = 4;

/// Code of layer k of frame n: 10 n + k, below 1024.
pub struct Counting {
    pub format: ModelFormat,
}

impl Counting {
    pub fn new(rate: u32, frame: usize) -> Self {
        Self { format: ModelFormat { rate, channels: 1, frame, layers: LAYERS } }
    }
}

impl LiveModel for Counting {
    fn format(&self) -> ModelFormat {
        self.format
    }

    fn processor(&self, _: usize) -> Result<Box<dyn FrameProcessor>, String> {
        Ok(Box::new(CountingProcessor))
    }
}

struct CountingProcessor;

impl FrameProcessor for CountingProcessor {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
        out.audio.clear();
        for lane in 0..DECODED_LANES {
            let gain = if lane == 0 { 0.5 } else { 0.25 };
            let plane = frames.planes.iter().flat_map(|plane| plane.iter());
            out.audio.extend(plane.map(|sample| sample * gain));
        }
        let layers = 0..LAYERS as u32;
        let numbers = || frames.first..frames.first + frames.count as u64;
        let code = |layer: u32, number: u64| (10 * number as u32 + layer) % 1024;
        out.codes.clear();
        out.codes.extend(layers.flat_map(|layer| numbers().map(move |n| code(layer, n))));
        Ok(())
    }

    fn reset(&mut self) {}
}
