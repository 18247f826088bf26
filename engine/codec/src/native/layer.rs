//! One pre-norm transformer layer.

use super::feed_forward::FeedForwardBlock;
use super::linear;
use super::norm::Norm;
use super::stack::Scratch;
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Attention, Crew, Epilogue, Isa, KeyValues, Linear, Rotation, Then, Window};

pub(super) struct Layer {
    norm1: Norm,
    qkv: Linear,
    out: Linear,
    scale1: Option<Vec<f32>>,
    norm2: Norm,
    feed_forward: FeedForwardBlock,
    scale2: Option<Vec<f32>>,
}

/// What all layers of a stage share in a pass.
pub(super) struct Pass<'a> {
    pub crew: &'a Crew<'a>,
    pub isa: Isa,
    pub lanes: usize,
    pub window: Window,
    pub attention: Attention,
    pub rotation: Option<&'a Rotation>,
}

impl Layer {
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        let scale = |name| {
            let load = config.layer_scale;
            load.then(|| scope.at(name).values(&["scale"], &[width])).transpose()
        };
        Ok(Self {
            norm1: Norm::load(&scope.at("norm1"), config.norm, width)?,
            qkv: scope.heads(&tensor_names::QKV, config.heads, width)?,
            out: linear::load(scope, &tensor_names::ATTENTION_OUT, width, width)?,
            scale1: scale("layer_scale_1")?,
            norm2: Norm::load(&scope.at("norm2"), config.norm, width)?,
            feed_forward: FeedForwardBlock::load(scope, config)?,
            scale2: scale("layer_scale_2")?,
        })
    }

    /// Changes the rows of `x`, (lanes * steps, width), in place; `scratch.moments` are theirs before and
    /// after.
    pub fn forward(
        &self,
        pass: &Pass<'_>,
        x: &mut [f32],
        past: &mut KeyValues,
        scratch: &mut Scratch,
    ) {
        let Pass { crew, isa, lanes, window, attention, rotation } = *pass;
        let Scratch { row, wide, attention: work, moments, rounded: [rounded, hidden], .. } =
            scratch;
        let row = &mut row[..x.len()];
        let qkv = &mut wide[..3 * x.len()];
        let normed = self.qkv.outlet(row, rounded);
        let normed = self.norm1.kernel().forward(crew, isa, x, moments, normed);
        self.qkv.forward(crew, isa, normed, qkv, Epilogue::Store, Then::Nothing);
        let attended = self.out.outlet(row, rounded);
        let attended =
            attention.forward(crew, isa, lanes, window, rotation, qkv, past, work, attended);
        let epilogue = add(self.scale1.as_deref());
        self.out.forward(crew, isa, attended, x, epilogue, Then::Note(moments));
        let normed = self.feed_forward.first().outlet(row, rounded);
        let normed = self.norm2.kernel().forward(crew, isa, x, moments, normed);
        let epilogue = add(self.scale2.as_deref());
        let then = Then::Note(moments);
        self.feed_forward.forward(crew, isa, normed, wide, hidden, x, epilogue, then);
    }
}

fn add(scale: Option<&[f32]>) -> Epilogue<'_> {
    scale.map_or(Epilogue::Add, Epilogue::AddScaled)
}
