//! Positions: rotary tables and sinusoids, exact at any offset of the stream.
//!
//! The reference multiplies f32 positions by f32 frequencies, which loses 0.03 rad after forty
//! minutes at 400 Hz. Here the frequencies are the reference's (rounded to f32, as in training), and their
//! product with the position is taken in f64, so that hour ten is as exact as second one.

use candle_core::{Device, Tensor};

/// Cosines and sines of the rotary angles of consecutive positions, each (T, head_dim / 2).
pub(super) struct CandleRope {
    pub cos: Tensor,
    pub sin: Tensor,
}

impl CandleRope {
    /// Makes the table of positions `offset .. offset + steps`; frequency i is
    /// `max_period^(-2i / head_dim)`.
    pub fn new(
        offset: u64,
        steps: usize,
        head_dim: usize,
        max_period: f64,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let half = head_dim / 2;
        let frequencies: Vec<f64> = (0..half)
            .map(|i| f64::from((-max_period.ln() * 2.0 * i as f64 / head_dim as f64).exp() as f32))
            .collect();
        let angles = (0..steps as u64).flat_map(|t| {
            let position = (offset + t) as f64;
            frequencies.iter().map(move |f| position * f)
        });
        let (sin, cos): (Vec<f32>, Vec<f32>) =
            angles.map(f64::sin_cos).map(|(s, c)| (s as f32, c as f32)).unzip();
        Ok(Self {
            cos: Tensor::from_vec(cos, (steps, half), device)?,
            sin: Tensor::from_vec(sin, (steps, half), device)?,
        })
    }

    /// Rotates interleaved pairs (2i, 2i+1) of a contiguous (B, H, T, head_dim) tensor.
    pub fn apply(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        candle_nn::rotary_emb::rope_i(x, &self.cos, &self.sin)
    }
}

/// Returns the sinusoidal embedding of positions `offset .. offset + steps`, (T, width): the cosines of
/// `p / max_period^(i / (width/2 - 1))`, then the sines.
pub(super) fn sinusoids(
    offset: u64,
    steps: usize,
    width: usize,
    max_period: f64,
    device: &Device,
) -> candle_core::Result<Tensor> {
    let half = width / 2;
    let mut values = vec![0f32; steps * width];
    for (t, row) in values.chunks_exact_mut(width).enumerate() {
        let position = (offset + t as u64) as f64;
        for i in 0..half {
            let period = max_period.powf(i as f64 / (half - 1) as f64) as f32;
            let (sin, cos) = (position / f64::from(period)).sin_cos();
            row[i] = cos as f32;
            row[half + i] = sin as f32;
        }
    }
    Tensor::from_vec(values, (steps, width), device)
}
