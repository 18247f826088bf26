//! Attention over a sliding window.

use proptest::prelude::*;
use residue_kernels::{
    Arena, Attention, AttentionScratch, AttentionStream, AttentionWindow, Isa, KvCache,
    LinearInputBuffer, Precision, RopeTable, ThreadPool, Workers,
};

use super::{assert_close, bits, noise};

/// Attention of one lane in f64, row by row, (steps, heads * 3 * head_dim) -> (steps, width), with keys and
/// values as the cache of `precision` holds them.
fn attention_oracle(
    attention: &Attention,
    precision: Precision,
    qkv: &[f32],
    start: u64,
    rotate: bool,
) -> Vec<f64> {
    let (head, width) = (attention.head_dim, attention.heads * attention.head_dim);
    let part = |t: usize, which: usize, h: usize| -> Vec<f64> {
        let from = t * 3 * width + (h * 3 + which) * head;
        let mut x: Vec<f64> = qkv[from..from + head].iter().map(|x| f64::from(*x)).collect();
        if rotate && which < 2 {
            for i in 0..head / 2 {
                let frequency = (-(10_000f64).ln() * 2.0 * i as f64 / head as f64).exp() as f32;
                let (s, c) = ((start + t as u64) as f64 * f64::from(frequency)).sin_cos();
                let (a, b) = (x[2 * i], x[2 * i + 1]);
                (x[2 * i], x[2 * i + 1]) = (a * c - b * s, a * s + b * c);
            }
        }
        if which > 0 && precision != Precision::F32 {
            x.iter_mut().for_each(|x| *x = half::bf16::from_f32(*x as f32).to_f64());
        }
        x
    };
    let mut y = Vec::new();
    for t in 0..qkv.len() / (3 * width) {
        for h in 0..attention.heads {
            let q = part(t, 0, h);
            let seen = (t + 1).saturating_sub(attention.context)..t + 1;
            let weights: Vec<f64> = seen
                .clone()
                .map(|j| q.iter().zip(part(j, 1, h)).map(|(a, b)| a * b).sum::<f64>())
                .map(|score| (score / (head as f64).sqrt()).exp())
                .collect();
            let total: f64 = weights.iter().sum();
            let mut mean = vec![0f64; head];
            for (weight, j) in weights.iter().zip(seen) {
                mean.iter_mut().zip(part(j, 2, h)).for_each(|(m, v)| *m += weight / total * v);
            }
            y.extend(mean);
        }
    }
    y
}

