//! The bitrate of the running model's layers: a depth in layers as a bitrate, and as text.

use std::sync::atomic::{AtomicU32, Ordering};

use residue_engine::codec::CodecConfig;
use residue_engine::models::embedded;
use residue_ui::depth_text::{TypedDepth, format_kbps, parse_depth};

/// Most layers that any model has; the upper end of the depth parameters.
pub const MAX_LAYERS: i32 = 32;

/// Number and bitrate of the running model's layers. The texts of the depth parameters read it while
/// the model changes. Realtime-safe except for texts.
#[derive(Debug)]
pub struct LayerBitrate {
    layers: AtomicU32,
    /// Bits a second of one layer, as the bits of an `f32`.
    layer_bitrate: AtomicU32,
}

impl LayerBitrate {
    /// The layers of a model.
    pub fn of(config: &CodecConfig) -> Self {
        let new = Self { layers: 0.into(), layer_bitrate: 0.into() };
        new.set(config);
        new
    }

    /// The layers of the embedded model, known without loading it.
    pub fn of_embedded() -> Self {
        let config = CodecConfig::parse(embedded().config);
        Self::of(&config.expect("the embedded model's configuration is valid"))
    }

    /// Changes to the layers of another model.
    pub fn set(&self, config: &CodecConfig) {
        self.layers.store(config.quantizer.layers as u32, Ordering::Relaxed);
        self.layer_bitrate.store((config.bitrate(1) as f32).to_bits(), Ordering::Relaxed);
    }

    /// Returns the number of layers.
    pub fn layers(&self) -> usize {
        self.layers.load(Ordering::Relaxed) as usize
    }

    /// Returns the bitrate of one layer, in bits a second.
    fn layer_bitrate(&self) -> f32 {
        f32::from_bits(self.layer_bitrate.load(Ordering::Relaxed))
    }

    /// Returns the bitrate of one stream at a depth in layers, in bits a second. A depth beyond the model's
    /// layers counts as all of them.
    pub fn bitrate(&self, depth: usize) -> f32 {
        depth.min(self.layers()) as f32 * self.layer_bitrate()
    }

    /// Returns the depth with the nearest bitrate (bits a second), 1 to the number of layers.
    pub fn depth(&self, bitrate: f32) -> usize {
        // A cast from float to integer saturates, and NaN becomes 0.
        ((bitrate / self.layer_bitrate()).round() as usize).clamp(1, self.layers().max(1))
    }

    /// Formats a depth in layers as its bitrate: `2 kbps`.
    pub fn format(&self, depth: i32) -> String {
        format_kbps(f64::from(self.bitrate(depth.max(0) as usize) / 1000.0))
    }

    /// Parses a depth: `2 kbps`, `500 bps`, `16 layers`, or a bare number, which counts layers unless it
    /// has a fraction. Returns layers, 1 to `MAX_LAYERS`.
    pub fn parse(&self, text: &str) -> Option<i32> {
        Some(match parse_depth(text)? {
            TypedDepth::Layers(layers) => (layers.round() as i32).clamp(1, MAX_LAYERS),
            TypedDepth::Kbps(kbps) => self.depth((kbps * 1000.0) as f32) as i32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_depths_are_layers_that_a_parameter_can_have() {
        let layers = LayerBitrate::of(&CodecConfig::v1());
        for text in ["2 kbps", "2000 bps", "16 layers", "16", "2.01 k"] {
            assert_eq!(layers.parse(text), Some(16), "{text}");
        }
        assert_eq!(layers.parse("0.5"), Some(4), "a fraction is a bitrate");
        for (text, end) in [("0", 1), ("-3 kbps", 1), ("99 layers", 32), ("1000000 kbps", 32)] {
            assert_eq!(layers.parse(text), Some(end), "{text}");
        }
        assert_eq!(layers.parse("2 dB"), None);
    }

    #[test]
    fn all_depths_of_all_models_survive_their_text() {
        for config in [CodecConfig::v1(), CodecConfig::v2(), CodecConfig::nano()] {
            let layers = LayerBitrate::of(&config);
            for depth in 1..=config.quantizer.layers as i32 {
                let text = layers.format(depth);
                assert_eq!(layers.parse(&text), Some(depth), "{text}");
            }
        }
        assert_eq!(LayerBitrate::of(&CodecConfig::v1()).format(1), "0.125 kbps");
    }

    #[test]
    fn depths_beyond_the_model_show_as_all_of_its_layers() {
        let layers = LayerBitrate::of(&CodecConfig::nano());
        assert_eq!((layers.format(16), layers.format(32)), ("2 kbps".into(), "2 kbps".into()));
    }
}
