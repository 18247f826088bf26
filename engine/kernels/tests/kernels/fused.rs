//! Post-ops that are fused into a kernel.

use residue_kernels::{
    Arena, Attention, AttentionScratch, AttentionStream, AttentionWindow, Epilogue, Isa, KvCache,
    Linear, LinearInput, LinearInputBuffer, Moments, Norm, PostOp, Precision, QuantizedRows,
    ThreadPool, Workers,
};

use super::{bits, noise};

/// Returns the bits of a layer's result.
fn product(
    workers: &Workers<'_>,
    isa: Isa,
    layer: &Linear,
    x: LinearInput<'_>,
    rows: usize,
) -> Vec<u32> {
    let mut y = vec![0f32; rows * layer.output()];
    layer.forward(workers, isa, x, &mut y, Epilogue::Store, PostOp::None);
    bits(&y)
}

/// Quantization and moments are the same whether they are fused into a kernel or applied to its whole
/// result.
#[test]
fn fused_post_ops_are_those_of_the_whole_result() {
    let pack = |precision, input: usize, output: usize, seed| {
        let weights = noise(input * output, seed);
        Linear::pack(&weights, output, input, precision, &Arena::new()).unwrap()
    };
    // Widths of whole and of partial blocks; heads that make up whole blocks and heads that do not; first
    // layers of integers and of floats.
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
        // Some outlier blocks.
        for x in [&mut x, &mut before, &mut qkv] {
            x.iter_mut().step_by(293).for_each(|x| *x *= 30.0);
        }
        let (weight, bias) = (noise(width, 6), noise(width, 7));
        let bias = (precision != Precision::Bf16).then_some(&*bias);
        let norm = Norm { weight: &weight, bias, eps: 1e-5 };
        // A context of one position, so that outliers are not averaged out.
        let attention = Attention { heads, head_dim: width / heads, context: 1 };
        let (lanes, steps) = (2, rows / 2);
        let run = |workers: &Workers<'_>, isa: Isa| {
            let shapes = || [(rows, width), (rows, hidden)].into_iter();
            let [mut input, mut fused, mut after] = [(); 3].map(|()| QuantizedRows::new(shapes()));
            let mut moments = Moments::new(shapes());
            let mut floats = vec![0f32; rows * hidden];
            let quantized = first.prepare_input(workers, isa, &x, &mut input);
            first.forward(
                workers,
                isa,
                quantized,
                &mut floats,
                Epilogue::Gelu,
                PostOp::Quantize(&mut fused),
            );
            let linear = product(workers, isa, &second, LinearInput::Quantized(&fused), rows);
            let expected = second.prepare_input(workers, isa, &floats, &mut after);
            assert_eq!(linear, product(workers, isa, &second, expected, rows), "{isa:?} linear");

            let mut sum = before.clone();
            let (quantized, post_op) =
                (LinearInput::Quantized(&fused), PostOp::Moments(&mut moments));
            second.forward(workers, isa, quantized, &mut sum, Epilogue::Add, post_op);
            let [mut normed, mut again] = [(); 2].map(|()| vec![0f32; sum.len()]);
            let to = LinearInputBuffer { rows: &mut normed, quantized: Some(&mut fused) };
            let integers = norm.forward(workers, isa, &sum, &moments, to);
            let of_norm = product(workers, isa, &next, integers, rows);
            moments.compute(workers, isa, &sum, width);
            let to = LinearInputBuffer { rows: &mut again, quantized: None };
            norm.forward(workers, isa, &sum, &moments, to);
            assert_eq!(bits(&normed), bits(&again), "{isa:?} moments");
            let expected = next.prepare_input(workers, isa, &normed, &mut after);
            assert_eq!(of_norm, product(workers, isa, &next, expected, rows), "{isa:?} norm");

            let mut cache = KvCache::new(&attention, lanes, steps, Precision::Int8, &Arena::new());
            let mut scratch = AttentionScratch::new(&[(attention, steps)], workers.threads());
            let window = AttentionWindow { position: 0, start: 0 };
            let to = LinearInputBuffer { rows: &mut normed, quantized: Some(&mut fused) };
            let caches = std::slice::from_mut(&mut cache);
            let streams = &mut [AttentionStream { lanes, steps, window, rope: None, caches }];
            let attended = attention.forward(workers, isa, 0, streams, &qkv, &mut scratch, to);
            let of_attention = product(workers, isa, &next, attended, rows);
            let expected = next.prepare_input(workers, isa, &normed, &mut after);
            let expected = product(workers, isa, &next, expected, rows);
            assert_eq!(of_attention, expected, "{isa:?} attention");
            [linear, of_norm, of_attention]
        };
        let mut all = None;
        for (isa, threads) in Isa::available().into_iter().flat_map(|i| [1, 2, 3].map(|n| (i, n))) {
            let found = ThreadPool::new(threads).unwrap().run(|workers| run(workers, isa));
            assert_eq!(all.get_or_insert(found.clone()), &found, "{isa:?}, {threads} threads");
        }
    }
}
