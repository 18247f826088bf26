//! Each kernel against a plain f64 oracle, on awkward shapes and every instruction set there is.

use proptest::prelude::*;
use residue_engine_testing::SeededNoise;
use residue_kernels::{
    Arena, Attention, AttentionScratch, Crew, Epilogue, Isa, KeyValues, Linear, Moments, Norm,
    Outlet, Precision, Rotation, Rounded, Rows, Team, Then, Window, gelu,
};

fn noise(length: usize, seed: u32) -> Vec<f32> {
    SeededNoise::new(seed.wrapping_mul(747_796_405).wrapping_add(1)).samples(length)
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

#[track_caller]
fn assert_close(x: &[f32], exact: &[f64], tolerance: f64) {
    assert_eq!(x.len(), exact.len());
    for (i, (x, e)) in x.iter().zip(exact).enumerate() {
        assert!((f64::from(*x) - e).abs() <= tolerance, "number {i} is {x}, should be {e}");
    }
}

fn largest(w: &[f32]) -> f32 {
    w.iter().fold(0f32, |m, w| m.max(w.abs()))
}

/// What sixteen weights become in 4 bits: of the factors of the scale that cut off little, the one
/// that loses least.
fn rounded_to_4_bits(w: &[f32], scale: f32) -> Vec<f32> {
    let with = |factor: u8| -> Vec<f32> {
        let step = f32::from(factor) * scale;
        w.iter().map(|w| (w / step).round_ties_even().clamp(-8.0, 7.0) * step).collect()
    };
    let lost = |x: &[f32]| w.iter().zip(x).map(|(w, x)| (w - x) * (w - x)).sum::<f32>();
    let share = largest(w) / scale;
    let least = ((share / 10.0) as u8).max(1)..=15;
    let found = least.filter(|f| f32::from(*f) < share / 7.0 + 1.0).map(with);
    let none = vec![0.0; w.len()];
    found.fold(none, |best, x| if lost(&x) < lost(&best) { x } else { best })
}

/// What a row of W becomes in a precision.
fn rounded(precision: Precision, w: &[f32]) -> Vec<f32> {
    let block = |w: &[f32]| -> Vec<f32> {
        // The first bfloat16 that is large enough.
        let most = if precision == Precision::Int4 { 7.0 * 15.0 } else { 127.0 };
        let step = largest(w) / most;
        let mut scale = half::bf16::from_f32(step);
        if scale.to_f32() < step {
            scale = half::bf16::from_bits(scale.to_bits() + 1);
        }
        let scale = scale.to_f32();
        assert!((step..step * 1.01).contains(&scale));
        let one = |w: &f32| match precision {
            Precision::F32 => *w,
            Precision::Bf16 => half::bf16::from_f32(*w).to_f32(),
            Precision::Int8 | Precision::Int4 => (w / scale).round_ties_even() * scale,
        };
        if precision == Precision::Int4 {
            return w.chunks(16).flat_map(|w| rounded_to_4_bits(w, scale)).collect();
        }
        w.iter().map(one).collect()
    };
    w.chunks(128).flat_map(block).collect()
}

/// What a row of activations becomes beside integers.
fn rounded_activations(x: &[f32]) -> Vec<f64> {
    let block = |x: &[f32]| -> Vec<f64> {
        let largest = largest(x);
        let square = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
        let steps = if largest <= 4.5 * square.sqrt() { 127.0 } else { 127.0 * 256.0 };
        let one = |x: &f32| f64::from((x * (steps / largest)).round_ties_even() * largest / steps);
        x.iter().map(one).collect()
    };
    x.chunks(128).flat_map(block).collect()
}

fn check_linear(precision: Precision, rows: usize, input: usize, output: usize, threads: usize) {
    let (w, mut x) = (noise(input * output, 1), noise(rows * input, 2));
    // Some blocks with a large exception.
    x.iter_mut().step_by(293).for_each(|x| *x *= 30.0);
    let (before, scale) = (noise(rows * output, 3), noise(output, 4));
    let layer = Linear::pack(&w, output, input, precision, &Arena::new()).unwrap();
    assert_eq!(layer.precision(), precision);
    assert_eq!(layer.packed().len(), Linear::packed_bytes(precision, output, input));
    let w: Vec<f32> = w.chunks_exact(input).flat_map(|w| rounded(precision, w)).collect();
    let exact: Vec<f64> = x
        .chunks_exact(input)
        .flat_map(|x| {
            let x = match precision {
                integers if integers.is_integer() => rounded_activations(x),
                _ => x.iter().map(|x| f64::from(*x)).collect(),
            };
            let product = |w: &[f32]| x.iter().zip(w).map(|(a, b)| a * f64::from(*b)).sum::<f64>();
            w.chunks_exact(input).map(product).collect::<Vec<_>>()
        })
        .collect();
    let mut room = Rounded::new([(rows, input)].into_iter());
    let mut run = |isa, x: &[f32], y: &mut [f32], epilogue| {
        Team::new(threads).unwrap().pass(|crew| {
            let x = layer.rows(crew, isa, x, &mut room);
            layer.forward(crew, isa, x, y, epilogue, Then::Nothing);
        });
    };
    let tolerance = 1e-5 * (input as f64).sqrt();
    let mut first: Option<Vec<u32>> = None;
    for isa in Isa::available() {
        let mut y = before.clone();
        run(isa, &x, &mut y, Epilogue::Store);
        assert_close(&y, &exact, tolerance);
        assert_eq!(first.get_or_insert(bits(&y)), &bits(&y), "{isa:?} {precision}");
        if !precision.is_integer() {
            // One fused chain over ascending inputs.
            let chain = (0..input).fold(0f32, |sum, k| x[k].mul_add(w[k], sum));
            assert_eq!(y[0].to_bits(), chain.to_bits());
        }
        for (x, y) in x.chunks_exact(input).zip(y.chunks_exact(output)) {
            let mut alone = vec![0f32; output];
            run(isa, x, &mut alone, Epilogue::Store);
            assert_eq!(bits(&alone), bits(y), "a row alone");
        }
        let mut added = before.clone();
        run(isa, &x, &mut added, Epilogue::Add);
        let sums: Vec<f32> = before.iter().zip(&y).map(|(a, b)| a + b).collect();
        assert_eq!(bits(&added), bits(&sums));
        let mut scaled = before.clone();
        run(isa, &x, &mut scaled, Epilogue::AddScaled(&scale));
        let sums: Vec<f32> =
            (0..y.len()).map(|i| y[i].mul_add(scale[i % output], before[i])).collect();
        assert_eq!(bits(&scaled), bits(&sums));
        let mut curved = before.clone();
        run(isa, &x, &mut curved, Epilogue::Gelu);
        // As in a pass: with denormals flushed.
        Team::new(1).unwrap().pass(|_| gelu(isa, &mut y));
        assert_eq!(bits(&curved), bits(&y));
    }
}

#[test]
fn linear_layers_of_awkward_shapes() {
    for precision in Precision::ALL {
        for (rows, input, output) in
            [(1, 1, 1), (1, 7, 65), (2, 1, 64), (3, 64, 63), (7, 33, 129), (13, 100, 16)]
        {
            check_linear(precision, rows, input, output, 1);
        }
        check_linear(precision, 33, 130, 200, 3);
    }
}

#[test]
fn integers_survive_silence_and_extremes() {
    let team = Team::new(1).unwrap();
    let (input, output) = (300, 40);
    for precision in [Precision::Int8, Precision::Int4] {
        let pack = |w: &[f32]| Linear::pack(w, output, input, precision, &Arena::new()).unwrap();
        let layer = pack(&noise(input * output, 1));
        let silent = pack(&vec![0f32; input * output]);
        let mut room = Rounded::new([(1, input)].into_iter());
        for (isa, size) in
            Isa::available().into_iter().flat_map(|i| [0.0, 1e-38, 1e-35, 1e30].map(|s| (i, s)))
        {
            let x: Vec<f32> = noise(input, 9).iter().map(|x| x * size).collect();
            let mut y = vec![f32::NAN; output];
            let mut run = |layer: &Linear, y: &mut [f32]| {
                team.pass(|crew| {
                    let x = layer.rows(crew, isa, &x, &mut room);
                    layer.forward(crew, isa, x, y, Epilogue::Store, Then::Nothing);
                });
            };
            run(&layer, &mut y);
            assert!(y.iter().all(|y| y.is_finite()), "{isa:?} at {size}");
            assert_eq!(y.iter().any(|y| *y != 0.0), size == 1e30, "{isa:?} at {size}");
            run(&silent, &mut y);
            assert!(y.iter().all(|y| *y == 0.0), "{isa:?} at {size}");
        }
    }
}

/// What a layer of integers makes of rows.
fn product(crew: &Crew<'_>, isa: Isa, layer: &Linear, x: Rows<'_>, rows: usize) -> Vec<u32> {
    let mut y = vec![0f32; rows * layer.output()];
    layer.forward(crew, isa, x, &mut y, Epilogue::Store, Then::Nothing);
    bits(&y)
}

/// Rows are the same integers whether each kernel rounds its result itself, while it is near at hand, or all
/// of it is rounded after; and so are the moments of a sum.
#[test]
fn what_a_kernel_rounds_is_what_comes_of_its_result() {
    let pack = |precision, input: usize, output: usize, seed| {
        let weights = noise(input * output, seed);
        Linear::pack(&weights, output, input, precision, &Arena::new()).unwrap()
    };
    // Widths of whole and of broken blocks, and heads that are whole blocks together or are not; layers
    // before that take integers and floats.
    for (rows, width, hidden, heads, precision) in [
        (2, 256, 1024, 4, Precision::Int8),
        (68, 256, 1024, 4, Precision::Bf16),
        (6, 320, 200, 5, Precision::Int4),
        (20, 160, 672, 2, Precision::F32),
        (10, 96, 64, 1, Precision::Int8),
    ] {
        let first = pack(precision, width, hidden, 1);
        let second = pack(Precision::Int8, hidden, width, 2);
        let next = pack(Precision::Int8, width, 50, 3);
        let (mut x, mut before) = (noise(rows * width, 4), noise(rows * width, 5));
        let mut qkv = noise(rows * 3 * width, 8);
        // Some blocks with a large exception.
        for x in [&mut x, &mut before, &mut qkv] {
            x.iter_mut().step_by(293).for_each(|x| *x *= 30.0);
        }
        let (weight, bias) = (noise(width, 6), noise(width, 7));
        let bias = (precision != Precision::Bf16).then_some(&*bias);
        let norm = Norm { weight: &weight, bias, eps: 1e-5 };
        // Of so few values that exceptions stay.
        let sizes = Attention { heads, head: width / heads, context: 1 };
        let (lanes, steps) = (2, rows / 2);
        let run = |crew: &Crew<'_>, isa: Isa| {
            let most = || [(rows, width), (rows, hidden)].into_iter();
            let [mut room, mut near, mut after] = [(); 3].map(|()| Rounded::new(most()));
            let mut moments = Moments::new(most());
            let mut floats = vec![0f32; rows * hidden];
            let rounded = first.rows(crew, isa, &x, &mut room);
            first.forward(crew, isa, rounded, &mut floats, Epilogue::Gelu, Then::Round(&mut near));
            let linear = product(crew, isa, &second, Rows::Integers(&near), rows);
            let expected = second.rows(crew, isa, &floats, &mut after);
            assert_eq!(linear, product(crew, isa, &second, expected, rows), "{isa:?} linear");

            let mut sum = before.clone();
            let (rounded, then) = (Rows::Integers(&near), Then::Note(&mut moments));
            second.forward(crew, isa, rounded, &mut sum, Epilogue::Add, then);
            let [mut normed, mut again] = [(); 2].map(|()| vec![0f32; sum.len()]);
            let to = Outlet { floats: &mut normed, rounded: Some(&mut near) };
            let integers = norm.forward(crew, isa, &sum, &moments, to);
            let of_norm = product(crew, isa, &next, integers, rows);
            moments.note(crew, isa, &sum, width);
            let to = Outlet { floats: &mut again, rounded: None };
            norm.forward(crew, isa, &sum, &moments, to);
            assert_eq!(bits(&normed), bits(&again), "{isa:?} moments");
            let expected = next.rows(crew, isa, &normed, &mut after);
            assert_eq!(of_norm, product(crew, isa, &next, expected, rows), "{isa:?} norm");

            let mut past = KeyValues::new(&sizes, lanes, steps, Precision::Int8, &Arena::new());
            let mut scratch = AttentionScratch::new(&[(sizes, steps)], crew.threads());
            let window = Window { position: 0, start: 0 };
            let to = Outlet { floats: &mut normed, rounded: Some(&mut near) };
            let attended =
                sizes.forward(crew, isa, lanes, window, None, &qkv, &mut past, &mut scratch, to);
            let of_attention = product(crew, isa, &next, attended, rows);
            let expected = next.rows(crew, isa, &normed, &mut after);
            let expected = product(crew, isa, &next, expected, rows);
            assert_eq!(of_attention, expected, "{isa:?} attention");
            [linear, of_norm, of_attention]
        };
        let mut all = None;
        for (isa, threads) in Isa::available().into_iter().flat_map(|i| [1, 2, 3].map(|n| (i, n))) {
            let found = Team::new(threads).unwrap().pass(|crew| run(crew, isa));
            assert_eq!(all.get_or_insert(found.clone()), &found, "{isa:?}, {threads} threads");
        }
    }
}

