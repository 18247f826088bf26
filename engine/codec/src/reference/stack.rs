//! Encoder or decoder: a sequence of patches and transformer stages.

use candle_core::Tensor;

use super::patch;
use super::transformer::{CandleStage, CandleStageState};
use crate::config::ModuleConfig;
use crate::error::CodecError;
use crate::tensor_scope::TensorScope;

enum Module {
    Patch(usize),
    Transformer(CandleStage),
}

/// Weights of the encoder or the decoder.
pub(crate) struct CandleStack {
    modules: Vec<Module>,
    downsample: bool,
}

/// Streaming state of a stack: one entry per transformer stage.
///
/// Cloning is cheap, because tensors are shared and immutable; a failed step is undone by a clone.
#[derive(Clone)]
pub(crate) struct CandleStackState(Vec<CandleStageState>);

impl CandleStack {
    /// Loads a stack; `scope` is `encoder` or `decoder`.
    pub fn load(
        scope: &TensorScope<'_>,
        configs: &[ModuleConfig],
        downsample: bool,
    ) -> Result<Self, CodecError> {
        let load = |(i, config): (usize, &ModuleConfig)| {
            Ok(match config {
                ModuleConfig::Patch { size } => Module::Patch(*size),
                ModuleConfig::Transformer(config) => {
                    Module::Transformer(CandleStage::load(&scope.at(i), config)?)
                }
            })
        };
        let modules = configs.iter().enumerate().map(load).collect::<Result<_, CodecError>>()?;
        Ok(Self { modules, downsample })
    }

    /// Makes the state of a stream that starts at `position`, in steps of the stack's input: samples of the
    /// audio stream for an encoder, frames for a decoder.
    pub fn state(&self, mut position: u64) -> CandleStackState {
        let mut stages = Vec::new();
        for module in &self.modules {
            match module {
                Module::Patch(size) if self.downsample => position /= *size as u64,
                Module::Patch(size) => position *= *size as u64,
                Module::Transformer(stage) => stages.push(stage.state(position)),
            }
        }
        CandleStackState(stages)
    }

    /// Computes (B, steps, width) -> (B, steps', width').
    pub fn forward(&self, x: Tensor, state: &mut CandleStackState) -> candle_core::Result<Tensor> {
        let mut states = state.0.iter_mut();
        let mut x = x;
        for module in &self.modules {
            x = match module {
                Module::Patch(size) if self.downsample => patch::patchify(&x, *size)?,
                Module::Patch(size) => patch::unpatchify(&x, *size)?,
                Module::Transformer(stage) => match states.next() {
                    Some(state) => stage.forward(&x, state)?,
                    None => candle_core::bail!("a stack's state has one entry a stage"),
                },
            };
        }
        Ok(x)
    }
}
