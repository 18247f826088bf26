//! Each kernel against a plain f64 oracle, at odd shapes and on every instruction set of this processor.

mod attention;
mod functions;
mod fused;
mod linear;
mod quantizer;

use residue_engine_testing::SeededNoise;

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
