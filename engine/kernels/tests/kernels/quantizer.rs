//! The quantizer's kernels, bit for bit against plain loops.

use residue_kernels::{Affine, Codebook, Isa, normalize};

use super::{bits, noise};

#[test]
fn affine_maps_are_sums_in_the_documented_order() {
    for (input, output) in [(1, 1), (3, 17), (8, 16), (8, 63), (9, 5), (31, 8), (512, 8), (64, 130)]
    {
        let (weight, bias) = (noise(input * output, 1), noise(output, 2));
        let x = noise(input, 3);
        let expected: Vec<f32> = (0..output)
            .map(|n| {
                let product = |k: usize| weight[n * input + k] * x[k];
                if input <= 8 {
                    return (0..input).map(product).fold(0.0, |sum, p| sum + p) + bias[n];
                }
                let whole = input / 8 * 8;
                let sums: Vec<f32> = (0..8)
                    .map(|i| (i..whole).step_by(8).map(product).fold(0.0, |sum, p| sum + p))
                    .collect();
                let rest: f32 = (whole..input).map(product).sum();
                sums.iter().sum::<f32>() + rest + bias[n]
            })
            .collect();
        let map = Affine::new(weight.clone(), bias.clone(), input);
        for isa in Isa::available() {
            let mut y = vec![f32::NAN; output];
            map.apply(isa, &x, &mut y);
            assert_eq!(bits(&y), bits(&expected), "{isa:?}, {input} to {output}");
        }
    }
}

#[test]
fn the_nearest_row_is_found_and_the_first_of_equals() {
    for (size, dim) in [(1, 1), (2, 8), (15, 3), (16, 8), (17, 8), (100, 5), (1024, 8), (1025, 9)] {
        let mut rows = noise(size * dim, 4);
        if size > 40 {
            // The same direction several times, in other lanes and other vectors; and a row without any.
            let row = rows[33 * dim..34 * dim].to_vec();
            for i in [35, 49, 66] {
                let scaled = row.iter().map(|x| 2.0 * x);
                rows[i * dim..][..dim].iter_mut().zip(scaled).for_each(|(to, x)| *to = x);
            }
            rows[7 * dim..8 * dim].fill(0.0);
        }
        let codebook = Codebook::new(rows.clone(), dim);
        rows.chunks_exact_mut(dim).for_each(normalize);
        let distance = |row: &[f32], x: &[f32]| {
            let square: Vec<f32> = row.iter().map(|x| x * x).collect();
            let whole = dim / 8 * 8;
            let norm = square[..whole].iter().sum::<f32>() + square[whole..].iter().sum::<f32>();
            norm - 2.0 * row.iter().zip(x).map(|(a, b)| a * b).fold(0.0, |sum, p| sum + p)
        };
        for seed in 0..50 {
            let mut x = if seed == 0 && size > 40 {
                rows[33 * dim..34 * dim].to_vec()
            } else {
                noise(dim, 10 + seed)
            };
            normalize(&mut x);
            let distances: Vec<f32> = rows.chunks_exact(dim).map(|row| distance(row, &x)).collect();
            let least = distances.iter().copied().fold(f32::INFINITY, f32::min);
            let expected = distances.iter().position(|d| *d == least).unwrap();
            for isa in Isa::available() {
                assert_eq!(codebook.nearest(isa, &x), expected, "{isa:?}, {size} of {dim}");
            }
        }
        for isa in Isa::available() {
            assert_eq!(codebook.nearest(isa, &vec![f32::NAN; dim]), 0);
        }
    }
}
