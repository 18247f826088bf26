//! A model's `config.json`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use residue_engine::codec::CodecConfig;

fuzz_target!(|text: &str| {
    if let Ok(config) = CodecConfig::parse(text) {
        // Numbers that callers compute with.
        assert!(config.frame_rate().is_finite() && config.frame_rate() > 0.0);
        assert!(config.longest_window() >= 0.0);
        let layers = config.quantizer.layers;
        assert!(config.bitrate(layers).is_finite());
        let _ = config.parameters();
    }
});
