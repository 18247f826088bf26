//! The layout of a model, as its `config.json` gives it, checked as a whole before anything is allocated.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::path::Path;

use serde_json::Value;

use super::error::ConfigError;
use super::foreign_content::ForeignContent;
use super::json_object::JsonObject;
use super::lane_memory::check_lane;
use super::limits::MAX_CONFIG_BYTES;
use super::options::CodecParts;
use super::{published_config, transformers_config};
use residue_core::small_file;

/// The normalisation before attention and feed-forward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NormKind {
    /// LayerNorm with weight and bias, eps 1e-5.
    Layer,
    /// RMSNorm with a gain named `alpha`; `eps` is 1e-5, or 1e-8 for `rms_norm_f32`.
    Rms {
        /// Added to the mean square.
        eps: f64,
    },
}

/// The nonlinearity of a gated feed-forward block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Each variant is the function of that name.
pub enum Activation {
    Identity,
    Relu,
    LeakyRelu,
    Elu,
    Gelu,
    Silu,
    Mish,
    Sigmoid,
    Softsign,
    Tanh,
}

/// The feed-forward block of a transformer layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedForward {
    /// `linear2(gelu(linear1(x)))`, `hidden` wide, GELU exact (erf).
    Plain {
        /// Width between the two linears.
        hidden: usize,
    },
    /// `linear_out(activation(a) * b)` with `[a, b] = linear_in(x)`, each `hidden` wide.
    Gated {
        /// Width of each half.
        hidden: usize,
        /// Nonlinearity of the gate.
        activation: Activation,
    },
}

/// The position embeddings of a transformer stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionConfig {
    /// Rotary embedding of queries and keys, on interleaved pairs (2i, 2i+1).
    pub rope: bool,
    /// Sinusoids added to the stage's input.
    pub sin: bool,
}

/// The shape of a transformer stage with its projections.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformerConfig {
    /// Width of the input.
    pub input: usize,
    /// Width of the output.
    pub output: usize,
    /// Width of the layers.
    pub width: usize,
    /// Attention heads; `width / heads` is the head's width.
    pub heads: usize,
    /// Layers.
    pub layers: usize,
    /// Feed-forward block.
    pub feed_forward: FeedForward,
    /// Normalisation.
    pub norm: NormKind,
    /// True if both branches of a layer are scaled by a learned vector.
    pub layer_scale: bool,
    /// Positions.
    pub positions: PositionConfig,
    /// Longest period of rotary and sinusoidal embeddings, in positions.
    pub max_period: f64,
    /// Gain of sinusoidal embeddings.
    pub positional_scale: f64,
    /// Attention window in positions: a query at position p sees keys p - context + 1 ..= p.
    pub context: usize,
}

impl TransformerConfig {
    /// Returns the number of parameters.
    fn parameters(&self, square_projections: bool) -> u64 {
        let width = self.width as u64;
        let feed_forward = match self.feed_forward {
            FeedForward::Plain { hidden } => 2 * hidden as u64 * width,
            FeedForward::Gated { hidden, .. } => 3 * hidden as u64 * width,
        };
        let norms = match self.norm {
            NormKind::Layer => 4 * width,
            NormKind::Rms { .. } => 2 * width,
        };
        let scales = if self.layer_scale { 2 * width } else { 0 };
        let projection = |other: usize| {
            if other == self.width && !square_projections { 0 } else { other as u64 * width }
        };
        self.layers as u64 * (4 * width * width + feed_forward + norms + scales)
            + projection(self.input)
            + projection(self.output)
    }
}

/// One module of an encoder or decoder.
#[derive(Clone, Debug, PartialEq)]
pub enum ModuleConfig {
    /// A patch, which folds `size` steps of the sequence into channels (encoder) or back (decoder).
    Patch {
        /// Steps of a patch.
        size: usize,
    },
    /// A transformer stage.
    Transformer(TransformerConfig),
}

