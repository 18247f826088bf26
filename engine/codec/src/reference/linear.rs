//! Bias-free linear layers.

use candle_core::Tensor;

use crate::error::CodecError;
use crate::tensor_scope::TensorScope;

/// y = x Wᵀ with W stored (out, in), as checkpoints have it.
pub(super) struct Linear {
    weight: Tensor,
}

impl Linear {
    /// The first of these spellings that exists.
    pub fn load(
        scope: &TensorScope<'_>,
        names: &[&str],
        output: usize,
        input: usize,
    ) -> Result<Self, CodecError> {
        Ok(Self { weight: scope.tensor(names, &[output, input])? })
    }

    /// A projection that is the identity where its weight is absent and the widths agree: v1 leaves
    /// it out then, v2 and Nano never do.
    pub fn load_or_identity(
        scope: &TensorScope<'_>,
        name: &str,
        output: usize,
        input: usize,
    ) -> Result<Option<Self>, CodecError> {
        if input == output && !scope.has(name) {
            return Ok(None);
        }
        Self::load(scope, &[name], output, input).map(Some)
    }

    /// (B, T, in) -> (B, T, out).
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (b, t, d) = x.dims3()?;
        // One matrix product over all rows, so that streams and lanes share one pass over the
        // weights.
        let y = x.reshape((b * t, d))?.matmul(&self.weight.t()?)?;
        y.reshape((b, t, ()))
    }
}
