//! The encoder and decoder stack of a model, independent of the executor that runs them.

use super::config::{CodecConfig, ModuleConfig};
use super::error::CodecError;
use super::options::CodecParts;
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

/// A value for each of the two stacks that is loaded.
pub(super) struct PerStack<T> {
    encoder: Option<T>,
    decoder: Option<T>,
}

impl<T> PerStack<T> {
    /// Loads the stacks among `parts` with `load`, which gets the stack's scope in the checkpoint and its shape.
    ///
    /// # Errors
    /// As `load`.
    pub fn load(
        config: &CodecConfig,
        root: &TensorScope<'_>,
        parts: CodecParts,
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
        let load_if =
            |loaded: bool, name, shape| loaded.then(|| load(&root.at(name), shape)).transpose();
        Ok(Self {
            encoder: load_if(parts.encodes(), "encoder", &encoder)?,
            decoder: load_if(parts.decodes(), "decoder", &decoder)?,
        })
    }

    /// Returns the value of one stack.
    ///
    /// # Panics
    /// If the stack is not among the parts that were loaded. Streams of such a stack cannot be made
    /// ([`Codec::encoder`](super::Codec::encoder)), so that no running stream meets this.
    pub fn get(&self, role: StackRole) -> &T {
        let (stack, name) = match role {
            StackRole::Encoder => (&self.encoder, "encoder"),
            StackRole::Decoder => (&self.decoder, "decoder"),
        };
        stack.as_ref().unwrap_or_else(|| panic!("the model was loaded without its {name}"))
    }
}
