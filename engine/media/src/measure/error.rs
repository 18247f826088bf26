//! Errors of measurements.

/// The reason why something cannot be measured. Every message names a remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeasureError {
    /// The two signals have different sample rates.
    #[error(
        "the reference is at {reference} Hz and the other signal at {other} Hz: resample one of them to the other's rate first"
    )]
    RateMismatch {
        /// Rate of the reference in hertz.
        reference: u32,
        /// Rate of the other signal in hertz.
        other: u32,
    },
    /// The two signals have different numbers of channels.
    #[error(
        "the reference has {reference} channel(s) and the other signal {other}: convert one of them to the other's layout first"
    )]
    ChannelMismatch {
        /// Channels of the reference.
        reference: usize,
        /// Channels of the other signal.
        other: usize,
    },
    /// The two signals have different lengths.
    #[error(
        "the reference has {reference} samples a channel and the other signal {other}: align them and trim the longer one first"
    )]
    LengthMismatch {
        /// Samples a channel of the reference.
        reference: usize,
        /// Samples a channel of the other signal.
        other: usize,
    },
    /// There is no channel or no sample.
    #[error("there is no audio to measure: give at least one channel and one sample")]
    Empty,
    /// The channels of one signal differ in length.
    #[error(
        "channel {channel} has {found} samples and channel 0 has {expected}: pad or trim the channels to one length"
    )]
    RaggedChannels {
        /// The channel that differs, from 0.
        channel: usize,
        /// Its length in samples.
        found: usize,
        /// The length of channel 0 in samples.
        expected: usize,
    },
    /// A sample is NaN or infinite.
    #[error("sample {sample} of channel {channel} is {value}: replace NaN and infinities first")]
    NotFinite {
        /// Channel, from 0.
        channel: usize,
        /// Sample, from 0.
        sample: usize,
        /// The sample found.
        value: f32,
    },
    /// The sample rate is outside the measurement's range.
    #[error("a sample rate of {rate} Hz cannot be measured: use 16 to 2822400 Hz")]
    Rate {
        /// The rate in hertz.
        rate: u32,
    },
    /// There are more channels than the loudness meter supports.
    #[error("{channels} channels are more than the loudness meter's 64: measure groups of them")]
    TooManyChannels {
        /// Channels of the signal.
        channels: usize,
    },
    /// The signal does not have the channel requested.
    #[error("channel {channel} was asked for and the signal has {channels}: count from 0")]
    NoSuchChannel {
        /// The channel requested, from 0.
        channel: usize,
        /// Channels of the signal.
        channels: usize,
    },
    /// A parameter is out of its range.
    #[error("{name} is {value}: it must be {allowed}")]
    Parameter {
        /// The parameter's name.
        name: &'static str,
        /// Its value.
        value: String,
        /// The range allowed, in words.
        allowed: &'static str,
    },
    /// Two encodings have different shapes.
    #[error(
        "codes of shapes (layers, frames) {first:?} cannot be set against {second:?}: encode the same audio at the same depth"
    )]
    CodeShapes {
        /// Layers and frames of each stream of the first encoding.
        first: Vec<(usize, usize)>,
        /// Layers and frames of each stream of the second encoding.
        second: Vec<(usize, usize)>,
    },
    /// A code lies outside the codebook.
    #[error(
        "layer {layer}, frame {frame}: code {value} does not exist in a codebook of {codebook_size}: give the size of the model that made these codes"
    )]
    CodeOutOfRange {
        /// Layer, from 0.
        layer: usize,
        /// Frame, from 0.
        frame: usize,
        /// The code.
        value: u32,
        /// Rows of the codebook.
        codebook_size: usize,
    },
}

impl MeasureError {
    /// Returns the error that a parameter is out of range.
    pub(super) fn parameter(
        name: &'static str,
        value: impl std::fmt::Display,
        allowed: &'static str,
    ) -> Self {
        Self::Parameter { name, value: value.to_string(), allowed }
    }
}