/// Runs lanes of attention in chunks; returns (lanes, steps, width).
#[allow(clippy::too_many_arguments, reason = "what attention depends on")]
fn attend(
    workers: &Workers<'_>,
    isa: Isa,
    attention: &Attention,
    precision: Precision,
    lanes: &[&[f32]],
    start: u64,
    rotate: bool,
    chunks: &[usize],
) -> Vec<Vec<f32>> {
    let width = attention.heads * attention.head_dim;
    let max_steps = chunks.iter().copied().max().unwrap();
    let mut cache = KvCache::new(attention, lanes.len(), max_steps, precision, &Arena::new());
    let mut scratch = AttentionScratch::new(&[(*attention, max_steps)], workers.threads());
    let mut rope = RopeTable::new(attention.head_dim, 10_000.0, max_steps);
    let mut out = vec![Vec::new(); lanes.len()];
    let mut done = 0;
    for &steps in chunks {
        let part = |lane: &&[f32]| lane[done * 3 * width..(done + steps) * 3 * width].to_vec();
        let qkv: Vec<f32> = lanes.iter().flat_map(part).collect();
        let mut y = vec![f32::NAN; lanes.len() * steps * width];
        let window = AttentionWindow { position: start + done as u64, start };
        rope.fill(window.position, steps);
        let rope = rotate.then_some(&rope);
        let caches = std::slice::from_mut(&mut cache);
        let streams = &mut [AttentionStream { lanes: lanes.len(), steps, window, rope, caches }];
        let to = LinearInputBuffer { rows: &mut y, quantized: None };
        attention.forward(workers, isa, 0, streams, &qkv, &mut scratch, to);
        for (out, y) in out.iter_mut().zip(y.chunks_exact(steps * width)) {
            out.extend(y);
        }
        done += steps;
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn attention_is_exact_and_independent_of_chunks(
        heads in 1usize..4,
        half in prop::sample::select(&[1usize, 3, 8, 20, 32, 40, 48][..]),
        context in prop::sample::select(&[1usize, 2, 15, 16, 17, 40, 100][..]),
        start in prop::sample::select(&[0u64, 5, 16, 1_000_003][..]),
        rotate in any::<bool>(),
        precision in prop::sample::select(&[Precision::F32, Precision::Int8][..]),
        chunks in prop::collection::vec(1usize..40, 1..12),
        seed in any::<u32>(),
    ) {
        let attention = Attention { heads, head_dim: 2 * half, context };
        let steps: usize = chunks.iter().sum();
        let lanes: [Vec<f32>; 2] = [0, 1].map(|lane| {
            noise(steps * 3 * heads * 2 * half, seed ^ lane).iter().map(|x| x * 3.0).collect()
        });
        let lanes: Vec<&[f32]> = lanes.iter().map(Vec::as_slice).collect();
        let pool = ThreadPool::new(2).unwrap();
        let mut first: Option<Vec<Vec<u32>>> = None;
        for isa in Isa::available() {
            let run = |lanes: &[&[f32]], chunks: &[usize]| {
                pool.run(|workers| attend(workers, isa, &attention, precision, lanes, start, rotate, chunks))
            };
            let both = run(&lanes, &chunks);
            let found: Vec<Vec<u32>> = both.iter().map(|y| bits(y)).collect();
            prop_assert_eq!(first.get_or_insert(found.clone()), &found);
            for (lane, y) in lanes.iter().zip(&both) {
                // A number halfway between two bfloat16 may round to either: half a step of values up to 3.
                let tolerance = if precision == Precision::F32 { 3e-5 } else { 0.02 };
                let exact = attention_oracle(&attention, precision, lane, start, rotate);
                assert_close(y, &exact, tolerance);
                let whole = run(&[lane], &[steps]);
                prop_assert_eq!(bits(&whole[0]), bits(y));
                let single = run(&[lane], &vec![1; steps]);
                prop_assert_eq!(bits(&single[0]), bits(y));
            }
        }
    }
}

/// Results of a chunk of one stream, alone and beside others.
struct AttendedStream {
    position: u64,
    cache: KvCache,
    rope: RopeTable,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn streams_beside_others_are_what_they_are_alone(
        heads in prop::sample::select(&[1usize, 2, 4][..]),
        head_dim in prop::sample::select(&[6usize, 32, 64][..]),
        context in prop::sample::select(&[1usize, 16, 40][..]),
        precision in prop::sample::select(&[Precision::F32, Precision::Int8][..]),
        shapes in prop::collection::vec((1usize..4, 1usize..12, 0u64..2000), 1..5),
        threads in 1usize..4,
        seed in any::<u32>(),
    ) {
        const ROUNDS: u32 = 4;
        let attention = Attention { heads, head_dim, context };
        let width = heads * head_dim;
        let arena = Arena::new();
        let most = shapes.iter().map(|shape| shape.1).max().unwrap();
        let states = || -> Vec<AttendedStream> {
            let state = |&(lanes, steps, position): &(usize, usize, u64)| AttendedStream {
                position,
                cache: KvCache::new(&attention, lanes, steps, precision, &arena),
                rope: RopeTable::new(head_dim, 10_000.0, steps),
            };
            shapes.iter().map(state).collect()
        };
        let rows: usize = shapes.iter().map(|shape| shape.0 * shape.1).sum();
        let pool = ThreadPool::new(threads).unwrap();
        // Once all together, and once one after the other.
        for isa in Isa::available() {
            let [together, apart] = [shapes.len(), 1].map(|group| {
                let mut scratch = AttentionScratch::new(&[(attention, most)], threads);
                let mut states = states();
                let mut found = Vec::new();
                for round in 0..ROUNDS {
                    let qkv = noise(rows * 3 * width, seed ^ round);
                    let mut y = vec![f32::NAN; rows * width];
                    let mut from = 0;
                    for (states, shapes) in states.chunks_mut(group).zip(shapes.chunks(group)) {
                        let mut streams: Vec<_> = states
                            .iter_mut()
                            .zip(shapes)
                            .map(|(state, &(lanes, steps, start))| {
                                let AttendedStream { position, cache, rope } = state;
                                rope.fill(*position, steps);
                                let window = AttentionWindow { position: *position, start };
                                *position += steps as u64;
                                let (rope, caches) = (Some(&*rope), std::slice::from_mut(cache));
                                AttentionStream { lanes, steps, window, rope, caches }
                            })
                            .collect();
                        let count = shapes.iter().map(|shape| shape.0 * shape.1).sum::<usize>();
                        let own = from * width..(from + count) * width;
                        let qkv = &qkv[3 * own.start..3 * own.end];
                        let to = LinearInputBuffer { rows: &mut y[own], quantized: None };
                        pool.run(|workers| {
                            attention.forward(workers, isa, 0, &mut streams, qkv, &mut scratch, to);
                        });
                        from += count;
                    }
                    found.extend(bits(&y));
                }
                found
            });
            prop_assert_eq!(&together, &apart);
            prop_assert!(together.iter().all(|bits| f32::from_bits(*bits).is_finite()));
        }
    }
}
