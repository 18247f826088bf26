//! An encoder or decoder: patches and transformer stages in a row.

use candle_core::Tensor;

use super::patch;
use super::transformer::{Stage, StageState};
use crate::config::ModuleConfig;
use crate::error::CodecError;
use crate::tensor_scope::TensorScope;

enum Module {
    Patch(usize),
    Transformer(Stage),
}

/// Weights of one side of the model.
pub(crate) struct Stack {
    modules: Vec<Module>,
    downsample: bool,
}

/// What a stack remembers of the stream: one entry a transformer stage.
///
/// Cloning is cheap (tensors are shared and never changed in place), so that a failed step can be
/// undone.
#[derive(Clone)]
pub(crate) struct StackState(Vec<StageState>);

impl Stack {
    /// `scope` is `encoder` or `decoder`.
    pub fn load(
        scope: &TensorScope<'_>,
        configs: &[ModuleConfig],
        downsample: bool,
    ) -> Result<Self, CodecError> {
        let load = |(i, config): (usize, &ModuleConfig)| {
            Ok(match config {
                ModuleConfig::Patch { size } => Module::Patch(*size),
                ModuleConfig::Transformer(config) => {
                    Module::Transformer(Stage::load(&scope.at(i), config)?)
                }
            })
        };
        let modules = configs.iter().enumerate().map(load).collect::<Result<_, CodecError>>()?;
        Ok(Self { modules, downsample })
    }

    /// A fresh state at sequence position `position` of the codec's finest step (the audio stream
    /// for an encoder, frames for a decoder).
    pub fn state(&self, mut position: u64) -> StackState {
        let mut stages = Vec::new();
        for module in &self.modules {
            match module {
                Module::Patch(size) if self.downsample => position /= *size as u64,
                Module::Patch(size) => position *= *size as u64,
                Module::Transformer(stage) => stages.push(stage.state(position)),
            }
        }
        StackState(stages)
    }

    /// (B, steps, width) -> (B, steps', width').
    pub fn forward(&self, x: Tensor, state: &mut StackState) -> candle_core::Result<Tensor> {
        let mut states = state.0.iter_mut();
        let mut x = x;
        for module in &self.modules {
            x = match module {
                Module::Patch(size) if self.downsample => patch::fold(&x, *size)?,
                Module::Patch(size) => patch::unfold(&x, *size)?,
                Module::Transformer(stage) => match states.next() {
                    Some(state) => stage.forward(&x, state)?,
                    None => candle_core::bail!("a stack's state has one entry a stage"),
                },
            };
        }
        Ok(x)
    }
}
