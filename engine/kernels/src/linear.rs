//! Bias-free linear layers on packed weights.

use std::io;
use std::ops::Range;

use super::activation_quantization::{LinearInput, LinearInputBuffer, QuantizedRows};
use super::arena::{Arena, ArenaBlock};
use super::disjoint_mut::DisjointMut;
use super::gemm::{GemmPanels, PANELS_PER_QUANT_BLOCK, PanelPostOp};
use super::isa::Isa;
use super::moments::Moments;
use super::pack::{PANEL, is_finite, pack, packed_bytes};
use super::precision::Precision;
use super::thread_pool::Workers;
use super::weight_quantization::quantization_error;

/// Multiply-adds per thread below which a layer is not worth distributing.
const MIN_PARALLEL_MACS: usize = 1 << 17;

/// Largest relative quantization error with which a layer is kept in a precision: -36 dB in int8, where
/// normal noise has -44 dB, and -18 dB in int4, where it has -22 dB. It is exceeded where a few weights are
/// much larger than their neighbours.
const fn max_quantization_error(precision: Precision) -> f64 {
    match precision {
        Precision::F32 | Precision::Bf16 => f64::INFINITY,
        Precision::Int8 => 2.5e-4,
        Precision::Int4 => 1.5e-2,
    }
}

/// Operation that stores a layer's result x Wᵀ in y.
#[derive(Clone, Copy)]
pub enum Epilogue<'a> {
    /// y = result.
    Store,
    /// y = GELU(result), see [`super::gelu()`].
    Gelu,
    /// y += result.
    Add,
    /// y += result * scale, with a scale for each output.
    AddScaled(&'a [f32]),
}

