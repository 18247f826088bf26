//! The speed of a model on this computer: one stream of noise through encoder, quantizer and decoder.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use residue_engine::codec::{Codec, CodecConfig, CodecError, Decoder, Encoder};
use residue_engine::dsp::SplitMix64;
use residue_engine::live::TimedFrames;
use residue_engine::tokens::Codes;

/// Host of a live measurement: its sample rate in hertz, and its channels.
pub const LIVE_HOST: (u32, usize) = (48_000, 2);

/// Returns the frames of a live measurement of this many seconds, `together` at a time, once the attention windows are
/// full.
pub fn live_frames(config: &CodecConfig, seconds: f64, together: usize) -> TimedFrames {
    let count = |seconds: f64| (seconds * config.frame_rate()).ceil().max(1.0) as usize;
    // One pass more fills the windows: its buffers are then warm.
    let warm_up = count(config.longest_window()) + together;
    TimedFrames { warm_up, passes: count(seconds).div_ceil(together), together }
}

/// Frames a chunk while the history is played in, which is not measured.
const HISTORY_CHUNK: usize = 25;

/// Time that one chunk took.
pub struct ChunkTimes {
    pub encode: Duration,
    pub quantize: Duration,
    pub decode: Duration,
}

impl ChunkTimes {
    pub fn total(&self) -> Duration {
        self.encode + self.quantize + self.decode
    }
}

/// 80 ms, the published models' frame, in whole frames of this model.
pub fn usual_chunk(codec: &Codec) -> usize {
    (0.08 * codec.config().frame_rate()).round().max(1.0) as usize
}

/// Runs `chunks` chunks of `chunk` frames, decoded at each of `depths`, once every attention window is
/// full, and returns what each took. `filling` is told how full they are, 0 to 1.
///
/// # Errors
/// If the model fails, or [`CodecError::Cancelled`] if `filling` breaks off.
pub fn measure(
    codec: &Codec,
    depths: Vec<usize>,
    chunk: usize,
    chunks: usize,
    filling: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<Vec<ChunkTimes>, CodecError> {
    let config = codec.config();
    let mut stream = Stream::new(codec, depths);
    let history = (config.longest_window() * config.frame_rate()).ceil() as usize;
    for start in (0..history).step_by(HISTORY_CHUNK) {
        stream.run(HISTORY_CHUNK.min(history - start))?;
        if filling(start as f64 / history as f64).is_break() {
            return Err(CodecError::Cancelled);
        }
    }
    // One chunk of the measured size first: its buffers are then warm.
    stream.run(chunk)?;
    (0..chunks).map(|_| stream.run(chunk)).collect()
}

struct Stream<'a> {
    codec: &'a Codec,
    encoder: Encoder,
    decoder: Decoder,
    depths: Vec<usize>,
    noise: SplitMix64,
}

impl<'a> Stream<'a> {
    fn new(codec: &'a Codec, depths: Vec<usize>) -> Self {
        let (encoder, decoder) = (codec.encoder(1), codec.decoder(depths.len()));
        Self { codec, encoder, decoder, depths, noise: SplitMix64::new(1) }
    }

    fn run(&mut self, frames: usize) -> Result<ChunkTimes, CodecError> {
        let config = self.codec.config();
        let noise = &mut self.noise;
        let mut plane = || -> Vec<f32> {
            (0..frames * config.frame_samples).map(|_| 0.1 * noise.sample()).collect()
        };
        let planes: Vec<Vec<f32>> = (0..config.channels).map(|_| plane()).collect();
        let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();

        let start = Instant::now();
        let latents = self.encoder.latents(&planes)?;
        let encode = start.elapsed();
        let start = Instant::now();
        let codes = self.codec.quantizer().quantize(&latents[0], config.quantizer.layers)?;
        let quantize = start.elapsed();
        let lanes: Vec<(&Codes, usize)> =
            self.depths.iter().map(|&depth| (&codes, depth)).collect();
        let start = Instant::now();
        let audio = self.decoder.decode(&lanes)?;
        let decode = start.elapsed();
        drop(std::hint::black_box(audio));
        Ok(ChunkTimes { encode, quantize, decode })
    }
}
