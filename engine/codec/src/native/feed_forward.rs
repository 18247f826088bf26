//! Feed-forward blocks.

use super::activation::activate;
use super::linear;
use crate::config::{Activation, FeedForward, TransformerConfig};
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Epilogue, Isa, Linear, LinearInput, PostOp, QuantizedRows, Workers};

/// Weights of a feed-forward block.
pub(super) struct FeedForwardBlock {
    first: Linear,
    second: Linear,
    /// Activation of a gated block; a plain one has GELU between its layers.
    gate: Option<Activation>,
}

impl FeedForwardBlock {
    /// Loads a block; `scope` is the transformer layer's.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        let (names, inner, hidden, gate) = match config.feed_forward {
            FeedForward::Plain { hidden } => (tensor_names::FEED_FORWARD, hidden, hidden, None),
            FeedForward::Gated { hidden, activation } => {
                (tensor_names::GATED, 2 * hidden, hidden, Some(activation))
            }
        };
        Ok(Self {
            first: linear::load(scope, &names[0], inner, width)?,
            second: linear::load(scope, &names[1], width, hidden)?,
            gate,
        })
    }

    /// Returns the scratch per row, in f32.
    pub fn scratch(config: &TransformerConfig) -> usize {
        match config.feed_forward {
            FeedForward::Plain { hidden } => hidden,
            FeedForward::Gated { hidden, .. } => 3 * hidden,
        }
    }

    /// Returns the input width of the second layer.
    pub fn hidden(config: &TransformerConfig) -> usize {
        match config.feed_forward {
            FeedForward::Plain { hidden } | FeedForward::Gated { hidden, .. } => hidden,
        }
    }

    /// Returns the first layer, which takes the block's input.
    pub fn first(&self) -> &Linear {
        &self.first
    }

    /// Adds the block's result to `y` by `epilogue`, and applies `post_op` to it. `scratch` holds
    /// [`FeedForwardBlock::scratch`] f32 per row; `quantized` has room for the rows of the hidden layer.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        x: LinearInput<'_>,
        scratch: &mut [f32],
        quantized: &mut QuantizedRows,
        y: &mut [f32],
        epilogue: Epilogue<'_>,
        post_op: PostOp<'_>,
    ) {
        let rows = y.len() / self.second.output();
        let (inner, rest) = scratch.split_at_mut(rows * self.first.output());
        let hidden = match self.gate {
            None => {
                let mut to = self.second.input_buffer(inner, quantized);
                let quantize = to.quantized.as_deref_mut().map_or(PostOp::None, PostOp::Quantize);
                self.first.forward(workers, isa, x, to.rows, Epilogue::Gelu, quantize);
                to.into_input()
            }
            Some(activation) => {
                self.first.forward(workers, isa, x, inner, Epilogue::Store, PostOp::None);
                let width = self.second.input();
                let gated = &mut rest[..rows * width];
                for (to, row) in
                    gated.chunks_exact_mut(width).zip(inner.chunks_exact_mut(2 * width))
                {
                    let (a, b) = row.split_at_mut(width);
                    activate(activation, isa, a);
                    to.iter_mut().zip(a).zip(b).for_each(|((to, a), b)| *to = *a * *b);
                }
                self.second.prepare_input(workers, isa, gated, quantized)
            }
        };
        self.second.forward(workers, isa, hidden, y, epilogue, post_op);
    }
}
