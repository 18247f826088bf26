//! Ratios of the two CPU backends in one run: `cargo run --release -p residue-engine --example
//! kernels [SECONDS]`.
//!
//! Both backends take turns, so that whatever else the machine does slows both alike. Prints the
//! median of each and the median of their paired ratios.

use std::hint::black_box;
use std::time::Instant;

use candle_core::{Device, Tensor};
use residue_engine::codec::{Codec, CodecBackend, CodecConfig, CodecOptions};
use residue_engine::kernels::{Arena, Epilogue, Isa, Linear, Precision, Rows, Team, Then};
use residue_engine_testing::SeededNoise;

/// Frames that fill the longest window of Nano, 10 s.
const FILL: usize = 125;

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn noise(length: usize) -> Vec<f32> {
    SeededNoise::new(1).samples(length)
}

fn time(f: impl FnOnce()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64()
}

/// Seconds of processor time that this thread has used, where Linux tells: on a shared machine the
/// only absolute number of one thread that means anything.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? * 1e-9)
}

fn report(name: &str, native: &mut [f64], candle: &mut [f64], unit: f64, unit_name: &str) {
    let mut ratios: Vec<f64> = native.iter().zip(candle.iter()).map(|(n, c)| n / c).collect();
    println!(
        "{name}: native {:.4} {unit_name}, candle {:.4} {unit_name}, native/candle {:.3}",
        median(native) * unit,
        median(candle) * unit,
        median(&mut ratios)
    );
}

fn linear(threads: usize) {
    let (input, output) = (1024, 4096);
    let weights = noise(input * output);
    let arena = Arena::new();
    let packed = Linear::pack(&weights, output, input, Precision::F32, &arena).unwrap();
    let weights = Tensor::from_vec(weights, (output, input), &Device::Cpu).unwrap();
    let team = Team::new(threads).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    for rows in [1, 4, 32] {
        let x = noise(rows * input);
        let tensor = Tensor::from_slice(&x, (rows, input), &Device::Cpu).unwrap();
        let mut y = vec![0f32; rows * output];
        let (mut native, mut candle) = (Vec::new(), Vec::new());
        for _ in 0..60 {
            native.push(time(|| {
                team.pass(|crew| {
                    let (epilogue, then) = (Epilogue::Store, Then::Nothing);
                    packed.forward(crew, Isa::best(), Rows::Floats(&x), &mut y, epilogue, then);
                });
            }));
            candle.push(time(|| {
                black_box(pool.install(|| tensor.matmul(&weights.t().unwrap()).unwrap()));
            }));
        }
        let name = format!("linear {input} -> {output}, {rows} rows, {threads} threads");
        report(&name, &mut native, &mut candle, 1e6, "us");
    }
}

fn nano(threads: usize, frames: usize) {
    let config = CodecConfig::nano();
    let (frame, channels) = (config.frame_samples, config.channels);
    let seconds = frame as f64 / f64::from(config.sample_rate);
    let load = |backend| {
        Codec::random(
            config.clone(),
            1,
            &CodecOptions { backend, threads, ..CodecOptions::default() },
        )
        .unwrap()
    };
    let codecs = [load(CodecBackend::Native), load(CodecBackend::Candle(Device::Cpu))];
    let mut streams = codecs.each_ref().map(|codec| (codec.encoder(1), codec.decoder(1)));
    let audio = noise(channels * frame);
    let planes: Vec<&[f32]> = audio.chunks_exact(frame).collect();
    let depth = config.quantizer.layers;
    // [backend][encode and quantize, decode, both]
    let mut times: [[Vec<f64>; 3]; 2] = Default::default();
    let past = noise(channels * frame * FILL);
    let past: Vec<&[f32]> = past.chunks_exact(frame * FILL).collect();
    for (encoder, decoder) in &mut streams {
        let codes = encoder.encode(&past, depth).unwrap();
        decoder.decode(&[(&codes[0], depth)]).unwrap();
    }
    for _ in 0..frames {
        for ((encoder, decoder), times) in streams.iter_mut().zip(&mut times) {
            let mut codes = Vec::new();
            let encode = time(|| codes = encoder.encode(&planes, depth).unwrap());
            let decode = time(|| {
                black_box(decoder.decode(&[(&codes[0], depth)]).unwrap());
            });
            for (times, time) in times.iter_mut().zip([encode, decode, encode + decode]) {
                times.push(time);
            }
        }
    }
    let start = processor_time();
    for _ in 0..frames {
        let (encoder, decoder) = &mut streams[0];
        let codes = encoder.encode(&planes, depth).unwrap();
        black_box(decoder.decode(&[(&codes[0], depth)]).unwrap());
    }
    if let (Some(start), Some(end)) = (start, processor_time()) {
        let rtf = (end - start) / (frames as f64 * seconds);
        println!(
            "Nano native: {rtf:.4} s of the calling thread's processor time a second of audio"
        );
    }
    let [native, candle] = &mut times;
    let names = ["encode and quantize", "decode", "both"];
    for ((name, native), candle) in names.iter().zip(native).zip(candle) {
        let name = format!("Nano {name}, 80 ms chunks, windows full, {threads} threads");
        report(&name, native, candle, 1.0 / seconds, "RTF");
    }
}

fn main() {
    let seconds: f64 = std::env::args().nth(1).map_or(8.0, |s| s.parse().expect("seconds"));
    println!("{:?}", Isa::best());
    for threads in [1, 2] {
        nano(threads, (seconds * 12.5) as usize);
        linear(threads);
    }
}
