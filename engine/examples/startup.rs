//! How soon the embedded model runs, and whether silence costs more than sound: `cargo run --release
//! -p residue-engine --example startup [PRECISION]`.
//!
//! Prints the time from the start of `main` to the first decoded frame, and the median time of a
//! chunk of loud noise beside that of the silence after it, where numbers die away into denormals.

use std::error::Error;
use std::time::{Duration, Instant};

use residue_engine::codec::{Codec, CodecOptions, Decoder, Encoder, Precision};
use residue_engine::models::embedded;
use residue_engine_testing::SeededNoise;

/// Chunks of sound, and of silence after it: more than the windows hold.
const CHUNKS: usize = 200;

struct Stream {
    encoder: Encoder,
    decoder: Decoder,
    depth: usize,
    frames: usize,
    codes: Vec<u32>,
    audio: Vec<f32>,
}

impl Stream {
    fn new(codec: &Codec, frames: usize) -> Self {
        let config = codec.config();
        let depth = config.quantizer.layers;
        Self {
            encoder: codec.encoder(1),
            decoder: codec.decoder(1),
            depth,
            frames,
            codes: vec![0; depth * frames],
            audio: vec![0.0; config.channels * frames * config.frame_samples],
        }
    }

    fn run(&mut self, planes: &[&[f32]]) -> Result<Duration, Box<dyn Error>> {
        let start = Instant::now();
        self.encoder.encode_into(planes, self.depth, &mut self.codes)?;
        let lanes = [(self.codes.as_slice(), self.depth)];
        self.decoder.decode_into(&lanes, self.frames, &mut self.audio)?;
        Ok(start.elapsed())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let precision = std::env::args().nth(1).map_or(Ok(Precision::F32), |text| text.parse())?;
    let model = embedded();
    let options = CodecOptions { precision, threads: 1, ..CodecOptions::default() };
    let codec = Codec::load_from_memory(model.config, model.weights, &options)?;
    let loaded = start.elapsed();
    let config = codec.config();
    let frames = (0.08 * config.frame_rate()).round() as usize;
    let samples = frames * config.frame_samples;
    let loud = SeededNoise::new(1).samples(samples);
    let silent = vec![0f32; samples];
    let mut first = Stream::new(&codec, frames);
    first.run(&vec![loud.as_slice(); config.channels])?;
    println!("{precision}: loaded after {loaded:.1?}, first frames after {:.1?}", start.elapsed());

    let mut stream = Stream::new(&codec, frames);
    let mut median = |audio: &[f32]| -> Result<f64, Box<dyn Error>> {
        let planes = vec![audio; config.channels];
        let mut times: Vec<Duration> =
            (0..CHUNKS).map(|_| stream.run(&planes)).collect::<Result<_, _>>()?;
        times.sort();
        Ok(times[CHUNKS / 2].as_secs_f64())
    };
    // Windows full first.
    median(&loud)?;
    let (sound, silence) = (median(&loud)?, median(&silent)?);
    println!(
        "chunk of loud noise {:.3} ms, of silence after it {:.3} ms: {:.3} of it",
        sound * 1e3,
        silence * 1e3,
        silence / sound
    );
    Ok(())
}
