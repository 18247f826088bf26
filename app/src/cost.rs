//! What a faster precision of a model changes.

use residue_engine::audio::Audio;
use residue_engine::measure::{self, MeasureError};
use residue_engine::offline::EncodedFile;

/// A file through a model, in one precision.
pub struct Pass {
    pub encoded: EncodedFile,
    pub decoded: Audio,
}

/// What differs from f32.
pub struct Cost {
    /// Mel distance of the decoded audio from the original.
    pub mel: f64,
    /// How much larger that is than in f32, in percent.
    pub mel_growth_percent: f64,
    /// Mel distance of the decoded audio from what f32 decodes.
    pub mel_from_f32: f64,
    /// Share of codes that are those of f32, over all layers and for each.
    pub agreement: f64,
    pub agreement_by_layer: Vec<f64>,
}

/// Compares a pass with that of f32.
///
/// # Errors
/// If they cannot be compared, as where one is not of the same audio.
pub fn cost(original: &Audio, exact: &Pass, other: &Pass) -> Result<Cost, MeasureError> {
    let best = measure::mel_distance(original, &exact.decoded)?;
    let mel = measure::mel_distance(original, &other.decoded)?;
    let layers = measure::code_agreement(&exact.encoded.streams, &other.encoded.streams)?;
    Ok(Cost {
        mel,
        mel_growth_percent: if best > 0.0 { (mel / best - 1.0) * 100.0 } else { 0.0 },
        mel_from_f32: measure::mel_distance(&exact.decoded, &other.decoded)?,
        agreement: layers.iter().sum::<f64>() / layers.len().max(1) as f64,
        agreement_by_layer: layers,
    })
}
