//! Benchmark of each layer shape of the 2 B models: `cargo run --release -p residue-engine --example
//! shapes [THREADS] [ROUNDS]`.
//!
//! Layers take turns in more memory than the caches hold, so that each is read from memory as in a stream.
//! Prints the fastest round of each kernel: on a shared machine the others measure the other load.

use std::time::Instant;

use residue_engine::kernels::{
    Arena, Attention, AttentionScratch, AttentionStream, AttentionWindow, Epilogue, Isa, KvCache,
    Linear, LinearInputBuffer, MachineLimits, PostOp, Precision, QuantizedRows, RopeTable,
    ThreadPool,
};
use residue_engine_testing::SeededNoise;

/// Total size in bytes of the layers that take turns.
const COLD: usize = 256 << 20;

fn noise(length: usize) -> Vec<f32> {
    SeededNoise::new(1).samples(length)
}

/// Returns the time in seconds of the fastest of `rounds` calls.
fn fastest(rounds: usize, mut f: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    (0..rounds).map(time).fold(f64::INFINITY, f64::min)
}

fn linear(pool: &ThreadPool, rounds: usize, precision: Precision, input: usize, output: usize) {
    let bytes = Linear::packed_bytes(precision, output, input);
    let count = COLD.div_ceil(bytes);
    let arena = Arena::new();
    let weights = noise(input * output);
    let layers: Vec<Linear> = (0..count)
        .map(|_| Linear::pack(&weights, output, input, precision, &arena).unwrap())
        .collect();
    print!("{precision} {input:4} -> {output:4}:");
    for rows in [1, 2, 4, 8, 16, 32] {
        let x = noise(rows * input);
        let mut y = vec![0f32; rows * output];
        let mut quantized = QuantizedRows::new([(rows, input)].into_iter());
        let seconds = fastest(rounds, || {
            pool.run(|workers| {
                for layer in &layers {
                    let isa = Isa::best();
                    let x = layer.prepare_input(workers, isa, &x, &mut quantized);
                    layer.forward(workers, isa, x, &mut y, Epilogue::Store, PostOp::None);
                }
            });
        }) / count as f64;
        let (read, done) = (bytes as f64 / seconds, (rows * input * output) as f64 / seconds);
        print!(
            "  {rows:2}: {:5.1} us {:5.1} GB/s {:5.0} G",
            seconds * 1e6,
            read * 1e-9,
            done * 1e-9
        );
    }
    println!();
}

fn attention(
    pool: &ThreadPool,
    rounds: usize,
    precision: Precision,
    (heads, steps, context): (usize, usize, usize),
) {
    let sizes = Attention { heads, head_dim: 64, context };
    let arena = Arena::new();
    let each = if precision == Precision::F32 { 4 } else { 2 };
    let bytes = heads * (context + steps) * 64 * 2 * each;
    let count = COLD.div_ceil(bytes);
    let mut layers: Vec<KvCache> =
        (0..count).map(|_| KvCache::new(&sizes, 1, steps, precision, &arena)).collect();
    let mut scratch = AttentionScratch::new(&[(sizes, steps)], pool.threads());
    let mut rope = RopeTable::new(64, 10_000.0, steps);
    let qkv = noise(steps * 3 * heads * 64);
    let mut y = vec![0f32; steps * heads * 64];
    let window = AttentionWindow { position: 4096, start: 0 };
    rope.fill(window.position, steps);
    let seconds = fastest(rounds, || {
        pool.run(|workers| {
            let (isa, rope) = (Isa::best(), Some(&rope));
            let streams =
                &mut [AttentionStream { lanes: 1, steps, window, rope, caches: &mut layers }];
            for layer in 0..count {
                let to = LinearInputBuffer { rows: &mut y, quantized: None };
                sizes.forward(workers, isa, layer, streams, &qkv, &mut scratch, to);
            }
        });
    }) / count as f64;
    let products = (2 * steps * heads * context * 64) as f64;
    println!(
        "{precision} attention of {heads} heads, {steps:2} queries on {context:4} keys: {:6.1} us {:5.1} GB/s {:4.0} G",
        seconds * 1e6,
        bytes as f64 / seconds * 1e-9,
        products / seconds * 1e-9
    );
}

fn main() {
    let mut args = std::env::args().skip(1).map(|n| n.parse().expect("a number"));
    let (threads, rounds) = (args.next().unwrap_or(1), args.next().unwrap_or(10));
    let pool = ThreadPool::new(threads).unwrap();
    println!("{:?}, {threads} threads, fastest of {rounds}", Isa::best());
    let limits = MachineLimits::measure(&pool, Isa::best()).unwrap();
    println!(
        "reading: {:.1} GB/s; multiply-adds: {:.0} G of f32, {:.0} G of 8 bits",
        limits.read * 1e-9,
        limits.float * 1e-9,
        limits.int8 * 1e-9
    );
    for precision in [Precision::Int4, Precision::Int8, Precision::Bf16] {
        for (input, output) in [
            (1280, 3840),
            (1280, 1280),
            (1280, 5120),
            (5120, 1280),
            (768, 2304),
            (768, 768),
            (768, 3072),
            (3072, 768),
        ] {
            linear(&pool, rounds, precision, input, output);
        }
    }
    for precision in [Precision::F32, Precision::Int8] {
        for sizes in [
            (20, 1, 125),
            (12, 2, 250),
            (12, 4, 500),
            (12, 8, 1000),
            (12, 4, 400),
            (12, 8, 400),
            (12, 16, 400),
            (12, 32, 400),
        ] {
            attention(&pool, rounds, precision, sizes);
        }
    }
}