#[test]
fn layers_that_few_bits_would_spoil_keep_more() {
    let (input, output) = (256, 256);
    let kept = |weights: &[f32], precision| {
        let layer = Linear::pack(weights, output, input, precision, &Arena::new()).unwrap();
        assert!(Linear::forms(precision).contains(&layer.precision()));
        layer.precision()
    };
    let small: Vec<f32> = noise(input * output, 7).iter().map(|x| x * 0.02).collect();
    assert_eq!(kept(&small, Precision::Int8), Precision::Int8);
    assert_eq!(kept(&small, Precision::Int4), Precision::Int4);
    // Small weights around an identity.
    let mut identity = small.clone();
    identity.iter_mut().step_by(input + 1).for_each(|x| *x = 1.0);
    assert_eq!(kept(&identity, Precision::Int8), Precision::Bf16);
    assert_eq!(kept(&identity, Precision::Int4), Precision::Bf16);
    // Some weights in every sixteen that are larger than the others are too much for 4 bits only.
    let mut spiky = small;
    spiky.iter_mut().step_by(11).for_each(|x| *x = 0.2);
    assert_eq!(kept(&spiky, Precision::Int8), Precision::Int8);
    assert_eq!(kept(&spiky, Precision::Int4), Precision::Int8);
    // And all of a row's weights may be in its strongest sixteen.
    let alone = |(i, x): (usize, &f32)| if i % input / 16 == i / input % 16 { *x } else { 0.0 };
    let diagonal: Vec<f32> = spiky.iter().enumerate().map(alone).collect();
    assert_eq!(kept(&diagonal, Precision::Int4), Precision::Int8);
    assert_eq!(kept(&vec![1e25; input * output], Precision::Int4), Precision::Bf16);
}

