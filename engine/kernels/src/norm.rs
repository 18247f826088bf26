//! LayerNorm and RMSNorm of rows.

use std::ops::Range;

use super::activation_quantization::{
    BlockQuantizer, LinearInput, LinearInputBuffer, QUANT_BLOCK, quant_blocks,
};
use super::disjoint_mut::DisjointMut;
use super::isa::Isa;
use super::moments::Moments;
use super::simd::{Kernel, LANES, Simd};
use super::thread_pool::Workers;

/// Norm of rows as wide as `weight`.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    /// Gain of each column.
    pub weight: &'a [f32],
    /// Bias of each column for a LayerNorm; `None` for an RMSNorm, which does not subtract the mean.
    pub bias: Option<&'a [f32]>,
    /// Added to the variance, or to the mean square.
    pub eps: f32,
}

impl Norm<'_> {
    /// Normalizes the rows of `x`, (rows, width) row-major, with these moments, into `to`, in the same
    /// shape, and returns what was written.
    ///
    /// LayerNorm: (x - mean) / sqrt(variance + eps) * weight + bias, with the variance over all numbers of
    /// a row (not one less). RMSNorm: x / sqrt(mean square + eps) * weight. Does not allocate; blocks on
    /// nothing but the workers.
    ///
    /// # Panics
    /// If the lengths do not match, or `to` has no room to quantize the rows.
    pub fn forward<'a>(
        self,
        workers: &Workers<'_>,
        isa: Isa,
        x: &[f32],
        moments: &Moments,
        mut to: LinearInputBuffer<'a>,
    ) -> LinearInput<'a> {
        let (rows, width) = (moments.rows(), moments.width());
        assert!(x.len() == rows * width && to.rows.len() == x.len(), "moments of the rows");
        assert!(self.weight.len() == width && self.bias.is_none_or(|bias| bias.len() == width));
        let y = DisjointMut::new(to.rows);
        let quantizer = to.quantized.as_mut().map(|quantized| quantized.begin(rows, width));
        // Distributed by blocks of columns, most of which the same thread wrote in the layer before.
        workers.parallel_elementwise(x.len(), quant_blocks(width), |blocks| {
            let kernel = NormalizeBlocks { norm: self, x, moments, y, quantizer, blocks };
            // SAFETY: the lengths were checked above, and the blocks are of this part alone.
            unsafe { isa.run(kernel) };
        });
        to.into_input()
    }
}

/// Kernel that normalizes some quantization blocks of all rows.
///
/// # Safety
/// `x`, `y` and `quantizer` must have the shape of `moments`, and `weight` and `bias` its width. No other
/// thread may access the same blocks in `y`, or quantize them, meanwhile.
struct NormalizeBlocks<'a> {
    norm: Norm<'a>,
    x: &'a [f32],
    moments: &'a Moments,
    y: DisjointMut<'a>,
    quantizer: Option<BlockQuantizer<'a>>,
    blocks: Range<usize>,
}

impl Kernel for NormalizeBlocks<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { norm: Norm { weight, bias, eps }, x, moments, y, quantizer, blocks } = self;
        let (rows, width) = (moments.rows(), moments.width());
        for from in (0..rows).step_by(LANES) {
            // SAFETY: by the contracts of `Kernel` and of the type: rows and columns are inside x, weight,
            // bias and y, and no other thread has these blocks.
            unsafe {
                let (means, variances) = moments.mean_and_variance::<S>(from, bias.is_some());
                let (means, variances) = (means.lanes(), variances.lanes());
                for block in blocks.clone() {
                    let group = from..rows.min(from + LANES);
                    for row in group.clone() {
                        let mean = S::splat(means[row - from]);
                        let gain = S::splat(1.0 / (variances[row - from] + eps).sqrt());
                        let columns = block * QUANT_BLOCK..width.min((block + 1) * QUANT_BLOCK);
                        for n in columns.step_by(LANES) {
                            let present = width - n;
                            let load = |x: &[f32]| S::load_present(x.as_ptr().add(n), present);
                            let d = load(&x[row * width..]).sub(mean).mul(gain);
                            let d = match bias {
                                Some(bias) => d.fma(load(weight), load(bias)),
                                None => d.mul(load(weight)),
                            };
                            d.store_present(y.at(row * width + n), present);
                        }
                    }
                    if let Some(quantizer) = quantizer {
                        quantizer.quantize::<S>(block, group, y.at(0));
                    }
                }
            }
        }
    }
}
