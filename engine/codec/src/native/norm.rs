//! Normalisation layers.

use crate::config::NormKind;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels as kernels;

/// LayerNorm (weight and bias) or RMSNorm (gain only) of rows.
pub(super) enum Norm {
    Layer { weight: Vec<f32>, bias: Vec<f32> },
    Rms { alpha: Vec<f32>, eps: f32 },
}

impl Norm {
    pub fn load(scope: &TensorScope<'_>, kind: NormKind, width: usize) -> Result<Self, CodecError> {
        Ok(match kind {
            NormKind::Layer => Self::Layer {
                weight: scope.values(&["weight"], &[width])?,
                bias: scope.values(&["bias"], &[width])?,
            },
            NormKind::Rms { eps } => Self::Rms {
                alpha: scope.values(&tensor_names::RMS_GAIN, &[width])?,
                eps: eps as f32,
            },
        })
    }

    pub fn kernel(&self) -> kernels::Norm<'_> {
        match self {
            Self::Layer { weight, bias } => kernels::Norm { weight, bias: Some(bias), eps: 1e-5 },
            Self::Rms { alpha, eps } => kernels::Norm { weight: alpha, bias: None, eps: *eps },
        }
    }
}