/// Φ(x) by its power series, and by the continued fraction of its tail far from 0.
fn normal_distribution(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let a = x.abs();
    let upper = if a < 3.0 {
        let (mut term, mut sum) = (a, a);
        for n in 1..200 {
            term *= a * a / f64::from(2 * n + 1);
            sum += term;
        }
        0.5 - density * sum
    } else {
        density / (1..200).rev().fold(a, |tail, n| a + f64::from(n) / tail)
    };
    if x < 0.0 { upper } else { 1.0 - upper }
}

#[test]
fn gelu_is_exact_to_a_few_ulp() {
    let x: Vec<f32> = (-150_000..150_000).map(|i| i as f32 * 1e-4).collect();
    for isa in Isa::available() {
        let mut y = x.clone();
        gelu(isa, &mut y);
        for (x, y) in x.iter().zip(&y) {
            let exact = f64::from(*x) * normal_distribution(f64::from(*x));
            let error = (f64::from(*y) - exact).abs();
            assert!(error <= 2e-7 * f64::from(1.0 + x.abs()), "gelu({x}) = {y}, not {exact}");
        }
        let mut odd = [f32::MIN, -0.0, 1e-30, f32::MAX, 1.5];
        gelu(isa, &mut odd);
        assert_eq!(odd[..4], [0.0, 0.0, 5e-31, f32::MAX]);
    }
}

