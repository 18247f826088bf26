//! The three published layouts, as their `config.json` files give them.

use super::config::{
    CheckpointFormat, CodecConfig, FeedForward, ModuleConfig, NormKind, PositionConfig,
    QuantizerConfig, TransformerConfig,
};

/// A transformer stage of a published encoder. The decoder has the same stages in reverse order, with input
/// and output exchanged.
struct PublishedStage {
    input: usize,
    output: usize,
    width: usize,
    layers: usize,
    /// Attention window in seconds.
    context_seconds: f64,
    /// Size of the patch before the stage.
    patch: usize,
}

const fn stage(
    patch: usize,
    input: usize,
    output: usize,
    width: usize,
    layers: usize,
    context_seconds: f64,
) -> PublishedStage {
    PublishedStage { input, output, width, layers, context_seconds, patch }
}

const V1: [PublishedStage; 4] = [
    stage(240, 240, 384, 768, 12, 10.0),
    stage(2, 768, 384, 768, 12, 10.0),
    stage(2, 768, 640, 768, 12, 10.0),
    stage(2, 1280, 768, 1280, 32, 10.0),
];
const V2: [PublishedStage; 6] = [
    stage(240, 240, 384, 768, 12, 1.0),
    stage(2, 768, 384, 768, 12, 2.0),
    stage(2, 768, 384, 768, 12, 4.0),
    stage(2, 768, 384, 768, 12, 8.0),
    stage(2, 768, 640, 768, 12, 10.0),
    stage(2, 1280, 768, 1280, 32, 10.0),
];
const NANO: [PublishedStage; 4] = [
    stage(240, 240, 384, 256, 4, 4.0),
    stage(2, 768, 384, 256, 2, 6.0),
    stage(2, 768, 384, 256, 2, 8.0),
    stage(2, 768, 192, 256, 4, 10.0),
];

impl CodecConfig {
    /// Returns MOSS-Audio-Tokenizer (v1): 24 kHz mono, 32 layers, 1.77 B parameters.
    pub fn v1() -> Self {
        published(24_000, 1, &V1, 1, 32)
    }

    /// Returns MOSS-Audio-Tokenizer-v2: 48 kHz stereo, 32 layers, 2.12 B parameters.
    pub fn v2() -> Self {
        published(48_000, 2, &V2, 1, 32)
    }

    /// Returns MOSS-Audio-Tokenizer-Nano: 48 kHz stereo, 16 layers, 22 M parameters.
    pub fn nano() -> Self {
        published(48_000, 2, &NANO, 4, 16)
    }
}

fn published(
    sample_rate: u32,
    channels: usize,
    stages: &[PublishedStage],
    last_patch: usize,
    layers: usize,
) -> CodecConfig {
    let folded: usize = stages.iter().map(|s| s.patch).product::<usize>() * last_patch;
    let mut rate = f64::from(sample_rate) * channels as f64;
    let mut encoder = Vec::new();
    let mut decoder = Vec::new();
    for s in stages {
        rate /= s.patch as f64;
        let transformer = TransformerConfig {
            input: s.input,
            output: s.output,
            width: s.width,
            heads: s.width / 64,
            layers: s.layers,
            feed_forward: FeedForward::Plain { hidden: 4 * s.width },
            norm: NormKind::Layer,
            layer_scale: true,
            positions: PositionConfig { rope: true, sin: false },
            max_period: 10_000.0,
            positional_scale: 1.0,
            context: (rate * s.context_seconds) as usize,
        };
        // The patch after a decoder stage splits its output to the width of the next stage.
        let mirrored =
            TransformerConfig { input: s.output, output: s.input, ..transformer.clone() };
        encoder.push(ModuleConfig::Patch { size: s.patch });
        encoder.push(ModuleConfig::Transformer(transformer));
        decoder.push(ModuleConfig::Patch { size: s.patch });
        decoder.push(ModuleConfig::Transformer(mirrored));
    }
    if last_patch > 1 {
        encoder.push(ModuleConfig::Patch { size: last_patch });
        decoder.push(ModuleConfig::Patch { size: last_patch });
    }
    decoder.reverse();
    CodecConfig {
        format: CheckpointFormat::Published,
        sample_rate,
        channels,
        interleave: channels > 1,
        frame_samples: folded / channels,
        square_projections: channels > 1,
        encoder,
        quantizer: QuantizerConfig {
            input: 768,
            rvq: 512,
            output: 768,
            layers,
            codebook_size: 1024,
            codebook_dim: 8,
        },
        decoder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage_of(module: &ModuleConfig) -> &TransformerConfig {
        match module {
            ModuleConfig::Transformer(config) => config,
            ModuleConfig::Patch { .. } => panic!("a patch where a stage was expected"),
        }
    }

    #[test]
    fn frames_and_windows_are_the_published_ones() {
        for (config, frame, windows) in [
            (CodecConfig::v1(), 1920, vec![1000, 500, 250, 125]),
            (CodecConfig::v2(), 3840, vec![400, 400, 400, 400, 250, 125]),
            (CodecConfig::nano(), 3840, vec![1600, 1200, 800, 500]),
        ] {
            assert_eq!(config.frame_samples, frame);
            assert_eq!(config.frame_rate(), 12.5);
            let found: Vec<usize> =
                config.encoder.iter().skip(1).step_by(2).map(|m| stage_of(m).context).collect();
            assert_eq!(found, windows);
        }
    }

    #[test]
    fn bitrates_are_an_eighth_of_a_kilobit_a_layer() {
        assert_eq!(CodecConfig::nano().bitrate(1), 125.0);
        assert_eq!(CodecConfig::v1().bitrate(32), 4000.0);
    }

    #[test]
    fn parameter_counts_are_the_published_ones() {
        assert_eq!(CodecConfig::v1().parameters(), 1_774_566_400);
        assert_eq!(CodecConfig::v2().parameters(), 2_123_701_248);
        assert_eq!(CodecConfig::nano().parameters(), 21_969_664);
    }
}
