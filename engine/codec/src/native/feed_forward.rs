//! Feed-forward blocks.

use super::activation::activate;
use super::linear;
use crate::config::{Activation, FeedForward, TransformerConfig};
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Crew, Epilogue, Isa, Linear, Rounded, Rows, Then};

/// Weights of one feed-forward block.
pub(super) struct FeedForwardBlock {
    first: Linear,
    second: Linear,
    /// Of a gated block; a plain one has GELU between its layers.
    gate: Option<Activation>,
}

impl FeedForwardBlock {
    /// `scope` is the transformer layer's.
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

    /// Numbers of scratch that a row needs.
    pub fn scratch(config: &TransformerConfig) -> usize {
        match config.feed_forward {
            FeedForward::Plain { hidden } => hidden,
            FeedForward::Gated { hidden, .. } => 3 * hidden,
        }
    }

    /// Numbers that the block's second layer takes.
    pub fn hidden(config: &TransformerConfig) -> usize {
        match config.feed_forward {
            FeedForward::Plain { hidden } | FeedForward::Gated { hidden, .. } => hidden,
        }
    }

    /// The layer that takes the block's rows.
    pub fn first(&self) -> &Linear {
        &self.first
    }

    /// Adds the block's result to `y`, as `epilogue` and `then` say.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        x: Rows<'_>,
        scratch: &mut [f32],
        rounded: &mut Rounded,
        y: &mut [f32],
        epilogue: Epilogue<'_>,
        then: Then<'_>,
    ) {
        let rows = y.len() / self.second.output();
        let (inner, rest) = scratch.split_at_mut(rows * self.first.output());
        let hidden = match self.gate {
            None => {
                let mut to = self.second.outlet(inner, rounded);
                let then = to.rounded.as_deref_mut().map_or(Then::Nothing, Then::Round);
                self.first.forward(crew, isa, x, to.floats, Epilogue::Gelu, then);
                to.rows()
            }
            Some(activation) => {
                self.first.forward(crew, isa, x, inner, Epilogue::Store, Then::Nothing);
                let width = self.second.input();
                let gated = &mut rest[..rows * width];
                for (to, row) in
                    gated.chunks_exact_mut(width).zip(inner.chunks_exact_mut(2 * width))
                {
                    let (a, b) = row.split_at_mut(width);
                    activate(activation, isa, a);
                    to.iter_mut().zip(a).zip(b).for_each(|((to, a), b)| *to = *a * *b);
                }
                self.second.rows(crew, isa, gated, rounded)
            }
        };
        self.second.forward(crew, isa, hidden, y, epilogue, then);
    }
}