#[test]
fn norms_of_awkward_widths() {
    for (rows, width, threads) in [
        (3, 1, 1),
        (3, 2, 1),
        (3, 15, 1),
        (3, 16, 1),
        (3, 17, 1),
        (3, 64, 1),
        (18, 100, 1),
        (37, 520, 3),
    ] {
        // Far from 0: the squares' mean is not the variance.
        let x: Vec<f32> = noise(rows * width, 5).iter().map(|x| x + 3.0).collect();
        let (weight, bias) = (noise(width, 6), noise(width, 7));
        let oracle = |centre: bool| -> Vec<f64> {
            let row = |x: &[f32]| -> Vec<f64> {
                let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
                let mean = if centre { x.iter().sum::<f64>() / width as f64 } else { 0.0 };
                let square = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                let scale = 1.0 / (square + f64::from(1e-5f32)).sqrt();
                let bias = |i: usize| if centre { f64::from(bias[i]) } else { 0.0 };
                let one =
                    |(i, x): (usize, &f64)| (x - mean) * scale * f64::from(weight[i]) + bias(i);
                x.iter().enumerate().map(one).collect()
            };
            x.chunks_exact(width).flat_map(row).collect()
        };
        let (mut first, mut second): (Option<Vec<u32>>, Option<Vec<u32>>) = (None, None);
        for isa in Isa::available() {
            let mut y = vec![0f32; x.len()];
            let mut moments = Moments::new([(rows, width)].into_iter());
            let mut run = |x: &[f32], bias, y: &mut [f32]| {
                Team::new(threads).unwrap().pass(|crew| {
                    moments.note(crew, isa, x, width);
                    let norm = Norm { weight: &weight, bias, eps: 1e-5 };
                    norm.forward(crew, isa, x, &moments, Outlet { floats: y, rounded: None });
                });
            };
            run(&x, Some(&bias), &mut y);
            assert_close(&y, &oracle(true), 4e-6);
            assert_eq!(first.get_or_insert(bits(&y)), &bits(&y), "{isa:?}");
            for (x, y) in x.chunks_exact(width).zip(y.chunks_exact(width)) {
                let mut alone = vec![0f32; width];
                run(x, Some(&bias), &mut alone);
                assert_eq!(bits(&alone), bits(y), "a row alone");
            }
            run(&x, None, &mut y);
            assert_close(&y, &oracle(false), 4e-6);
            assert_eq!(second.get_or_insert(bits(&y)), &bits(&y), "{isa:?}");
        }
    }
}