/// Operation on y that is fused into the layer, panel by panel, while the values are in the cache.
pub enum PostOp<'a> {
    /// None.
    None,
    /// Quantizes the rows of y, for an integer layer.
    Quantize(&'a mut QuantizedRows),
    /// Computes the moments of the rows of y, for a norm.
    Moments(&'a mut Moments),
}

/// Linear layer y = x Wᵀ with packed weights.
///
/// In f32 and bf16 each output is one chain of fused multiply-adds over ascending inputs, starting at 0. In
/// int8 and int4 it is such a chain over blocks of 128 inputs: of each block the exact integer dot product
/// of the high bytes and then, in outlier blocks, that of the low bytes. The result therefore depends
/// neither on the rows beside it nor on threads or instruction set.
pub struct Linear {
    input: usize,
    output: usize,
    precision: Precision,
    packed: ArenaBlock,
}

impl Linear {
    /// Packs W, (output, input) row-major as in checkpoints, with rayon's threads.
    ///
    /// The layer takes the first of [`Linear::precision_fallbacks`] whose quantization error is small
    /// enough. Allocates.
    ///
    /// # Errors
    /// If there is no memory for it.
    ///
    /// # Panics
    /// If `weights` is not `output * input` long or either is 0.
    pub fn pack(
        weights: &[f32],
        output: usize,
        input: usize,
        precision: Precision,
        arena: &Arena,
    ) -> io::Result<Self> {
        assert!(input > 0 && output > 0 && weights.len() == output * input, "W is output x input");
        let mut candidates = Self::precision_fallbacks(precision).iter().copied();
        let accurate =
            |p: &Precision| quantization_error(*p, weights, input) <= max_quantization_error(*p);
        let precision = candidates.find(accurate).expect("the last fallback is a float format");
        let mut packed = arena.allocate(packed_bytes(precision, output, input))?;
        pack(precision, weights, input, packed.as_mut_slice());
        Ok(Self { input, output, precision, packed })
    }

    /// Returns the size in bytes of a layer packed in `precision`.
    pub fn packed_bytes(precision: Precision, output: usize, input: usize) -> usize {
        packed_bytes(precision, output, input)
    }

    /// Returns the precisions that a layer may be kept in when `precision` is requested, in order of
    /// preference: `precision` itself, then more exact ones.
    pub fn precision_fallbacks(precision: Precision) -> &'static [Precision] {
        match precision {
            Precision::F32 => &[Precision::F32],
            Precision::Bf16 => &[Precision::Bf16],
            Precision::Int8 => &[Precision::Int8, Precision::Bf16],
            Precision::Int4 => &[Precision::Int4, Precision::Int8, Precision::Bf16],
        }
    }

    /// Makes a layer of the bytes that [`Linear::packed`] returned for one kept in `precision`, with the
    /// same [`PACKING_VERSION`](super::PACKING_VERSION); `None` if the length does not match.
    pub fn from_packed(
        packed: ArenaBlock,
        output: usize,
        input: usize,
        precision: Precision,
    ) -> Option<Self> {
        let matches = packed.as_slice().len() == packed_bytes(precision, output, input);
        matches.then_some(Self { input, output, precision, packed })
    }

    /// Returns true if every weight, or every scale of quantized weights, is a finite number. Reads all
    /// weights, with rayon's threads.
    pub fn is_finite(&self) -> bool {
        is_finite(self.precision, self.input, self.packed())
    }

    /// Returns the precision that the layer is kept in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Returns the packed weights.
    pub fn packed(&self) -> &[u8] {
        self.packed.as_slice()
    }

    /// Returns the width of a row of x.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Returns the width of a row of y.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Returns whether the layer takes quantized rows.
    pub fn is_integer(&self) -> bool {
        self.precision.is_integer()
    }

    /// Combines buffers into the destination of rows that this layer takes next.
    pub fn input_buffer<'a>(
        &self,
        rows: &'a mut [f32],
        quantized: &'a mut QuantizedRows,
    ) -> LinearInputBuffer<'a> {
        LinearInputBuffer { rows, quantized: self.is_integer().then_some(quantized) }
    }

    /// Returns the rows of `x`, (rows, input), in the form that the layer takes: quantized into `buffer` if
    /// it is an integer layer. Does not allocate; blocks on nothing but the workers.
    ///
    /// # Panics
    /// If they are quantized and `buffer` has no room for them.
    pub fn prepare_input<'a>(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        x: &'a [f32],
        buffer: &'a mut QuantizedRows,
    ) -> LinearInput<'a> {
        if !self.is_integer() {
            return LinearInput::F32(x);
        }
        buffer.quantize(workers, isa, x, self.input);
        LinearInput::Quantized(buffer)
    }

    /// Computes all rows of `x`, (rows, input) row-major, into `y`, (rows, output). Does not allocate;
    /// blocks on nothing but the workers.
    ///
    /// # Panics
    /// If the lengths do not match, `x` is not in the form that the layer takes, or `post_op` has no room
    /// for the rows.
    pub fn forward(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        x: LinearInput<'_>,
        y: &mut [f32],
        epilogue: Epilogue<'_>,
        post_op: PostOp<'_>,
    ) {
        let rows = y.len() / self.output;
        let fits = match x {
            LinearInput::F32(x) => !self.is_integer() && x.len() == rows * self.input,
            LinearInput::Quantized(x) => {
                self.is_integer() && (x.rows(), x.input()) == (rows, self.input)
            }
        };
        assert!(fits && y.len() == rows * self.output, "rows of x and y, in the layer's form");
        if let Epilogue::AddScaled(scale) = epilogue {
            assert_eq!(scale.len(), self.output, "a scale for each output");
        }
        let panels = self.output.div_ceil(PANEL);
        // A part has whole quantization blocks of y if they are quantized.
        let (post_op, granularity) = match post_op {
            PostOp::None => (PanelPostOp::None, 1),
            PostOp::Quantize(quantized) => {
                let quantizer = quantized.begin(rows, self.output);
                (PanelPostOp::Quantize(quantizer), PANELS_PER_QUANT_BLOCK)
            }
            PostOp::Moments(moments) => (PanelPostOp::Moments(moments.begin(rows, self.output)), 1),
        };
        let y = DisjointMut::new(y);
        // One part per thread, long enough for prefetching to take effect. More parts would balance load
        // when a thread is held up, but cost a tenth to a fifth when none is.
        let parts = (rows * self.input * self.output / MIN_PARALLEL_MACS).min(workers.threads());
        let count = panels.div_ceil(granularity);
        workers.parallel_ranges(count, parts.clamp(1, count), |_, Range { start, end }| {
            let panels = start * granularity..panels.min(end * granularity);
            let kernel = GemmPanels { linear: self, x, rows, y, epilogue, post_op, panels };
            // SAFETY: the lengths were checked above, and each part has panels, and blocks of them, of its
            // own.
            unsafe { isa.run(kernel) };
        });
    }
}
