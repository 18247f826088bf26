//! Memory of the streaming state of a lane: KV caches, buffers of a pass, audio of a frame.

use super::config::{
    CheckpointFormat, CodecConfig, FeedForward, ModuleConfig, TransformerConfig, finest,
};
use super::error::ConfigError;
use super::limits::{MAX_PASS_STEPS, lane_limit};
use residue_kernels::{Attention, KvCache, Precision};

/// Bytes of a number in f32, the largest precision.
const NUMBER: u64 = size_of::<f32>() as u64;

impl TransformerConfig {
    /// Returns the dimensions of the attention layers.
    pub(super) fn attention(&self) -> Attention {
        let Self { width, heads, context, .. } = *self;
        Attention { heads, head_dim: width / heads, context }
    }

    /// Returns the bytes of a lane's KV caches, for passes of at most `steps` steps, in f32.
    fn cache_bytes(&self, steps: usize) -> u64 {
        let layer = KvCache::bytes(&self.attention(), 1, steps, Precision::F32);
        layer.saturating_mul(self.layers as u64)
    }

    /// Returns the most numbers of a row in any buffer of the stage.
    fn row_numbers(&self) -> u64 {
        let inner = match self.feed_forward {
            FeedForward::Plain { hidden } => hidden,
            FeedForward::Gated { hidden, .. } => 3 * hidden,
        };
        let hidden = match self.feed_forward {
            FeedForward::Plain { hidden } | FeedForward::Gated { hidden, .. } => hidden,
        };
        // Rows of the stage's width, the widest inner one, quantized ones (two bytes and a twelfth a number),
        // and their moments.
        let width = self.width;
        (2 * width + inner.max(3 * width) + hidden + width.div_ceil(16)) as u64
    }
}

/// A stack with the bytes that a lane takes in it.
struct StackMemory {
    bytes: u64,
    /// Index and bytes of the module that takes most.
    largest: (usize, u64),
}

/// Returns the memory of a lane in one stack, whose input has `steps` steps of `width` numbers a frame.
fn stack_memory(
    modules: &[ModuleConfig],
    downsample: bool,
    mut steps: usize,
    mut width: usize,
) -> StackMemory {
    let frames = (MAX_PASS_STEPS / finest(modules, downsample, steps)).max(1);
    // The audio or latents of a pass, and those between two modules, in two buffers.
    let mut between = (steps * width) as u64;
    let mut memory = StackMemory { bytes: between * frames as u64 * NUMBER, largest: (0, 0) };
    let mut rows = 0;
    for (i, module) in modules.iter().enumerate() {
        steps = module.steps_after(downsample, steps);
        match module {
            ModuleConfig::Patch { size } if downsample => width *= size,
            ModuleConfig::Patch { size } => width /= size,
            ModuleConfig::Transformer(stage) => {
                width = stage.output;
                let bytes = stage.cache_bytes(steps * frames);
                memory.bytes = memory.bytes.saturating_add(bytes);
                rows = rows.max(steps as u64 * stage.row_numbers());
                between = between.max((steps * stage.width) as u64);
                if bytes > memory.largest.1 {
                    memory.largest = (i, bytes);
                }
            }
        }
        between = between.max((steps * width) as u64);
    }
    let numbers = rows.saturating_add(3 * between).saturating_mul(frames as u64);
    memory.bytes = memory.bytes.saturating_add(numbers.saturating_mul(NUMBER));
    memory
}

impl CodecConfig {
    fn stack_memories(&self) -> [StackMemory; 2] {
        let (steps, width) = match self.interleave {
            true => (self.frame_samples * self.channels, 1),
            false => (self.frame_samples, self.channels),
        };
        [
            stack_memory(&self.encoder, true, steps, width),
            stack_memory(&self.decoder, false, 1, self.quantizer.output),
        ]
    }

    /// Returns the bytes that the streaming state of one stream in the encoder and one lane in the decoder
    /// takes in f32; in other precisions it is about half. An upper bound, to some hundred kilobytes that depend
    /// on the number of threads.
    pub fn lane_bytes(&self) -> u64 {
        self.stack_memories().iter().fold(0, |sum, stack| sum.saturating_add(stack.bytes))
    }
}

/// Checks that a lane takes no more memory than a model of this size may.
pub(super) fn check_lane(config: &CodecConfig) -> Result<(), ConfigError> {
    let (bytes, limit) = (config.lane_bytes(), lane_limit(config.parameters()));
    if bytes <= limit {
        return Ok(());
    }
    let [encoder, decoder] = config.stack_memories().map(|stack| stack.largest);
    let (stack, (module, most)) = match encoder.1 >= decoder.1 {
        true => ("encoder_kwargs", encoder),
        false => ("decoder_kwargs", decoder),
    };
    let (key, duration) = match config.format {
        CheckpointFormat::Published => (format!("{stack}[{module}]"), "context_duration"),
        // One window for all stages.
        CheckpointFormat::Transformers => {
            ("sliding_window_duration".to_owned(), "sliding_window_duration")
        }
    };
    Err(ConfigError::Invalid {
        key,
        expected: format!(
            "at most {limit} bytes of memory a stream, for weights of this size: a shorter {duration} takes less"
        ),
        found: format!("a stage with {most} of {bytes} bytes of memory a stream"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_models_are_within_their_limits() {
        for (name, config, most) in [
            ("v1", CodecConfig::v1(), 640 << 20),
            ("v2", CodecConfig::v2(), 640 << 20),
            ("nano", CodecConfig::nano(), 128 << 20),
        ] {
            check_lane(&config).unwrap();
            let bytes = config.lane_bytes();
            assert!(bytes < most, "{name}: {bytes}");
        }
    }
}
