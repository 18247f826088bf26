//! Normalisation of rows.

use super::isa::Isa;
use super::simd::{Kernel, LANES, Simd};

struct Norm<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    weight: &'a [f32],
    /// Of a LayerNorm; an RMSNorm has none and does not centre.
    bias: Option<&'a [f32]>,
    eps: f32,
}

impl Kernel for Norm<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let width = self.weight.len();
        let whole = width - width % LANES;
        for (x, y) in self.x.chunks_exact(width).zip(self.y.chunks_exact_mut(width)) {
            // SAFETY: the instruction set is there; vectors are read and written at multiples of
            // sixteen below `whole`, which no row, weight or bias is shorter than.
            unsafe {
                let mut mean = 0.0;
                if self.bias.is_some() {
                    let mut sum = S::zero();
                    for i in (0..whole).step_by(LANES) {
                        sum = sum.add(S::load(x.as_ptr().add(i)));
                    }
                    mean = (sum.sum() + x[whole..].iter().sum::<f32>()) / width as f32;
                }
                let centre = S::splat(mean);
                let mut squares = S::zero();
                for i in (0..whole).step_by(LANES) {
                    let d = S::load(x.as_ptr().add(i)).sub(centre);
                    squares = d.fma(d, squares);
                }
                let mut sum = squares.sum();
                for x in &x[whole..] {
                    sum += (x - mean) * (x - mean);
                }
                let scale = 1.0 / (sum / width as f32 + self.eps).sqrt();
                let gain = S::splat(scale);
                for i in (0..whole).step_by(LANES) {
                    let d = S::load(x.as_ptr().add(i)).sub(centre).mul(gain);
                    let weight = S::load(self.weight.as_ptr().add(i));
                    let d = match self.bias {
                        Some(bias) => d.fma(weight, S::load(bias.as_ptr().add(i))),
                        None => d.mul(weight),
                    };
                    d.store(y.as_mut_ptr().add(i));
                }
                for i in whole..width {
                    let d = (x[i] - mean) * scale;
                    y[i] = match self.bias {
                        Some(bias) => d.mul_add(self.weight[i], bias[i]),
                        None => d * self.weight[i],
                    };
                }
            }
        }
    }
}

/// LayerNorm of each row: (x - mean) / sqrt(variance + eps) * weight + bias, the variance over all
/// numbers of a row (not one less). Rows are as long as `weight`. Realtime-safe.
///
/// # Panics
/// If the lengths do not fit together.
pub fn layer_norm(isa: Isa, x: &[f32], weight: &[f32], bias: &[f32], eps: f32, y: &mut [f32]) {
    assert!(
        x.len() == y.len() && weight.len() == bias.len() && x.len().is_multiple_of(weight.len())
    );
    isa.run(Norm { x, y, weight, bias: Some(bias), eps });
}

/// RMSNorm of each row: x / sqrt(mean of squares + eps) * weight. Rows are as long as `weight`.
/// Realtime-safe.
///
/// # Panics
/// If the lengths do not fit together.
pub fn rms_norm(isa: Isa, x: &[f32], weight: &[f32], eps: f32, y: &mut [f32]) {
    assert!(x.len() == y.len() && x.len().is_multiple_of(weight.len()));
    isa.run(Norm { x, y, weight, bias: None, eps });
}
