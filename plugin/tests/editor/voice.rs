//! A model that is none: its lanes are a made-up voice, its codes a table; the same on every machine.

use std::sync::Arc;
use std::time::Duration;

use residue_engine::live::{
    Allowance, AudioPort, CodesReader, DECODED_LANES, DecodedFrames, FrameBatch, FrameProcessor,
    LiveModel, ModelFormat, PortConfig, PortControl, open_port,
};
use residue_ui_testing::signals::{Noise, RATE, voices};

/// Samples of a frame: 10 ms, as the embedded model's.
const FRAME: usize = 480;
/// As the embedded model's.
const LAYERS: usize = 32;

struct Voice {
    samples: Arc<Vec<[f32; 3]>>,
}

impl LiveModel for Voice {
    fn format(&self) -> ModelFormat {
        ModelFormat { rate: RATE, channels: 1, frame: FRAME, layers: LAYERS }
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, String> {
        Ok(Box::new(VoiceProcessor { samples: Arc::clone(&self.samples), streams }))
    }
}

struct VoiceProcessor {
    samples: Arc<Vec<[f32; 3]>>,
    streams: usize,
}

impl FrameProcessor for VoiceProcessor {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
        let first = frames.first as usize * FRAME;
        let range = first..first + frames.count * FRAME;
        out.audio.clear();
        for lane in 0..DECODED_LANES {
            for _ in 0..self.streams {
                let sample = |n: usize| self.samples.get(n).map_or(0.0, |sample| sample[lane + 1]);
                out.audio.extend(range.clone().map(sample));
            }
        }
        out.codes.clear();
        for stream in 0..self.streams {
            for layer in 0..LAYERS {
                let numbers = frames.first..frames.first + frames.count as u64;
                out.codes.extend(numbers.map(|number| code(stream, layer, number)));
            }
        }
        Ok(())
    }

    fn reset(&mut self) {}
}

/// The first layers change slowly and use few entries, the last are noise.
fn code(stream: usize, layer: usize, number: u64) -> u32 {
    let held = number / (1 + 6 / (layer as u64 + 1));
    let seed = held * 64 + layer as u64 * 2 + stream as u64;
    let mut noise = Noise::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
    let skew = 2.6 - 0.05 * layer as f64;
    (noise.share().powf(skew) * 1024.0) as u32
}

/// A port that waits for its model, and what is played through it.
pub struct Playing {
    port: AudioPort,
    samples: Arc<Vec<[f32; 3]>>,
    codes: CodesReader,
    /// Samples played, and frames decoded.
    at: usize,
    frames: usize,
}

impl Playing {
    /// A stereo port with so many seconds of voice to come.
    pub fn new(seconds: f64) -> (Self, Arc<PortControl>) {
        let samples = Arc::new(voices(seconds));
        let model = Voice { samples: Arc::clone(&samples) };
        let allowance = Allowance::Samples(960);
        let config = PortConfig { allowance, ..PortConfig::new(RATE, 2, 480) };
        let (mut port, control) = open_port(&config, &model).expect("it opens");
        port.set_offline(true);
        let codes = control.codes();
        (Self { port, samples, codes, at: 0, frames: 0 }, Arc::new(control))
    }

    /// Plays the next blocks of 10 ms, and waits until all frames in them are decoded: how far the
    /// worker is ahead must not depend on the machine.
    pub fn play(&mut self, blocks: usize) {
        for _ in 0..blocks {
            let dry = |gain: f32| -> Vec<f32> {
                (self.at..self.at + 480)
                    .map(|n| self.samples.get(n).map_or(0.0, |sample| sample[0] * gain))
                    .collect()
            };
            let (mut left, mut right) = (dry(1.0), dry(0.8));
            self.port.process(&mut [&mut left, &mut right]);
            self.at += 480;
        }
        while self.frames < self.at / FRAME {
            self.codes.read(|_| self.frames += 1);
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}
