//! The published form of `config.json`: the modules of each stack as lists of objects with their dimensions.
//!
//! Source: the configuration files published with MOSS-Audio-Tokenizer v1, v2 and Nano, and the class that reads
//! them, with its aliases and defaults.

use serde_json::Value;

use super::config::{
    Activation, CheckpointFormat, CodecConfig, FeedForward, ModuleConfig, NormKind, PositionConfig,
    QuantizerConfig, TransformerConfig,
};
use super::error::ConfigError;
use super::json_object::JsonObject;
use super::limits::{MAX_CONTEXT, MAX_FRAME_SECONDS, MAX_WIDTH};

/// Number of audio channels, under the name that the published files have and an older one that the published
/// code reads too.
const CHANNELS: [&str; 2] = ["number_channels", "channels_numbers"];

/// Parses a `config.json` of the published form.
pub(super) fn parse(file: &JsonObject<'_>) -> Result<CodecConfig, ConfigError> {
    let rate_key = file.first_of(&["sampling_rate", "sample_rate"]).unwrap_or("sampling_rate");
    let sample_rate = file.count(rate_key, 1000..=768_000)?;
    // v1's code knows no channels.
    let is_v1 = file.first_of(&CHANNELS).is_none();
    let channels = parse_channels(file)?;
    let interleave = file.flag_or("enable_channel_interleave", channels > 1)? && channels > 1;
    let most = (sample_rate as f64 * MAX_FRAME_SECONDS) as usize;
    let frame_samples = file.count("downsample_rate", 1..=most)?;
    let window = ContextRule {
        // For all stages of v1, and for those of later models that state none. The published class fills it in
        // before the published model, which falls back to the encoder's shortest window, could miss it.
        default_seconds: file
            .number("causal_transformer_context_duration", 0.0, 600.0)?
            .unwrap_or(10.0),
        rounds: !is_v1,
    };

    // Each patch divides the length and the rate of the sequence.
    let stream_rate = (sample_rate * if interleave { channels } else { 1 }) as f64;
    let stream_frame = frame_samples * if interleave { channels } else { 1 };
    let stream_width = if interleave { 1 } else { channels };
    let quantizer = parse_quantizer(file)?;
    let encoder = ModuleList::read(file, StackKey::Encoder)?.parse(
        stream_rate,
        &window,
        stream_width,
        quantizer.input,
        stream_frame,
    )?;
    let decoder = ModuleList::read(file, StackKey::Decoder)?.parse(
        stream_rate / stream_frame as f64,
        &window,
        quantizer.output,
        stream_width,
        stream_frame,
    )?;
    Ok(CodecConfig {
        format: CheckpointFormat::Published,
        sample_rate: sample_rate as u32,
        channels,
        interleave,
        frame_samples,
        square_projections: !is_v1,
        encoder,
        quantizer,
        decoder,
    })
}

/// Returns the number of channels, 1 where no name of it is present.
fn parse_channels(file: &JsonObject<'_>) -> Result<usize, ConfigError> {
    let Some(key) = file.first_of(&CHANNELS) else { return Ok(1) };
    let channels = file.count(key, 1..=8)?;
    let alias = CHANNELS[1];
    if file.count_or(alias, 1..=8, channels)? != channels {
        return Err(file.invalid(alias, format!("{channels}, as {key} says")));
    }
    Ok(channels)
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

/// The list that holds a stack's modules.
#[derive(Clone, Copy)]
enum StackKey {
    Encoder,
    Decoder,
}

/// The modules of one stack, in the order in which they run.
struct ModuleList<'a> {
    key: &'static str,
    downsample: bool,
    /// The modules with their places in the file's list.
    modules: Vec<(usize, &'a Value)>,
    /// Keys of a stage's width at its input and its output.
    ends: [&'static str; 2],
}

impl<'a> ModuleList<'a> {
    /// Reads a stack's list. A decoder that is absent is the mirror of `reversed_decoder_kwargs`, which lists it
    /// from its end, with inputs and outputs exchanged.
    fn read(file: &JsonObject<'a>, stack: StackKey) -> Result<Self, ConfigError> {
        let (key, downsample) = match stack {
            StackKey::Encoder => ("encoder_kwargs", true),
            StackKey::Decoder => ("decoder_kwargs", false),
        };
        let reversed = "reversed_decoder_kwargs";
        let is_mirrored = matches!(stack, StackKey::Decoder)
            && file.first_of(&[key]).is_none()
            && file.first_of(&[reversed]).is_some();
        let key = if is_mirrored { reversed } else { key };
        let mut modules: Vec<_> = file.list(key, 64)?.iter().enumerate().collect();
        let mut ends = ["input_dimension", "output_dimension"];
        if is_mirrored {
            modules.reverse();
            ends.reverse();
        }
        Ok(Self { key, downsample, modules, ends })
    }

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
        for (i, value) in &self.modules {
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
                    let transformer = parse_transformer(&fields, self.ends, rate, window)?;
                    if transformer.input != width {
                        let expected = format!("{width}, the width that comes in");
                        return Err(fields.invalid(self.ends[0], expected));
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
    [input, output]: [&str; 2],
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
        input: fields.count(input, 1..=MAX_WIDTH)?,
        output: fields.count(output, 1..=MAX_WIDTH)?,
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
