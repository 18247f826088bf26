//! Transformer stage: projections around pre-norm layers.

use candle_core::Tensor;

use super::attention::{CandleAttention, CandleKvCache};
use super::feed_forward::CandleFeedForward;
use super::linear::CandleLinear;
use super::norm::CandleNorm;
use super::position::{CandleRope, sinusoids};
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;

/// Weights of a layer.
struct CandleLayer {
    norm1: CandleNorm,
    attention: CandleAttention,
    scale1: Option<Tensor>,
    norm2: CandleNorm,
    feed_forward: CandleFeedForward,
    scale2: Option<Tensor>,
}

impl CandleLayer {
    fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let width = config.width;
        let scale = |name| {
            let load = config.layer_scale;
            load.then(|| scope.at(name).tensor(&["scale"], &[width])).transpose()
        };
        Ok(Self {
            norm1: CandleNorm::load(&scope.at("norm1"), config.norm, width)?,
            attention: CandleAttention::load(scope, config)?,
            scale1: scale("layer_scale_1")?,
            norm2: CandleNorm::load(&scope.at("norm2"), config.norm, width)?,
            feed_forward: CandleFeedForward::load(scope, config)?,
            scale2: scale("layer_scale_2")?,
        })
    }

    fn forward(
        &self,
        x: &Tensor,
        rope: Option<&CandleRope>,
        cache: &mut CandleKvCache,
    ) -> candle_core::Result<Tensor> {
        let attended = self.attention.forward(&self.norm1.forward(x)?, rope, cache)?;
        let x = (x + scaled(attended, self.scale1.as_ref())?)?;
        let fed = self.feed_forward.forward(&self.norm2.forward(&x)?)?;
        &x + scaled(fed, self.scale2.as_ref())?
    }
}

fn scaled(x: Tensor, scale: Option<&Tensor>) -> candle_core::Result<Tensor> {
    scale.map_or(Ok(x.clone()), |scale| x.broadcast_mul(scale))
}

/// Weights of a stage.
pub(super) struct CandleStage {
    config: TransformerConfig,
    input: Option<CandleLinear>,
    layers: Vec<CandleLayer>,
    output: Option<CandleLinear>,
}

/// Streaming state of a stage.
#[derive(Clone)]
pub(super) struct CandleStageState {
    position: u64,
    caches: Vec<CandleKvCache>,
}

impl CandleStage {
    /// Loads a stage; `scope` is the module's, such as `encoder.1`.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let layers = scope.at("transformer.layers");
        Ok(Self {
            input: CandleLinear::load_or_identity(
                scope,
                tensor_names::INPUT_PROJECTION,
                config.width,
                config.input,
            )?,
            layers: (0..config.layers)
                .map(|i| CandleLayer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: CandleLinear::load_or_identity(
                scope,
                tensor_names::OUTPUT_PROJECTION,
                config.output,
                config.width,
            )?,
            config: config.clone(),
        })
    }

    /// Makes the state of a stream that starts at `position`.
    pub fn state(&self, position: u64) -> CandleStageState {
        CandleStageState { position, caches: vec![CandleKvCache::default(); self.layers.len()] }
    }

    /// Computes (B, T, input) -> (B, T, output) and advances `state` by T positions.
    pub fn forward(&self, x: &Tensor, state: &mut CandleStageState) -> candle_core::Result<Tensor> {
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
        let head_dim = config.width / config.heads;
        let rope = config
            .positions
            .rope
            .then(|| {
                CandleRope::new(state.position, steps, head_dim, config.max_period, x.device())
            })
            .transpose()?;
        for (layer, cache) in self.layers.iter().zip(&mut state.caches) {
            x = layer.forward(&x, rope.as_ref(), cache)?;
        }
        state.position += steps as u64;
        match &self.output {
            Some(projection) => projection.forward(&x),
            None => Ok(x),
        }
    }
}
