//! `config.json` of a published checkpoint, checked as a whole before anything is allocated.
//!
//! Source: the configuration files published with MOSS-Audio-Tokenizer v1, v2 and Nano, and the
//! class defaults they rely on.

use std::io::{Error, ErrorKind};
use std::path::Path;

use serde_json::Value;

use super::error::ConfigError;
use super::foreign_content::ForeignContent;
use super::json_object::JsonObject;
use super::lane_memory::check_lane;
use super::limits::{MAX_CONFIG_BYTES, MAX_CONTEXT, MAX_FRAME_SECONDS, MAX_WIDTH};
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

/// The layout of a whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct CodecConfig {
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

        let rate_key = file.first_of(&["sampling_rate", "sample_rate"]).unwrap_or("sampling_rate");
        let sample_rate = file.count(rate_key, 1000..=768_000)?;
        let channels = file.count_or("number_channels", 1..=8, 1)?;
        let interleave = file.flag_or("enable_channel_interleave", channels > 1)? && channels > 1;
        let most = (sample_rate as f64 * MAX_FRAME_SECONDS) as usize;
        let frame_samples = file.count("downsample_rate", 1..=most)?;
        let window = ContextRule {
            default_seconds: file
                .number("causal_transformer_context_duration", 0.0, 600.0)?
                .unwrap_or(10.0),
            rounds: file.first_of(&["number_channels"]).is_some(),
        };

        // Each patch divides the length and the rate of the sequence.
        let stream_rate = (sample_rate * if interleave { channels } else { 1 }) as f64;
        let stream_frame = frame_samples * if interleave { channels } else { 1 };
        let stream_width = if interleave { 1 } else { channels };
        let quantizer = parse_quantizer(&file)?;
        let encoder = ModuleListParser { file: &file, key: "encoder_kwargs", downsample: true }
            .parse(stream_rate, &window, stream_width, quantizer.input, stream_frame)?;
        let decoder = ModuleListParser { file: &file, key: "decoder_kwargs", downsample: false }
            .parse(
                stream_rate / stream_frame as f64,
                &window,
                quantizer.output,
                stream_width,
                stream_frame,
            )?;
        let config = Self {
            sample_rate: sample_rate as u32,
            channels,
            interleave,
            frame_samples,
            square_projections: file.first_of(&["number_channels"]).is_some(),
            encoder,
            quantizer,
            decoder,
        };
        check_lane(&config)?;
        Ok(config)
    }

    /// Returns the number of parameters of a checkpoint of this layout.
    pub fn parameters(&self) -> u64 {
        let stages = self.encoder.iter().chain(&self.decoder).map(|module| match module {
            ModuleConfig::Patch { .. } => 0,
            ModuleConfig::Transformer(stage) => stage.parameters(self.square_projections),
        });
        stages.sum::<u64>() + self.quantizer.parameters()
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

/// The rule by which a duration becomes a number of positions.
struct ContextRule {
    /// Duration for stages that specify none, in seconds.
    default_seconds: f64,
    /// True for the later layouts, which round half to even; v1 truncates.
    rounds: bool,
}

impl ContextRule {
    fn positions(&self, positions: f64) -> usize {
        if self.rounds { positions.round_ties_even() as usize } else { positions as usize }
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

fn parse_quantizer(file: &JsonObject<'_>) -> Result<QuantizerConfig, ConfigError> {
    let fields = file.object("quantizer_kwargs")?;
    let owner = if fields.first_of(&["quantizer_type"]).is_some() { &fields } else { file };
    // The reference's other kinds (`rvq`, `spec_rvq`) cannot decode what they encode.
    if !matches!(owner.text("quantizer_type")?, Some("rlfq" | "random_prefix_rlfq")) {
        return Err(owner.invalid("quantizer_type", "rlfq or random_prefix_rlfq"));
    }
    let input = fields.count_or("input_dim", 1..=MAX_WIDTH, 1024)?;
    Ok(QuantizerConfig {
        input,
        rvq: fields.count_or("rvq_dim", 1..=MAX_WIDTH, input)?,
        output: fields.count_or("output_dim", 1..=MAX_WIDTH, input)?,
        layers: fields.count_or("num_quantizers", 1..=256, 32)?,
        codebook_size: fields.count_or("codebook_size", 2..=1 << 20, 1024)?,
        codebook_dim: fields.count_or("codebook_dim", 1..=1 << 12, 8)?,
    })
}

/// Parser of the module list of one stack.
struct ModuleListParser<'a> {
    file: &'a JsonObject<'a>,
    key: &'static str,
    downsample: bool,
}

impl ModuleListParser<'_> {
    /// Parses the list and checks that it leads from `width_in` at `rate` hertz to `width_out`, with patches
    /// whose sizes multiply to `frame`.
    fn parse(
        &self,
        mut rate: f64,
        window: &ContextRule,
        width_in: usize,
        width_out: usize,
        frame: usize,
    ) -> Result<Vec<ModuleConfig>, ConfigError> {
        let mut width = width_in;
        let mut folded: usize = 1;
        let mut modules = Vec::new();
        for (i, value) in self.file.list(self.key, 64)?.iter().enumerate() {
            let fields = JsonObject::new(&format!("{}[{i}]", self.key), value)?;
            match fields.text("module_type")? {
                Some("PatchedPretransform") => {
                    let size = fields.count("patch_size", 1..=MAX_WIDTH)?;
                    folded = folded.saturating_mul(size);
                    if self.downsample {
                        rate /= size as f64;
                        width = width.saturating_mul(size);
                    } else {
                        rate *= size as f64;
                        if !width.is_multiple_of(size) {
                            let expected = format!("a divisor of {width}, the width that comes in");
                            return Err(fields.invalid("patch_size", expected));
                        }
                        width /= size;
                    }
                    if width > MAX_WIDTH {
                        let expected = format!("a patch that makes at most {MAX_WIDTH} channels");
                        return Err(fields.invalid("patch_size", expected));
                    }
                    modules.push(ModuleConfig::Patch { size });
                }
                Some("Transformer") => {
                    let transformer = parse_transformer(&fields, rate, window)?;
                    if transformer.input != width {
                        let expected = format!("{width}, the width that comes in");
                        return Err(fields.invalid("input_dimension", expected));
                    }
                    width = transformer.output;
                    modules.push(ModuleConfig::Transformer(transformer));
                }
                _ => {
                    return Err(fields.invalid("module_type", "PatchedPretransform or Transformer"));
                }
            }
        }
        if folded != frame {
            return Err(ConfigError::Invalid {
                key: self.key.into(),
                expected: format!("patches whose sizes multiply to {frame} (downsample_rate)"),
                found: format!("patches whose sizes multiply to {folded}"),
            });
        }
        if width != width_out {
            return Err(ConfigError::Invalid {
                key: self.key.into(),
                expected: format!("modules that end at width {width_out}"),
                found: format!("modules that end at width {width}"),
            });
        }
        Ok(modules)
    }
}

fn parse_transformer(
    fields: &JsonObject<'_>,
    rate: f64,
    window: &ContextRule,
) -> Result<TransformerConfig, ConfigError> {
    let width = fields.count("d_model", 1..=MAX_WIDTH)?;
    let heads = fields.count("num_heads", 1..=MAX_WIDTH)?;
    if width % heads != 0 {
        return Err(fields.invalid("num_heads", format!("a divisor of d_model ({width})")));
    }
    if !fields.flag_or("causal", false)? {
        return Err(fields.invalid("causal", "true: only a causal model can run live"));
    }
    if fields.count_or("weights_per_step", 0..=usize::MAX, 0)? != 0 {
        return Err(fields.invalid("weights_per_step", "0: weights per step are not supported"));
    }
    let positions = match fields.text("positional_embedding")?.unwrap_or("sin") {
        "rope" => PositionConfig { rope: true, sin: false },
        "sin" => PositionConfig { rope: false, sin: true },
        "sin_rope" => PositionConfig { rope: true, sin: true },
        "none" => PositionConfig { rope: false, sin: false },
        _ => return Err(fields.invalid("positional_embedding", "rope, sin, sin_rope or none")),
    };
    if positions.rope && (width / heads) % 2 != 0 {
        let expected = "heads of an even width, which rotary embedding needs";
        return Err(fields.invalid("num_heads", expected));
    }
    if positions.sin && (width % 2 != 0 || width < 4) {
        let expected = "an even width of 4 or more, which sinusoidal embedding needs";
        return Err(fields.invalid("d_model", expected));
    }
    let norm = match fields.text("norm")?.unwrap_or("layer_norm") {
        "layer_norm" => NormKind::Layer,
        "rms_norm" => NormKind::Rms { eps: 1e-5 },
        "rms_norm_f32" => NormKind::Rms { eps: 1e-8 },
        _ => return Err(fields.invalid("norm", "layer_norm, rms_norm or rms_norm_f32")),
    };
    let seconds = fields.number("context_duration", 0.0, 600.0)?.unwrap_or(window.default_seconds);
    let context = window.positions(rate * seconds);
    if !(1..=MAX_CONTEXT).contains(&context) {
        let expected = format!("a window of 1 to {MAX_CONTEXT} positions at {rate} Hz");
        return Err(fields.invalid("context_duration", expected));
    }
    Ok(TransformerConfig {
        input: fields.count("input_dimension", 1..=MAX_WIDTH)?,
        output: fields.count("output_dimension", 1..=MAX_WIDTH)?,
        width,
        heads,
        layers: fields.count("num_layers", 1..=512)?,
        feed_forward: parse_feed_forward(fields, width)?,
        norm,
        layer_scale: fields.number("layer_scale", f64::NEG_INFINITY, f64::MAX)?.is_some(),
        positions,
        max_period: fields.number("max_period", 1.0, 1e12)?.unwrap_or(10_000.0),
        positional_scale: fields
            .number("positional_scale", f64::NEG_INFINITY, f64::MAX)?
            .unwrap_or(1.0),
        context,
    })
}

fn parse_feed_forward(fields: &JsonObject<'_>, width: usize) -> Result<FeedForward, ConfigError> {
    let hidden = fields.count_or("dim_feedforward", 1..=1 << 20, 2048)?;
    let activation = match fields.text("gating")?.unwrap_or("none") {
        "none" => return Ok(FeedForward::Plain { hidden }),
        "identity" => Activation::Identity,
        "relu" => Activation::Relu,
        "leaky_relu" => Activation::LeakyRelu,
        "elu" => Activation::Elu,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "mish" => Activation::Mish,
        "sigmoid" => Activation::Sigmoid,
        "softsign" => Activation::Softsign,
        "tanh" => Activation::Tanh,
        _ => return Err(fields.invalid("gating", "none or the name of an activation function")),
    };
    // The reference keeps a gated block at about the parameter count of a plain one.
    let hidden = if hidden == 4 * width { 21 * width / 8 } else { 2 * hidden / 3 };
    if hidden == 0 {
        return Err(fields.invalid("dim_feedforward", "2 or more for a gated block"));
    }
    Ok(FeedForward::Gated { hidden, activation })
}
