//! Feed-forward blocks.

use candle_core::Tensor;

use super::linear::Linear;
use crate::config::{Activation, FeedForward, TransformerConfig};
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;

/// Weights of one feed-forward block.
pub(super) enum FeedForwardBlock {
    Plain { first: Linear, second: Linear },
    Gated { first: Linear, second: Linear, activation: Activation },
}

impl FeedForwardBlock {
    /// `scope` is the transformer layer's.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        Ok(match config.feed_forward {
            FeedForward::Plain { hidden } => Self::Plain {
                first: Linear::load(scope, &tensor_names::FEED_FORWARD[0], hidden, width)?,
                second: Linear::load(scope, &tensor_names::FEED_FORWARD[1], width, hidden)?,
            },
            FeedForward::Gated { hidden, activation } => Self::Gated {
                first: Linear::load(scope, &tensor_names::GATED[0], 2 * hidden, width)?,
                second: Linear::load(scope, &tensor_names::GATED[1], width, hidden)?,
                activation,
            },
        })
    }

    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Plain { first, second } => second.forward(&first.forward(x)?.gelu_erf()?),
            Self::Gated { first, second, activation } => {
                let halves = first.forward(x)?.chunk(2, 2)?;
                let gate = activate(*activation, &halves[0].contiguous()?)?;
                second.forward(&(gate * &halves[1])?)
            }
        }
    }
}

/// The activation functions a configuration may name, with PyTorch's default parameters.
fn activate(activation: Activation, x: &Tensor) -> candle_core::Result<Tensor> {
    match activation {
        Activation::Identity => Ok(x.clone()),
        Activation::Relu => x.relu(),
        Activation::LeakyRelu => x.maximum(&(x * 0.01)?),
        Activation::Elu => x.elu(1.0),
        Activation::Gelu => x.gelu_erf(),
        Activation::Silu => x.silu(),
        // x tanh(softplus(x)), softplus(x) = max(x, 0) + ln(1 + exp(-|x|)) so that no exp overflows
        Activation::Mish => {
            let softplus = (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
            x * softplus.tanh()?
        }
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        Activation::Softsign => x / (x.abs()? + 1.0)?,
        Activation::Tanh => x.tanh(),
    }
}
