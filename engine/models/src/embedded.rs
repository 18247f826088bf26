//! The model inside the program, so that everything works before anything is downloaded.

/// A model as bytes in the program.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedModel {
    /// Text of its `config.json`.
    pub config: &'static str,
    /// Content of its `model.safetensors`.
    pub weights: &'static [u8],
}

// Statics and not literals in the function, which each crate that inlines it would hold a copy of: the
// programs were 16 MB larger.
static CONFIG: &str = include_str!("../../../assets/model/config.json");
static WEIGHTS: &[u8] = include_bytes!("../../../assets/model/model.safetensors");

/// Returns the model inside the program. Realtime-safe.
#[inline(never)]
pub fn embedded() -> EmbeddedModel {
    EmbeddedModel { config: CONFIG, weights: WEIGHTS }
}
