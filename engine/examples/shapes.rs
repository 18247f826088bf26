//! How fast each shape of the 2 B models runs: `cargo run --release -p residue-engine --example
//! shapes [THREADS] [ROUNDS]`.
//!
//! Layers lie in more memory than the caches hold and take turns, so that each comes from memory as it
//! does in a stream. Prints the fastest round of each kernel: on a shared machine that is the only one
//! that says something of the kernel.

use std::time::Instant;

use residue_engine::kernels::{
    Arena, Attention, AttentionScratch, Epilogue, Isa, KeyValues, Linear, Outlet, Precision,
    Rotation, Rounded, Team, Then, Window,
};
use residue_engine_testing::SeededNoise;

/// Bytes of layers that take turns.
const COLD: usize = 256 << 20;

fn noise(length: usize) -> Vec<f32> {
    SeededNoise::new(1).samples(length)
}

/// Seconds of the fastest of `rounds` calls.
fn fastest(rounds: usize, mut f: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64()
    };
    (0..rounds).map(time).fold(f64::INFINITY, f64::min)
}

/// Reading straight through: what there is at most.
fn memory(team: &Team, rounds: usize) {
    let arena = Arena::new();
    let mut block = arena.take(4 * COLD).unwrap();
    block.as_mut_slice().fill(1);
    let words = block.as_slice();
    let part = words.len() / team.threads();
    let seconds = fastest(rounds, || {
        team.pass(|crew| {
            crew.each(crew.threads(), |i| {
                let (words, _) = words[i * part..][..part].as_chunks::<512>();
                let mut sums = [0u64; 64];
                for chunk in words {
                    let (eights, _) = chunk.as_chunks::<8>();
                    for (sum, eight) in sums.iter_mut().zip(eights) {
                        *sum ^= u64::from_ne_bytes(*eight);
                    }
                }
                std::hint::black_box(sums);
            });
        });
    });
    println!("reading: {:.1} GB/s", words.len() as f64 / seconds * 1e-9);
}

fn linear(team: &Team, rounds: usize, precision: Precision, input: usize, output: usize) {
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
        let mut room = Rounded::new([(rows, input)].into_iter());
        let seconds = fastest(rounds, || {
            team.pass(|crew| {
                for layer in &layers {
                    let isa = Isa::best();
                    let x = layer.rows(crew, isa, &x, &mut room);
                    layer.forward(crew, isa, x, &mut y, Epilogue::Store, Then::Nothing);
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
    team: &Team,
    rounds: usize,
    precision: Precision,
    (heads, steps, context): (usize, usize, usize),
) {
    let sizes = Attention { heads, head: 64, context };
    let arena = Arena::new();
    let each = if precision == Precision::F32 { 4 } else { 2 };
    let bytes = heads * (context + steps) * 64 * 2 * each;
    let count = COLD.div_ceil(bytes);
    let mut layers: Vec<KeyValues> =
        (0..count).map(|_| KeyValues::new(&sizes, 1, steps, precision, &arena)).collect();
    let mut scratch = AttentionScratch::new(&[(sizes, steps)], team.threads());
    let mut rotation = Rotation::new(64, 10_000.0, steps);
    let qkv = noise(steps * 3 * heads * 64);
    let mut y = vec![0f32; steps * heads * 64];
    let window = Window { position: 4096, start: 0 };
    rotation.fill(window.position, steps);
    let seconds = fastest(rounds, || {
        team.pass(|crew| {
            for past in &mut layers {
                let rotation = Some(&rotation);
                let isa = Isa::best();
                let to = Outlet { floats: &mut y, rounded: None };
                sizes.forward(crew, isa, 1, window, rotation, &qkv, past, &mut scratch, to);
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
    let team = Team::new(threads).unwrap();
    println!("{:?}, {threads} threads, fastest of {rounds}", Isa::best());
    memory(&team, rounds);
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
            linear(&team, rounds, precision, input, output);
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
            attention(&team, rounds, precision, sizes);
        }
    }
}
