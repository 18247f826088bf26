//! The Cat model of MOSS-Audio-Tokenizer: a causal transformer encoder, a residual quantizer and a
//! causal transformer decoder, in exact f32 or, faster, with quantized weights ([`Precision`]).
//!
//! ```text
//! audio -> encoder (patches, stages) -> latents -> quantizer -> codes
//! codes -> quantizer -> latents -> decoder (stages, patches) -> audio
//! ```
//!
//! A [`Codec`] holds the weights and is shared; an [`Encoder`] or [`Decoder`] holds the state of a stream.
//! Both take whole frames in chunks of any size, and any chunking gives the result of the whole signal at
//! once. Nothing here is realtime-safe: it runs on worker threads.
//!
//! Two executors run the transformers: `native`, on this project's [kernels](residue_kernels), whose results
//! are bit-identical for any chunking; and `reference`, on candle and thus on any device, whose results
//! depend on the chunking within rounding.
//!
//! Source: Gong et al., "MOSS-Audio-Tokenizer: Scaling Audio Tokenizers for Future Audio Foundation
//! Models" (2026), and its published PyTorch implementation (Apache-2.0), whose codes and audio the
//! golden tests compare against.

mod byte_source;
mod checkpoint;
mod codec;
mod config;
mod decoder;
mod encoder;
mod error;
mod executor;
mod foreign_content;
mod json_object;
mod lane_memory;
mod layer_selection;
mod layouts;
mod limits;
mod load_context;
mod load_model;
mod native;
mod options;
mod ownership;
mod packed_cache;
mod packed_file;
mod published_config;
mod quantizer;
mod random_weights;
#[cfg(feature = "reference")]
mod reference;
mod safetensors_header;
mod shard_index;
mod stacks;
mod tensor_names;
mod tensor_scope;
mod tensor_source;
mod transformers_config;
mod transformers_tensors;
mod weight_files;
mod workload;

#[cfg(feature = "reference")]
pub use candle_core::Device;
pub use checkpoint::Checkpoint;
pub use codec::{Codec, WeakCodec};
pub use config::{
    Activation, CheckpointFormat, CodecConfig, FeedForward, ModuleConfig, NormKind, PositionConfig,
    QuantizerConfig, TransformerConfig,
};
pub use decoder::{DecodeRequest, Decoder};
pub use encoder::{EncodeRequest, Encoder};
pub use error::{
    CheckpointError, CodecError, ConfigError, InputError, LoadWarning, PackedFileError,
};
pub use foreign_content::ForeignContent;
pub use layer_selection::LayerSelection;
pub use limits::{MAX_CONFIG_BYTES, MAX_INDEX_BYTES};
pub use load_context::LoadProgress;
pub use options::{CodecBackend, CodecOptions, CodecParts};
pub use packed_cache::{PackedCache, PackedCacheUsage};
pub use quantizer::{Latents, Quantizer};
pub use residue_kernels::{Isa, MachineLimits, ParsePrecisionError, Precision, ThreadPool};
pub use safetensors_header::{SafetensorsHeaderError, read_tensor_names};
pub use shard_index::{ShardIndex, ShardIndexError};
pub use weight_files::{WeightFiles, weight_files};
pub use workload::{PassShape, Workload};
