//! Causal multi-head attention over a sliding window, with the keys and values of the past.

use candle_core::{D, Device, Tensor};

use super::linear::Linear;
use super::position::Rotation;
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;

/// Weights of one attention block.
pub(super) struct Attention {
    qkv: Linear,
    out: Linear,
    heads: usize,
    context: usize,
}

/// Keys (already rotated) and values of the last `context - 1` positions at most, (B, H, n, head).
#[derive(Clone, Default)]
pub(super) struct KeyValues(Option<(Tensor, Tensor)>);

impl Attention {
    /// `scope` is the transformer layer's.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        Ok(Self {
            qkv: Linear::load(scope, &tensor_names::QKV, 3 * width, width)?,
            out: Linear::load(scope, &tensor_names::ATTENTION_OUT, width, width)?,
            heads: config.heads,
            context: config.context,
        })
    }

    /// (B, T, width) -> (B, T, width), advancing `past` by T positions.
    pub fn forward(
        &self,
        x: &Tensor,
        rotation: Option<&Rotation>,
        past: &mut KeyValues,
    ) -> candle_core::Result<Tensor> {
        let (b, t, width) = x.dims3()?;
        let head = width / self.heads;
        // (B, T, 3, H, head) -> (3, B, H, T, head)
        let qkv = self.qkv.forward(x)?.reshape((b, t, 3, self.heads, head))?;
        let qkv = qkv.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (mut q, mut k, mut v) = (qkv.get(0)?, qkv.get(1)?, qkv.get(2)?);
        if let Some(rotation) = rotation {
            q = rotation.apply(&q)?;
            k = rotation.apply(&k)?;
        }
        if let Some((keys, values)) = &past.0 {
            k = Tensor::cat(&[keys, &k], 2)?;
            v = Tensor::cat(&[values, &v], 2)?;
        }
        let n = k.dim(2)?;
        let scores = (q.matmul(&k.t()?)? * (1.0 / (head as f64).sqrt()))?;
        let scores = match window_mask(t, n, self.context, x.device())? {
            Some(mask) => scores.broadcast_add(&mask)?,
            None => scores,
        };
        let y = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&v)?;
        let y = y.transpose(1, 2)?.contiguous()?.reshape((b, t, self.heads * head))?;

        // The next query sees at most context - 1 positions before its own.
        let keep = n.min(self.context - 1);
        past.0 = if keep == 0 {
            None
        } else {
            // Copies, so that the tensors of this call are freed.
            let last = |x: &Tensor| x.narrow(2, n - keep, keep)?.force_contiguous();
            Some((last(&k)?, last(&v)?))
        };
        debug_assert_eq!(y.dim(D::Minus1)?, width);
        self.out.forward(&y)
    }
}

/// 0 where query i of the last `t` of `n` positions may see key j, -inf elsewhere, (t, n); nothing
/// if every query sees every key.
fn window_mask(
    t: usize,
    n: usize,
    context: usize,
    device: &Device,
) -> candle_core::Result<Option<Tensor>> {
    if t == 1 && n <= context {
        return Ok(None);
    }
    let mut mask = vec![f32::NEG_INFINITY; t * n];
    for (i, row) in mask.chunks_exact_mut(n).enumerate() {
        let position = n - t + i;
        row[(position + 1).saturating_sub(context)..=position].fill(0.0);
    }
    Tensor::from_vec(mask, (t, n), device).map(Some)
}