/// One lane of attention in f64, row by row: (steps, heads * 3 * head) -> (steps, width); keys and values
/// as a precision keeps them.
fn attention_oracle(
    sizes: &Attention,
    precision: Precision,
    qkv: &[f32],
    start: u64,
    rotate: bool,
) -> Vec<f64> {
    let (head, width) = (sizes.head, sizes.heads * sizes.head);
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
        for h in 0..sizes.heads {
            let q = part(t, 0, h);
            let seen = (t + 1).saturating_sub(sizes.context)..t + 1;
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
    crew: &Crew<'_>,
    isa: Isa,
    sizes: &Attention,
    precision: Precision,
    lanes: &[&[f32]],
    start: u64,
    rotate: bool,
    chunks: &[usize],
) -> Vec<Vec<f32>> {
    let width = sizes.heads * sizes.head;
    let most = chunks.iter().copied().max().unwrap();
    let mut past = KeyValues::new(sizes, lanes.len(), most, precision, &Arena::new());
    let mut scratch = AttentionScratch::new(&[(*sizes, most)], crew.threads());
    let mut rotation = Rotation::new(sizes.head, 10_000.0, most);
    let mut out = vec![Vec::new(); lanes.len()];
    let mut done = 0;
    for &steps in chunks {
        let part = |lane: &&[f32]| lane[done * 3 * width..(done + steps) * 3 * width].to_vec();
        let qkv: Vec<f32> = lanes.iter().flat_map(part).collect();
        let mut y = vec![f32::NAN; lanes.len() * steps * width];
        let window = Window { position: start + done as u64, start };
        rotation.fill(window.position, steps);
        let rotation = rotate.then_some(&rotation);
        let n = lanes.len();
        let to = Outlet { floats: &mut y, rounded: None };
        sizes.forward(crew, isa, n, window, rotation, &qkv, &mut past, &mut scratch, to);
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
    fn linear_layers_are_the_same_everywhere(
        precision in prop::sample::select(&Precision::ALL[..]),
        rows in 1usize..65,
        input in 1usize..300,
        output in 1usize..150,
        threads in prop::sample::select(&[1usize, 3][..]),
    ) {
        check_linear(precision, rows, input, output, threads);
    }

    #[test]
    fn attention_is_exact_and_the_same_in_any_chunks(
        heads in 1usize..4,
        half in prop::sample::select(&[1usize, 3, 8, 20, 32, 40, 48][..]),
        context in prop::sample::select(&[1usize, 2, 15, 16, 17, 40, 100][..]),
        start in prop::sample::select(&[0u64, 5, 16, 1_000_003][..]),
        rotate in any::<bool>(),
        precision in prop::sample::select(&[Precision::F32, Precision::Int8][..]),
        chunks in prop::collection::vec(1usize..40, 1..12),
        seed in any::<u32>(),
    ) {
        let sizes = Attention { heads, head: 2 * half, context };
        let steps: usize = chunks.iter().sum();
        let lanes: [Vec<f32>; 2] = [0, 1].map(|lane| {
            noise(steps * 3 * heads * 2 * half, seed ^ lane).iter().map(|x| x * 3.0).collect()
        });
        let lanes: Vec<&[f32]> = lanes.iter().map(Vec::as_slice).collect();
        let team = Team::new(2).unwrap();
        let mut first: Option<Vec<Vec<u32>>> = None;
        for isa in Isa::available() {
            let run = |lanes: &[&[f32]], chunks: &[usize]| {
                team.pass(|crew| attend(crew, isa, &sizes, precision, lanes, start, rotate, chunks))
            };
            let both = run(&lanes, &chunks);
            let found: Vec<Vec<u32>> = both.iter().map(|y| bits(y)).collect();
            prop_assert_eq!(first.get_or_insert(found.clone()), &found);
            for (lane, y) in lanes.iter().zip(&both) {
                // A number between two bfloat16s may go to either: half a step, of values up to 3.
                let tolerance = if precision == Precision::F32 { 3e-5 } else { 0.02 };
                let exact = attention_oracle(&sizes, precision, lane, start, rotate);
                assert_close(y, &exact, tolerance);
                let whole = run(&[lane], &[steps]);
                prop_assert_eq!(bits(&whole[0]), bits(y));
                let single = run(&[lane], &vec![1; steps]);
                prop_assert_eq!(bits(&single[0]), bits(y));
            }
        }
    }
}