/// The shape of the residual quantizer, of the kind `rlfq`: each layer chooses a row by its direction.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizerConfig {
    /// Width of the encoder's output.
    pub input: usize,
    /// Width of the residual.
    pub rvq: usize,
    /// Width of the decoder's input.
    pub output: usize,
    /// RVQ layers.
    pub layers: usize,
    /// Rows of each codebook.
    pub codebook_size: usize,
    /// Width of a codebook row.
    pub codebook_dim: usize,
}

impl QuantizerConfig {
    /// Returns the number of parameters.
    pub(super) fn parameters(&self) -> u64 {
        // A weight-normed convolution has directions, gains and biases.
        let projection = |output: usize, input: usize| {
            if output == input { 0 } else { (output * input + 2 * output) as u64 }
        };
        let layer = projection(self.codebook_dim, self.rvq)
            + projection(self.rvq, self.codebook_dim)
            + (self.codebook_size * self.codebook_dim) as u64;
        projection(self.rvq, self.input)
            + projection(self.output, self.rvq)
            + self.layers as u64 * layer
    }
}

/// The form of a model's files: the keys of `config.json`, the names of tensors, and the order of the rows of
/// queries and keys. The layout that they describe is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointFormat {
    /// As OpenMOSS publishes it: lists of modules; `encoder.1. ...`; rotary embedding of neighboring rows.
    Published,
    /// As the implementation in Hugging Face's transformers saves it: lists of dimensions;
    /// `encoder.layers.1. ...`; rotary embedding of a row in the first half of a head and one in the second.
    Transformers,
}

impl CheckpointFormat {
    /// Keys of `config.json` that only this form has.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Published => &["encoder_kwargs", "decoder_kwargs", "quantizer_kwargs"],
            Self::Transformers => &[
                "downsampling_ratios",
                "hidden_sizes",
                "sliding_window_duration",
                "quantizer_config",
            ],
        }
    }

    /// Recognizes a configuration by its keys; one that has none of them is read as published, and names what
    /// it lacks.
    fn of_config(file: &JsonObject<'_>) -> Result<Self, ConfigError> {
        if let Some(key) = file.first_of(&["quantization", "quantization_config"]) {
            return Err(ConfigError::QuantizedWeights { key: key.to_owned() });
        }
        let [published, transformers] =
            [Self::Published, Self::Transformers].map(|format| file.first_of(format.keys()));
        let model_type = file.text("model_type")?;
        let is_other = match (published, transformers) {
            (None, None) => true,
            // Vision models have lists of the same names.
            (None, Some(_)) => model_type != Some("moss_audio_tokenizer"),
            _ => false,
        };
        match (published, transformers, model_type) {
            (_, _, Some(model_type)) if is_other => {
                Err(ConfigError::OtherModel { model_type: model_type.to_owned() })
            }
            (Some(published), Some(transformers), _) => Err(ConfigError::TwoFormats {
                published: published.to_owned(),
                transformers: transformers.to_owned(),
            }),
            (None, Some(_), _) => Ok(Self::Transformers),
            _ => Ok(Self::Published),
        }
    }
}

impl fmt::Display for CheckpointFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Published => "the published form",
            Self::Transformers => "the form of transformers",
        })
    }
}

/// The layout of a whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct CodecConfig {
    /// The form of the model's files.
    pub format: CheckpointFormat,
    /// Sample rate in hertz.
    pub sample_rate: u32,
    /// Audio channels.
    pub channels: usize,
    /// True if channels are interleaved sample by sample into one stream before the encoder.
    pub interleave: bool,
    /// Samples of a frame in one channel.
    pub frame_samples: usize,
    /// True if a stage has projections even between equal widths, as in v2 and Nano but not v1. The file
    /// does not say so: parsing infers it from keys that only the later layouts have, and loading goes by
    /// the checkpoint.
    pub square_projections: bool,
    /// Encoder modules, in order.
    pub encoder: Vec<ModuleConfig>,
    /// The quantizer.
    pub quantizer: QuantizerConfig,
    /// Decoder modules, in order.
    pub decoder: Vec<ModuleConfig>,
}

