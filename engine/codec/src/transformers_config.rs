//! The form of `config.json` that the implementation in Hugging Face's transformers saves: one list an aspect, with
//! an entry a stage of the encoder. The decoder has the same stages in reverse order, with input and output
//! exchanged.
//!
//! Source: the proposal of that implementation (huggingface/transformers, pull request 46447). It saves no value of
//! a nested configuration that is its default, so that the defaults are a part of the form.

use super::config::{
    CheckpointFormat, CodecConfig, FeedForward, ModuleConfig, NormKind, PositionConfig,
    QuantizerConfig, TransformerConfig,
};
use super::error::ConfigError;
use super::json_object::JsonObject;
use super::limits::{MAX_CONTEXT, MAX_FRAME_SECONDS, MAX_WIDTH};

/// Most stages of a stack.
const MAX_STAGES: usize = 32;

/// Parses a `config.json` of this form.
pub(super) fn parse(file: &JsonObject<'_>) -> Result<CodecConfig, ConfigError> {
    for key in ["number_channels", "num_channels", "audio_channels", "channels_numbers"] {
        if file.count_or(key, 0..=usize::MAX, 1)? != 1 {
            let expected =
                "1: this form is known for mono models only; take the model's published files";
            return Err(file.invalid(key, expected));
        }
    }
    let sample_rate = file.count_or("sampling_rate", 1000..=768_000, 24_000)?;
    let seconds = file.number("sliding_window_duration", 0.0, 600.0)?.unwrap_or(10.0);
    let stages = Stages::parse(file)?;
    let max_period = rope_base(file)?;

    let frame_samples = stages.ratios.iter().fold(1usize, |all, ratio| all.saturating_mul(*ratio));
    let most = (sample_rate as f64 * MAX_FRAME_SECONDS) as usize;
    if frame_samples > most {
        let expected = format!("ratios that multiply to at most {most}, {MAX_FRAME_SECONDS} s");
        return Err(file.invalid("downsampling_ratios", expected));
    }

    let quantizer = parse_quantizer(file)?;
    let mut encoder = Vec::new();
    let mut decoder = Vec::new();
    let (mut rate, mut width) = (sample_rate as f64, 1usize);
    for i in 0..stages.ratios.len() {
        rate /= stages.ratios[i] as f64;
        width = width.saturating_mul(stages.ratios[i]);
        let stage = stages.stage(file, i, rate, seconds, max_period)?;
        if stage.input != width {
            return Err(ConfigError::Invalid {
                key: format!("input_hidden_sizes[{i}]"),
                expected: format!("{width}, the width that comes in"),
                found: stage.input.to_string(),
            });
        }
        width = stage.output;
        let mirrored =
            TransformerConfig { input: stage.output, output: stage.input, ..stage.clone() };
        encoder.push(ModuleConfig::Patch { size: stages.ratios[i] });
        encoder.push(ModuleConfig::Transformer(stage));
        decoder.push(ModuleConfig::Patch { size: stages.ratios[i] });
        decoder.push(ModuleConfig::Transformer(mirrored));
    }
    decoder.reverse();
    for (key, found) in
        [("input_hidden_size", quantizer.input), ("output_hidden_size", quantizer.output)]
    {
        if found != width {
            return Err(ConfigError::Invalid {
                key: format!("quantizer_config.{key}"),
                expected: format!("{width}, the last of output_hidden_sizes"),
                found: found.to_string(),
            });
        }
    }
    Ok(CodecConfig {
        format: CheckpointFormat::Transformers,
        sample_rate: sample_rate as u32,
        channels: 1,
        interleave: false,
        frame_samples,
        square_projections: false,
        encoder,
        quantizer,
        decoder,
    })
}

/// The lists that describe the encoder's stages, all of one length.
struct Stages {
    ratios: Vec<usize>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    widths: Vec<usize>,
    heads: Vec<usize>,
    layers: Vec<usize>,
    hidden: Vec<usize>,
}

