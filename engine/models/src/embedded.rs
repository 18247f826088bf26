//! The model inside the program, so that everything works before anything is downloaded.

/// A model as bytes in the program.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddedModel {
    /// The text of its `config.json`.
    pub config: &'static str,
    /// Its `model.safetensors`.
    pub weights: &'static [u8],
}

/// The model inside the program. Realtime-safe.
pub fn embedded() -> EmbeddedModel {
    EmbeddedModel {
        config: include_str!("../../../assets/model/config.json"),
        weights: include_bytes!("../../../assets/model/model.safetensors"),
    }
}
