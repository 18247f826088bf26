//! The encoder and decoder stack of a model, independent of the executor that runs them.

use super::config::{CodecConfig, ModuleConfig};
use super::error::CodecError;
use super::tensor_scope::TensorScope;

/// One of the two stacks.
#[derive(Clone, Copy)]
pub(super) enum StackRole {
    /// Audio to latents.
    Encoder,
    /// Latents to audio.
    Decoder,
}

/// Shape of a stack: its modules, direction, and the frames that it takes.
pub(super) struct StackShape<'a> {
    /// The modules, in order.
    pub modules: &'a [ModuleConfig],
    /// True for the encoder, whose patches fold steps into channels.
    pub downsample: bool,
    /// Steps of a frame at the stack's input.
    pub steps: usize,
    /// Numbers a step at the stack's input.
    pub width: usize,
}

/// A value for each of the two stacks.
pub(super) struct PerStack<T> {
    encoder: T,
    decoder: T,
}

impl<T> PerStack<T> {
    /// Loads both stacks with `load`, which gets the stack's scope in the checkpoint and its shape.
    ///
    /// # Errors
    /// As `load`.
    pub fn load(
        config: &CodecConfig,
        root: &TensorScope<'_>,
        load: impl Fn(&TensorScope<'_>, &StackShape<'_>) -> Result<T, CodecError>,
    ) -> Result<Self, CodecError> {
        // The encoder takes an interleaved stream of samples, or steps of all channels.
        let (steps, width) = match config.interleave {
            true => (config.frame_samples * config.channels, 1),
            false => (config.frame_samples, config.channels),
        };
        let encoder = StackShape { modules: &config.encoder, downsample: true, steps, width };
        let width = config.quantizer.output;
        let decoder = StackShape { modules: &config.decoder, downsample: false, steps: 1, width };
        Ok(Self {
            encoder: load(&root.at("encoder"), &encoder)?,
            decoder: load(&root.at("decoder"), &decoder)?,
        })
    }

    /// Returns the value of one stack.
    pub fn get(&self, role: StackRole) -> &T {
        match role {
            StackRole::Encoder => &self.encoder,
            StackRole::Decoder => &self.decoder,
        }
    }
}
