//! A transformer stage: projections around pre-norm layers.

use candle_core::Tensor;

use super::attention::{Attention, KeyValues};
use super::feed_forward::FeedForwardBlock;
use super::linear::Linear;
use super::norm::Norm;
use super::position::{Rotation, sinusoids};
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;

struct Layer {
    norm1: Norm,
    attention: Attention,
    scale1: Option<Tensor>,
    norm2: Norm,
    feed_forward: FeedForwardBlock,
    scale2: Option<Tensor>,
}

impl Layer {
    fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        let scale = |name| {
            let load = config.layer_scale;
            load.then(|| scope.at(name).tensor(&["scale"], &[width])).transpose()
        };
        Ok(Self {
            norm1: Norm::load(&scope.at("norm1"), config.norm, width)?,
            attention: Attention::load(scope, config)?,
            scale1: scale("layer_scale_1")?,
            norm2: Norm::load(&scope.at("norm2"), config.norm, width)?,
            feed_forward: FeedForwardBlock::load(scope, config)?,
            scale2: scale("layer_scale_2")?,
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        rotation: Option<&Rotation>,
        past: &mut KeyValues,
    ) -> candle_core::Result<Tensor> {
        let attended = self.attention.forward(&self.norm1.forward(x)?, rotation, past)?;
        let x = (x + scaled(attended, self.scale1.as_ref())?)?;
        let fed = self.feed_forward.forward(&self.norm2.forward(&x)?)?;
        &x + scaled(fed, self.scale2.as_ref())?
    }
}

fn scaled(x: Tensor, scale: Option<&Tensor>) -> candle_core::Result<Tensor> {
    scale.map_or(Ok(x.clone()), |scale| x.broadcast_mul(scale))
}

/// Weights of one stage.
pub(super) struct Stage {
    config: TransformerConfig,
    input: Option<Linear>,
    layers: Vec<Layer>,
    output: Option<Linear>,
}

/// What a stage remembers of the stream.
#[derive(Clone)]
pub(super) struct StageState {
    position: u64,
    past: Vec<KeyValues>,
}

impl Stage {
    /// `scope` is the module's, such as `encoder.1`.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let layers = scope.at("transformer.layers");
        Ok(Self {
            input: Linear::load_or_identity(
                scope,
                tensor_names::INPUT_PROJECTION,
                config.width,
                config.input,
            )?,
            layers: (0..config.layers)
                .map(|i| Layer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: Linear::load_or_identity(
                scope,
                tensor_names::OUTPUT_PROJECTION,
                config.output,
                config.width,
            )?,
            config: config.clone(),
        })
    }

    /// A state at `position`, with nothing before it.
    pub fn state(&self, position: u64) -> StageState {
        StageState { position, past: vec![KeyValues::default(); self.layers.len()] }
    }

    /// (B, T, input) -> (B, T, output), advancing `state` by T positions.
    pub fn forward(&self, x: &Tensor, state: &mut StageState) -> candle_core::Result<Tensor> {
        let config = &self.config;
        let steps = x.dim(1)?;
        let mut x = match &self.input {
            Some(projection) => projection.forward(x)?,
            None => x.clone(),
        };
        if config.positions.sin {
            let table =
                sinusoids(state.position, steps, config.width, config.max_period, x.device())?;
            x = x.broadcast_add(&(table * config.positional_scale)?)?;
        }
        let head = config.width / config.heads;
        let rotation = config
            .positions
            .rope
            .then(|| Rotation::new(state.position, steps, head, config.max_period, x.device()))
            .transpose()?;
        for (layer, past) in self.layers.iter().zip(&mut state.past) {
            x = layer.forward(&x, rotation.as_ref(), past)?;
        }
        state.position += steps as u64;
        match &self.output {
            Some(projection) => projection.forward(&x),
            None => Ok(x),
        }
    }
}
