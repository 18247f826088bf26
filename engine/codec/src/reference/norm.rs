//! Normalisation layers.

use candle_core::Tensor;

use crate::config::NormKind;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;

/// LayerNorm (weight and bias) or RMSNorm (gain only) over the last dimension.
pub(super) enum Norm {
    Layer { weight: Tensor, bias: Tensor },
    Rms { alpha: Tensor, eps: f32 },
}

impl Norm {
    pub fn load(scope: &TensorScope<'_>, kind: NormKind, width: usize) -> Result<Self, CodecError> {
        Ok(match kind {
            NormKind::Layer => Self::Layer {
                weight: scope.tensor(&["weight"], &[width])?,
                bias: scope.tensor(&["bias"], &[width])?,
            },
            NormKind::Rms { eps } => Self::Rms {
                alpha: scope.tensor(&tensor_names::RMS_GAIN, &[width])?,
                eps: eps as f32,
            },
        })
    }

    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Layer { weight, bias } => candle_nn::ops::layer_norm(x, weight, bias, 1e-5),
            Self::Rms { alpha, eps } => candle_nn::ops::rms_norm(x, alpha, *eps),
        }
    }
}
