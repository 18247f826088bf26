//! Linear layers in each precision.

use proptest::prelude::*;
use residue_kernels::{
    Arena, Epilogue, Isa, Linear, PostOp, Precision, QuantizedRows, ThreadPool, fused_multiply_add,
    gelu,
};

use super::{assert_close, bits, noise};

fn peak(w: &[f32]) -> f32 {
    w.iter().fold(0f32, |m, w| m.max(w.abs()))
}

/// Quantizes and dequantizes sixteen weights in int4: of the factors that clip little, the one with the least
/// squared error.
fn int4_group(w: &[f32], scale: f32) -> Vec<f32> {
    let with = |factor: u8| -> Vec<f32> {
        let step = f32::from(factor) * scale;
        w.iter().map(|w| (w / step).round_ties_even().clamp(-8.0, 7.0) * step).collect()
    };
    let squared_error = |x: &[f32]| w.iter().zip(x).map(|(w, x)| (w - x) * (w - x)).sum::<f32>();
    let peak = peak(w) / scale;
    let factors = ((peak / 10.0) as u8).max(1)..=15;
    let found = factors.filter(|f| f32::from(*f) < peak / 7.0 + 1.0).map(with);
    let none = vec![0.0; w.len()];
    found.fold(none, |best, x| if squared_error(&x) < squared_error(&best) { x } else { best })
}

/// Quantizes and dequantizes a row of W.
fn dequantized_weights(precision: Precision, w: &[f32]) -> Vec<f32> {
    let block = |w: &[f32]| -> Vec<f32> {
        // The smallest bfloat16 that is large enough.
        let max_level = if precision == Precision::Int4 { 7.0 * 15.0 } else { 127.0 };
        let step = peak(w) / max_level;
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
            return w.chunks(16).flat_map(|w| int4_group(w, scale)).collect();
        }
        w.iter().map(one).collect()
    };
    w.chunks(128).flat_map(block).collect()
}

/// Quantizes and dequantizes a row of activations.
fn dequantized_activations(x: &[f32]) -> Vec<f64> {
    let block = |x: &[f32]| -> Vec<f64> {
        let peak = peak(x);
        let square = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
        let steps = if peak <= 4.5 * square.sqrt() { 127.0 } else { 127.0 * 256.0 };
        let one = |x: &f32| f64::from((x * (steps / peak)).round_ties_even() * peak / steps);
        x.iter().map(one).collect()
    };
    x.chunks(128).flat_map(block).collect()
}

