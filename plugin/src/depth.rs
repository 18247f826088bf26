//! Depth as people say it: a bitrate or a number of layers.

use std::sync::atomic::{AtomicU32, Ordering};

use residue_engine::codec::CodecConfig;
use residue_ui::text::{TypedDepth, kbps};

/// The most layers that a model has; the range of the depth parameters.
pub const MOST_LAYERS: i32 = 32;

/// What a layer is worth in the model that runs. Shared by the texts of the parameters and whoever
/// changes the model.
#[derive(Debug)]
pub struct Scale {
    layers: AtomicU32,
    /// Bits a second of one layer, as an `f32`'s bits.
    bits: AtomicU32,
}

impl Scale {
    /// The scale of a model.
    pub fn of(config: &CodecConfig) -> Self {
        let scale = Self { layers: 0.into(), bits: 0.into() };
        scale.set(config);
        scale
    }

    /// Takes over another model's.
    pub fn set(&self, config: &CodecConfig) {
        self.layers.store(config.quantizer.layers as u32, Ordering::Relaxed);
        self.bits.store((config.bitrate(1) as f32).to_bits(), Ordering::Relaxed);
    }

    /// Layers of the model.
    pub fn layers(&self) -> usize {
        self.layers.load(Ordering::Relaxed) as usize
    }

    /// Bits a second of one stream at a depth; more layers than the model has count as all it has.
    pub fn bitrate(&self, depth: usize) -> f32 {
        let bits = f32::from_bits(self.bits.load(Ordering::Relaxed));
        depth.min(self.layers()) as f32 * bits
    }

    /// The depth whose bitrate is nearest, 1 to the model's layers.
    pub fn depth(&self, bitrate: f32) -> usize {
        let bits = f32::from_bits(self.bits.load(Ordering::Relaxed));
        // A float as an integer saturates, and what is not a number becomes 0.
        ((bitrate / bits).round() as usize).clamp(1, self.layers().max(1))
    }

    /// A depth as text: `2 kbps`.
    pub fn text(&self, depth: i32) -> String {
        kbps(f64::from(self.bitrate(depth.max(0) as usize)))
    }

    /// The depth of a text that [`TypedDepth`] reads; a bitrate is that of the nearest depth.
    pub fn parse(&self, text: &str) -> Option<i32> {
        Some(match TypedDepth::parse(text)? {
            TypedDepth::Layers(layers) => (layers.round() as i32).clamp(1, MOST_LAYERS),
            TypedDepth::Bitrate(bits) => self.depth(bits as f32) as i32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_depth() {
        let scale = Scale::of(&CodecConfig::v1());
        for text in
            ["2 kbps", "2kbps", " 2,0 KBPS", "2000 bps", "16 layers", "16", "16 l", "2.01 k"]
        {
            assert_eq!(scale.parse(text), Some(16), "{text}");
        }
        assert_eq!(scale.parse("0.5"), Some(4), "a fraction is a bitrate");
        assert_eq!(scale.parse("1 layer"), Some(1));
        for (text, end) in [("0", 1), ("-3 kbps", 1), ("99 layers", 32), ("1000000 kbps", 32)] {
            assert_eq!(scale.parse(text), Some(end), "{text}");
        }
        for text in ["", "kbps", "two", "2 dB", "nan", "inf kbps", "2 2 kbps"] {
            assert_eq!(scale.parse(text), None, "{text}");
        }
    }

    #[test]
    fn all_depths_of_all_models_survive_their_text() {
        for config in [CodecConfig::v1(), CodecConfig::v2(), CodecConfig::nano()] {
            let scale = Scale::of(&config);
            for depth in 1..=config.quantizer.layers as i32 {
                assert_eq!(scale.parse(&scale.text(depth)), Some(depth), "{}", scale.text(depth));
            }
        }
        assert_eq!(Scale::of(&CodecConfig::v1()).text(1), "0.125 kbps");
    }

    #[test]
    fn more_than_the_model_has_shows_as_all_it_has() {
        let scale = Scale::of(&CodecConfig::nano());
        assert_eq!((scale.text(16), scale.text(32)), ("2 kbps".into(), "2 kbps".into()));
    }
}
