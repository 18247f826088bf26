//! Measured cost of a model's precisions.

use residue_codec::Precision;

/// Speed and exactness of a model in one precision, measured on this computer.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionCost {
    /// The precision.
    pub precision: Precision,
    /// Wall seconds a second of audio of a live stream: 48 kHz stereo, frame by frame, lanes A and B.
    pub load: f64,
    /// Share of codes, 0 to 1, that are those of f32, over all layers.
    pub agreement: f64,
    /// The same by layer.
    pub agreement_by_layer: Vec<f64>,
    /// Growth of the decoded audio's mel distance from the original, relative to f32, in percent.
    pub mel_growth_percent: f64,
    /// Threads of the measurement.
    pub threads: usize,
}
