//! Pre-norm transformer layer.

use super::feed_forward::FeedForwardBlock;
use super::linear;
use super::norm::NormLayer;
use super::stack::StackScratch;
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Attention, AttentionStream, Epilogue, Isa, Linear, PostOp, Workers};

/// Weights of a transformer layer.
pub(super) struct TransformerLayer {
    norm1: NormLayer,
    qkv: Linear,
    out: Linear,
    scale1: Option<Vec<f32>>,
    norm2: NormLayer,
    feed_forward: FeedForwardBlock,
    scale2: Option<Vec<f32>>,
}

/// Parameters of a pass that all layers of a stage share.
pub(super) struct StagePass<'a> {
    pub workers: &'a Workers<'a>,
    pub isa: Isa,
    pub attention: Attention,
}

impl TransformerLayer {
    /// Loads a layer; `scope` is its own.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        let scale = |name| {
            let load = config.layer_scale;
            load.then(|| scope.at(name).values(&["scale"], &[width])).transpose()
        };
        Ok(Self {
            norm1: NormLayer::load(&scope.at("norm1"), config.norm, width)?,
            qkv: scope.heads(&tensor_names::QKV, config.heads, width)?,
            out: linear::load(scope, &tensor_names::ATTENTION_OUT, width, width)?,
            scale1: scale("layer_scale_1")?,
            norm2: NormLayer::load(&scope.at("norm2"), config.norm, width)?,
            feed_forward: FeedForwardBlock::load(scope, config)?,
            scale2: scale("layer_scale_2")?,
        })
    }

    /// Updates the rows of `x`, those of all streams one after the other, in place. `index` is the layer's
    /// place in its stage. `scratch.moments` holds the rows' moments before and after.
    pub fn forward(
        &self,
        pass: &StagePass<'_>,
        index: usize,
        streams: &mut [AttentionStream<'_>],
        x: &mut [f32],
        scratch: &mut StackScratch,
    ) {
        let StagePass { workers, isa, attention } = *pass;
        let StackScratch { row, wide, attention: work, moments, quantized, .. } = scratch;
        let [quantized, hidden] = quantized;
        let row = &mut row[..x.len()];
        let qkv = &mut wide[..3 * x.len()];
        let normed = self.qkv.input_buffer(row, quantized);
        let normed = self.norm1.kernel().forward(workers, isa, x, moments, normed);
        self.qkv.forward(workers, isa, normed, qkv, Epilogue::Store, PostOp::None);
        let attended = self.out.input_buffer(row, quantized);
        let attended = attention.forward(workers, isa, index, streams, qkv, work, attended);
        let epilogue = add(self.scale1.as_deref());
        self.out.forward(workers, isa, attended, x, epilogue, PostOp::Moments(moments));
        let normed = self.feed_forward.first().input_buffer(row, quantized);
        let normed = self.norm2.kernel().forward(workers, isa, x, moments, normed);
        let epilogue = add(self.scale2.as_deref());
        let post_op = PostOp::Moments(moments);
        self.feed_forward.forward(workers, isa, normed, wide, hidden, x, epilogue, post_op);
    }
}

/// Epilogue of a residual connection.
fn add(scale: Option<&[f32]>) -> Epilogue<'_> {
    scale.map_or(Epilogue::Add, Epilogue::AddScaled)
}