impl Stages {
    /// Reads the lists; the defaults are v1's.
    fn parse(file: &JsonObject<'_>) -> Result<Self, ConfigError> {
        let list = |key, most, default: [usize; 4]| match file.first_of(&[key]) {
            Some(key) => file.counts(key, 1..=most, MAX_STAGES),
            None => Ok(default.to_vec()),
        };
        let ratios = list("downsampling_ratios", MAX_WIDTH, [240, 2, 2, 2])?;
        let of_stages = |key, most, default| {
            let found = list(key, most, default)?;
            if found.len() != ratios.len() {
                let expected =
                    format!("{}, one for each of downsampling_ratios", entries(ratios.len()));
                let (key, found) = (key.to_owned(), entries(found.len()));
                return Err(ConfigError::Invalid { key, expected, found });
            }
            Ok(found)
        };
        Ok(Self {
            inputs: of_stages("input_hidden_sizes", MAX_WIDTH, [240, 768, 768, 1280])?,
            outputs: of_stages("output_hidden_sizes", MAX_WIDTH, [384, 384, 640, 768])?,
            widths: of_stages("hidden_sizes", MAX_WIDTH, [768, 768, 768, 1280])?,
            heads: of_stages("num_attention_heads", MAX_WIDTH, [12, 12, 12, 20])?,
            layers: of_stages("num_hidden_layers", 512, [12, 12, 12, 32])?,
            hidden: of_stages("intermediate_sizes", 1 << 20, [3072, 3072, 3072, 5120])?,
            ratios,
        })
    }

    /// Returns stage `i` of the encoder, which runs at `rate` hertz.
    fn stage(
        &self,
        file: &JsonObject<'_>,
        i: usize,
        rate: f64,
        seconds: f64,
        max_period: f64,
    ) -> Result<TransformerConfig, ConfigError> {
        let (width, heads) = (self.widths[i], self.heads[i]);
        if width % heads != 0 || !(width / heads).is_multiple_of(2) {
            return Err(ConfigError::Invalid {
                key: format!("num_attention_heads[{i}]"),
                expected: format!("a divisor of {width} that leaves heads of an even width"),
                found: heads.to_string(),
            });
        }
        // Truncated, as in v1.
        let context = (rate * seconds) as usize;
        if !(1..=MAX_CONTEXT).contains(&context) {
            let expected = format!("a window of 1 to {MAX_CONTEXT} positions at {rate} Hz");
            return Err(file.invalid("sliding_window_duration", expected));
        }
        Ok(TransformerConfig {
            input: self.inputs[i],
            output: self.outputs[i],
            width,
            heads,
            layers: self.layers[i],
            feed_forward: FeedForward::Plain { hidden: self.hidden[i] },
            norm: NormKind::Layer,
            layer_scale: true,
            positions: PositionConfig { rope: true, sin: false },
            max_period,
            positional_scale: 1.0,
            context,
        })
    }
}

/// Returns the longest period of rotary embedding.
fn rope_base(file: &JsonObject<'_>) -> Result<f64, ConfigError> {
    if file.first_of(&["rope_parameters"]).is_none() {
        return Ok(10_000.0);
    }
    let rope = file.object("rope_parameters")?;
    if !matches!(rope.text("rope_type")?, None | Some("default")) {
        return Err(rope.invalid("rope_type", "default"));
    }
    Ok(rope.number("rope_theta", 1.0, 1e12)?.unwrap_or(10_000.0))
}

fn parse_quantizer(file: &JsonObject<'_>) -> Result<QuantizerConfig, ConfigError> {
    let defaults = serde_json::Value::Object(serde_json::Map::new());
    let fields = match file.first_of(&["quantizer_config"]) {
        Some(key) => file.object(key)?,
        None => JsonObject::new("quantizer_config", &defaults)?,
    };
    Ok(QuantizerConfig {
        input: fields.count_or("input_hidden_size", 1..=MAX_WIDTH, 768)?,
        rvq: fields.count_or("hidden_size", 1..=MAX_WIDTH, 512)?,
        output: fields.count_or("output_hidden_size", 1..=MAX_WIDTH, 768)?,
        layers: fields.count_or("n_codebooks", 1..=256, 32)?,
        codebook_size: fields.count_or("codebook_size", 2..=1 << 20, 1024)?,
        codebook_dim: fields.count_or("codebook_dim", 1..=1 << 12, 8)?,
    })
}

fn entries(count: usize) -> String {
    format!("a list of {count} entries")
}
