//! Matrix product y = x Wᵀ of rows with packed panels: what all precisions share.
//!
//! ```text
//!                     panel (32 outputs)
//!                     +--------+
//!            input -> | W      |   one panel after the other; each meets all rows before the next is read
//!                     +--------+
//!        input
//!      +-------+      +--------+
//! rows | x     |      | tile   |   register tile: R rows by C vectors of 16 outputs
//!      +-------+      +--------+
//! ```

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

mod float_gemm;
mod int8_gemm;

use std::ops::Range;

use super::activation_quantization::{BlockQuantizer, LinearInput, QUANT_BLOCK};
use super::disjoint_mut::DisjointMut;
use super::gelu::gelu_vector;
use super::linear::{Epilogue, Linear};
use super::moments::MomentsWriter;
use super::pack::{PANEL, panel_bytes};
use super::precision::Precision;
use super::simd::{Kernel, LANES, Simd};
use float_gemm::{Bf16Panel, F32Panel};

/// Panels whose outputs make up one quantization block.
pub(super) const PANELS_PER_QUANT_BLOCK: usize = QUANT_BLOCK / PANEL;

/// [`super::PostOp`] for the threads of a loop.
#[derive(Clone, Copy)]
pub(super) enum PanelPostOp<'a> {
    None,
    Quantize(BlockQuantizer<'a>),
    Moments(MomentsWriter<'a>),
}

/// Kernel that computes all rows of some panels.
///
/// # Safety
/// `x` must hold `rows` rows of the layer's input in the layer's form, `y` as many of its output,
/// [`Epilogue::AddScaled`] a scale for each output, and `post_op` have been begun for these rows. `panels`
/// must be the layer's. No other thread may access the panels' outputs in `y`; with
/// [`PanelPostOp::Quantize`] `panels` must be whole quantization blocks of the outputs.
pub(super) struct GemmPanels<'a> {
    pub linear: &'a Linear,
    pub x: LinearInput<'a>,
    pub rows: usize,
    pub y: DisjointMut<'a>,
    pub epilogue: Epilogue<'a>,
    pub post_op: PanelPostOp<'a>,
    pub panels: Range<usize>,
}

impl Kernel for GemmPanels<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: by the contracts of `Kernel` and of the type.
        unsafe {
            match (self.x, self.linear.precision()) {
                (LinearInput::Quantized(x), _) => self.int8_gemm::<S>(x),
                (LinearInput::F32(x), Precision::Bf16) => self.float_gemm::<S, Bf16Panel>(x),
                (LinearInput::F32(x), _) => self.float_gemm::<S, F32Panel>(x),
            }
        }
    }
}

// The contract of the methods below is that of `Kernel::run` for the type: the processor has the
// instruction set, and what the type's documentation demands holds.
impl GemmPanels<'_> {
    /// Returns the bytes of a panel.
    #[inline(always)]
    fn panel(&self, panel: usize) -> &[u8] {
        let bytes = panel_bytes(self.linear.precision(), self.linear.input());
        &self.linear.packed()[panel * bytes..][..bytes]
    }

    /// Applies the post-op once all rows of a panel are stored.
    ///
    /// # Safety
    /// As [`Kernel::run`]; `panel` must be one of `panels`.
    #[inline(always)]
    unsafe fn apply_post_op<S: Simd>(&self, panel: usize) {
        // SAFETY: by the contract, y holds all rows, and this kernel alone has the panel, and its
        // quantization block, of them.
        unsafe {
            match self.post_op {
                PanelPostOp::None => {}
                PanelPostOp::Moments(moments) => moments.write::<S>(panel, self.y.at(0)),
                PanelPostOp::Quantize(quantizer) => {
                    let ends_block = panel % PANELS_PER_QUANT_BLOCK == PANELS_PER_QUANT_BLOCK - 1;
                    if ends_block || panel + 1 == self.panels.end {
                        let block = panel / PANELS_PER_QUANT_BLOCK;
                        quantizer.quantize::<S>(block, 0..self.rows, self.y.at(0));
                    }
                }
            }
        }
    }

    /// Stores a tile of sums, through the epilogue, in outputs from `first` on of the rows from `row` on.
    /// Outputs beyond the last are dropped.
    ///
    /// # Safety
    /// As [`Kernel::run`]; the rows must exist, and the outputs belong to one of `panels`.
    #[inline(always)]
    unsafe fn store_tile<S: Simd, const R: usize, const C: usize>(
        &self,
        sums: [[S; C]; R],
        first: usize,
        row: usize,
    ) {
        let output = self.linear.output();
        for c in 0..C {
            let n = first + c * LANES;
            if n >= output {
                break;
            }
            let present = output - n;
            for r in 0..R {
                // SAFETY: by the contract the rows exist, so that `present` numbers, or sixteen, are at y
                // and at scale[n..], and no other thread has this panel's outputs.
                unsafe {
                    let y = self.y.at((row + r) * output + n);
                    let sum = sums[r][c];
                    let result = match self.epilogue {
                        Epilogue::Store => sum,
                        Epilogue::Gelu => gelu_vector(sum),
                        Epilogue::Add => S::load_present(y, present).add(sum),
                        Epilogue::AddScaled(scale) => {
                            let scale = S::load_present(scale.as_ptr().add(n), present);
                            sum.fma(scale, S::load_present(y, present))
                        }
                    };
                    result.store_present(y, present);
                }
            }
        }
    }
}