impl CodecConfig {
    /// Reads `config.json` in `folder`.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`CodecConfig::parse`].
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let path = folder.join("config.json");
        let content = match small_file::read_within(&path, MAX_CONFIG_BYTES) {
            Ok(content) => content,
            Err(cause) => return Err(ConfigError::Read { path, cause }),
        };
        if let Some(content) = ForeignContent::recognize(&content) {
            return Err(ConfigError::Foreign { content });
        }
        match String::from_utf8(content) {
            Ok(text) => Self::parse(&text),
            Err(error) => {
                let cause = Error::new(ErrorKind::InvalidData, error);
                Err(ConfigError::Read { path, cause })
            }
        }
    }

    /// Parses the text of a `config.json`.
    ///
    /// # Errors
    /// If a key is missing or holds something that cannot be honoured, or the modules do not fit
    /// together; the error names the key.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let json: Value = serde_json::from_str(text)?;
        let file = JsonObject::new("", &json)?;
        let config = match CheckpointFormat::of_config(&file)? {
            CheckpointFormat::Published => published_config::parse(&file),
            CheckpointFormat::Transformers => transformers_config::parse(&file),
        }?;
        check_lane(&config)?;
        Ok(config)
    }

    /// Returns the number of parameters of a checkpoint of this layout.
    pub fn parameters(&self) -> u64 {
        self.parameters_of(CodecParts::Whole)
    }

    /// Returns the number of parameters of some parts.
    pub fn parameters_of(&self, parts: CodecParts) -> u64 {
        let stack = |modules: &[ModuleConfig], loaded: bool| -> u64 {
            let stages = modules.iter().filter(|_| loaded).map(|module| match module {
                ModuleConfig::Patch { .. } => 0,
                ModuleConfig::Transformer(stage) => stage.parameters(self.square_projections),
            });
            stages.sum()
        };
        stack(&self.encoder, parts.encodes())
            + stack(&self.decoder, parts.decodes())
            + self.quantizer.parameters()
    }

    /// Returns the frame rate in hertz.
    pub fn frame_rate(&self) -> f64 {
        f64::from(self.sample_rate) / self.frame_samples as f64
    }

    /// Returns the length of the longest attention window, in seconds.
    pub fn longest_window(&self) -> f64 {
        let mut rate = self.frame_rate();
        let mut longest = 0f64;
        // The decoder starts at the frame rate; the encoder, walked from its end, does too.
        for modules in
            [self.decoder.iter().collect::<Vec<_>>(), self.encoder.iter().rev().collect::<Vec<_>>()]
        {
            for module in modules {
                match module {
                    ModuleConfig::Patch { size } => rate *= *size as f64,
                    ModuleConfig::Transformer(stage) => {
                        longest = longest.max(stage.context as f64 / rate);
                    }
                }
            }
            rate = self.frame_rate();
        }
        longest
    }

    /// Returns the bitrate of `depth` layers in bits per second: depth × log2(codebook size) × frame rate.
    pub fn bitrate(&self, depth: usize) -> f64 {
        depth as f64 * (self.quantizer.codebook_size as f64).log2() * self.frame_rate()
    }
}

impl ModuleConfig {
    /// Returns the steps of a frame after the module, given `steps` before it.
    pub(super) fn steps_after(&self, downsample: bool, steps: usize) -> usize {
        match self {
            Self::Patch { size } if downsample => steps / size,
            Self::Patch { size } => steps * size,
            Self::Transformer(_) => steps,
        }
    }
}

/// Returns the steps of a frame at the transformer stage with the most; `steps` are those at the stack's
/// input.
pub(super) fn finest(configs: &[ModuleConfig], downsample: bool, mut steps: usize) -> usize {
    let mut finest = 1;
    for config in configs {
        steps = config.steps_after(downsample, steps);
        if let ModuleConfig::Transformer(_) = config {
            finest = finest.max(steps);
        }
    }
    finest
}
