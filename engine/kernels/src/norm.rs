//! Normalisation of rows.

use std::ops::Range;

use super::activations::{BLOCK, Outlet, Rows, Sink, blocks};
use super::isa::Isa;
use super::moments::Moments;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// What normalises a row of `width` numbers.
#[derive(Clone, Copy)]
pub struct Norm<'a> {
    /// A factor a column.
    pub weight: &'a [f32],
    /// A number a column, of a LayerNorm; an RMSNorm has none and does not centre.
    pub bias: Option<&'a [f32]>,
    /// Added to the variance, or the mean of squares.
    pub eps: f32,
}

impl Norm<'_> {
    /// Normalises the rows of `x`, (rows, width) row-major, whose moments are noted: (x - mean) /
    /// sqrt(variance + eps) * weight + bias, the variance over all numbers of a row (not one less), as a
    /// LayerNorm; without a bias x / sqrt(mean of squares + eps) * weight. Returns them as they were put out,
    /// in the same shape. Allocates and blocks on nothing but the crew.
    ///
    /// # Panics
    /// If the lengths do not fit together, or `to` has no room to round as many rows.
    pub fn forward<'a>(
        self,
        crew: &Crew<'_>,
        isa: Isa,
        x: &[f32],
        moments: &Moments,
        mut to: Outlet<'a>,
    ) -> Rows<'a> {
        let (rows, width) = (moments.rows(), moments.width());
        assert!(x.len() == rows * width && to.floats.len() == x.len(), "moments of the rows");
        assert!(self.weight.len() == width && self.bias.is_none_or(|bias| bias.len() == width));
        let y = Shared::new(to.floats);
        let sink = to.rounded.as_mut().map(|rounded| rounded.sink(rows, width));
        // By blocks, which most of the same thread wrote.
        crew.sweep(x.len(), blocks(width), |blocks| {
            isa.run(Blocks { norm: self, x, moments, y, sink, blocks });
        });
        to.rows()
    }
}

/// Some blocks of all rows.
struct Blocks<'a> {
    norm: Norm<'a>,
    x: &'a [f32],
    moments: &'a Moments,
    y: Shared<'a>,
    sink: Option<Sink<'a>>,
    blocks: Range<usize>,
}

impl Kernel for Blocks<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { norm: Norm { weight, bias, eps }, x, moments, y, sink, blocks } = self;
        let (rows, width) = (moments.rows(), moments.width());
        for from in (0..rows).step_by(LANES) {
            // SAFETY: the instruction set is there; rows and columns are inside x, weight, bias and y,
            // and no other thread has these blocks.
            unsafe {
                let (means, squares) = moments.of::<S>(from, bias.is_some());
                let (means, squares) = (means.lanes(), squares.lanes());
                for block in blocks.clone() {
                    let these = from..rows.min(from + LANES);
                    for row in these.clone() {
                        let centre = S::splat(means[row - from]);
                        let gain = S::splat(1.0 / (squares[row - from] + eps).sqrt());
                        for n in (block * BLOCK..width.min((block + 1) * BLOCK)).step_by(LANES) {
                            let present = width - n;
                            let load = |x: &[f32]| S::load_present(x.as_ptr().add(n), present);
                            let d = load(&x[row * width..]).sub(centre).mul(gain);
                            let d = match bias {
                                Some(bias) => d.fma(load(weight), load(bias)),
                                None => d.mul(load(weight)),
                            };
                            d.store_present(y.at(row * width + n), present);
                        }
                    }
                    if let Some(sink) = sink {
                        sink.round::<S>(block, these, y.at(0));
                    }
                }
            }
        }
    }
}
