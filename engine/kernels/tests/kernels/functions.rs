//! GELU and norms.

use residue_kernels::{Isa, LinearInputBuffer, Moments, Norm, ThreadPool, gelu};

use super::{assert_close, bits, noise};

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
fn norms_of_odd_widths() {
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
        // Far from 0, so that the mean square is not the variance.
        let x: Vec<f32> = noise(rows * width, 5).iter().map(|x| x + 3.0).collect();
        let (weight, bias) = (noise(width, 6), noise(width, 7));
        let oracle = |centered: bool| -> Vec<f64> {
            let row = |x: &[f32]| -> Vec<f64> {
                let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
                let mean = if centered { x.iter().sum::<f64>() / width as f64 } else { 0.0 };
                let square = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width as f64;
                let scale = 1.0 / (square + f64::from(1e-5f32)).sqrt();
                let bias = |i: usize| if centered { f64::from(bias[i]) } else { 0.0 };
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
                ThreadPool::new(threads).unwrap().run(|workers| {
                    moments.compute(workers, isa, x, width);
                    let norm = Norm { weight: &weight, bias, eps: 1e-5 };
                    norm.forward(
                        workers,
                        isa,
                        x,
                        &moments,
                        LinearInputBuffer { rows: y, quantized: None },
                    );
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