fn check_linear(precision: Precision, rows: usize, input: usize, output: usize, threads: usize) {
    let (w, mut x) = (noise(input * output, 1), noise(rows * input, 2));
    // Some outlier blocks.
    x.iter_mut().step_by(293).for_each(|x| *x *= 30.0);
    let (before, scale) = (noise(rows * output, 3), noise(output, 4));
    let layer = Linear::pack(&w, output, input, precision, &Arena::new()).unwrap();
    assert_eq!(layer.precision(), precision);
    assert_eq!(layer.packed().len(), Linear::packed_bytes(precision, output, input));
    let w: Vec<f32> =
        w.chunks_exact(input).flat_map(|w| dequantized_weights(precision, w)).collect();
    let exact: Vec<f64> = x
        .chunks_exact(input)
        .flat_map(|x| {
            let x = match precision {
                integers if integers.is_integer() => dequantized_activations(x),
                _ => x.iter().map(|x| f64::from(*x)).collect(),
            };
            let product = |w: &[f32]| x.iter().zip(w).map(|(a, b)| a * f64::from(*b)).sum::<f64>();
            w.chunks_exact(input).map(product).collect::<Vec<_>>()
        })
        .collect();
    let mut quantized = QuantizedRows::new([(rows, input)].into_iter());
    let mut run = |isa, x: &[f32], y: &mut [f32], epilogue| {
        ThreadPool::new(threads).unwrap().run(|workers| {
            let x = layer.prepare_input(workers, isa, x, &mut quantized);
            layer.forward(workers, isa, x, y, epilogue, PostOp::None);
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
            let chain = (0..input).fold(0f32, |sum, k| fused_multiply_add(x[k], w[k], sum));
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
            (0..y.len()).map(|i| fused_multiply_add(y[i], scale[i % output], before[i])).collect();
        assert_eq!(bits(&scaled), bits(&sums));
        let mut curved = before.clone();
        run(isa, &x, &mut curved, Epilogue::Gelu);
        // As in a pass: with denormals flushed.
        ThreadPool::new(1).unwrap().run(|_| gelu(isa, &mut y));
        assert_eq!(bits(&curved), bits(&y));
    }
}

#[test]
fn linear_layers_of_odd_shapes() {
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
fn integer_layers_take_silence_and_extremes() {
    let pool = ThreadPool::new(1).unwrap();
    let (input, output) = (300, 40);
    for precision in [Precision::Int8, Precision::Int4] {
        let pack = |w: &[f32]| Linear::pack(w, output, input, precision, &Arena::new()).unwrap();
        let layer = pack(&noise(input * output, 1));
        let silent = pack(&vec![0f32; input * output]);
        let mut quantized = QuantizedRows::new([(1, input)].into_iter());
        for (isa, size) in
            Isa::available().into_iter().flat_map(|i| [0.0, 1e-38, 1e-35, 1e30].map(|s| (i, s)))
        {
            let x: Vec<f32> = noise(input, 9).iter().map(|x| x * size).collect();
            let mut y = vec![f32::NAN; output];
            let mut run = |layer: &Linear, y: &mut [f32]| {
                pool.run(|workers| {
                    let x = layer.prepare_input(workers, isa, &x, &mut quantized);
                    layer.forward(workers, isa, x, y, Epilogue::Store, PostOp::None);
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

#[test]
fn layers_with_large_quantization_error_fall_back() {
    let (input, output) = (256, 256);
    let kept = |weights: &[f32], precision| {
        let layer = Linear::pack(weights, output, input, precision, &Arena::new()).unwrap();
        assert!(Linear::precision_fallbacks(precision).contains(&layer.precision()));
        layer.precision()
    };
    let small: Vec<f32> = noise(input * output, 7).iter().map(|x| x * 0.02).collect();
    assert_eq!(kept(&small, Precision::Int8), Precision::Int8);
    assert_eq!(kept(&small, Precision::Int4), Precision::Int4);
    // Small weights beside an identity.
    let mut identity = small.clone();
    identity.iter_mut().step_by(input + 1).for_each(|x| *x = 1.0);
    assert_eq!(kept(&identity, Precision::Int8), Precision::Bf16);
    assert_eq!(kept(&identity, Precision::Int4), Precision::Bf16);
    // Some larger weights in every group of sixteen are too much for int4 only.
    let mut spiky = small;
    spiky.iter_mut().step_by(11).for_each(|x| *x = 0.2);
    assert_eq!(kept(&spiky, Precision::Int8), Precision::Int8);
    assert_eq!(kept(&spiky, Precision::Int4), Precision::Int8);
    // All of a row's weights may be in its strongest group.
    let alone = |(i, x): (usize, &f32)| if i % input / 16 == i / input % 16 { *x } else { 0.0 };
    let diagonal: Vec<f32> = spiky.iter().enumerate().map(alone).collect();
    assert_eq!(kept(&diagonal, Precision::Int4), Precision::Int8);
    assert_eq!(kept(&vec![1e25; input * output], Precision::Int4), Precision::Bf16);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn linear_layers_are_independent_of_rows_threads_and_isa(
        precision in prop::sample::select(&Precision::ALL[..]),
        rows in 1usize..65,
        input in 1usize..300,
        output in 1usize..150,
        threads in prop::sample::select(&[1usize, 3][..]),
    ) {
        check_linear(precision, rows, input, output, threads);
    }
}
