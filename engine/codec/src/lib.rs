//! The Cat model of MOSS-Audio-Tokenizer: a causal transformer encoder, a residual quantizer and a
//! causal transformer decoder, in exact f32 or, faster, with smaller weights ([`Precision`]).
//!
//! ```text
//! audio -> encoder (patches, stages) -> latents -> quantizer -> codes
//! codes -> quantizer -> latents -> decoder (stages, patches) -> audio
//! ```
//!
//! A [`Codec`] holds the weights and is shared; an [`Encoder`] or [`Decoder`] holds one position in
//! a stream. Both take whole frames in chunks of any size, and any chunking gives the result of the
//! whole signal at once. Nothing here is realtime-safe: it runs on worker threads.
//!
//! Two backends run the transformers: `native`, on our [kernels](residue_kernels), for which
//! "the same" means the same bits; and `reference`, on candle and so on any device, within rounding.
//!
//! Source: Gong et al., "MOSS-Audio-Tokenizer: Scaling Audio Tokenizers for Future Audio Foundation
//! Models" (2026), and its published PyTorch implementation (Apache-2.0), whose codes and audio the
//! golden tests compare against.

mod checkpoint;
mod checksum;
mod codec;
mod config;
mod decoder;
mod encoder;
mod error;
mod executor;
mod json_object;
mod layer_selection;
mod layouts;
mod load_context;
mod load_model;
mod mapped_file;
mod native;
mod packed_file;
mod quantizer;
mod random_weights;
#[cfg(feature = "reference")]
mod reference;
mod safetensors_header;
mod shard_index;
mod tensor_names;
mod tensor_scope;

#[cfg(feature = "reference")]
pub use candle_core::Device;
pub use checkpoint::Checkpoint;
pub use codec::{Codec, CodecBackend, CodecOptions};
pub use config::{
    Activation, CodecConfig, FeedForward, ModuleConfig, NormKind, PositionConfig, QuantizerConfig,
    TransformerConfig,
};
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{CheckpointError, CodecError, ConfigError, InputError, LoadWarning};
pub use layer_selection::LayerSelection;
pub use load_context::LoadProgress;
pub use quantizer::{Latents, Quantizer};
pub use residue_kernels::{ParsePrecisionError, Precision};
pub use safetensors_header::read_safetensors_header;
pub use shard_index::ShardIndex;
