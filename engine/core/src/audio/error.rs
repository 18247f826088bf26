//! Errors of sample rate conversion and channel layout.

use super::SUPPORTED_RATES;

/// A sample rate or buffer that cannot be converted or laid out for a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The input or output rate is outside [`SUPPORTED_RATES`].
    #[error(
        "cannot resample from {from} Hz to {to} Hz: expected rates of {low} to {high} Hz",
        low = SUPPORTED_RATES.start(), high = SUPPORTED_RATES.end()
    )]
    ResampleRate {
        /// Input rate in hertz.
        from: u32,
        /// Output rate in hertz.
        to: u32,
    },
    /// The system has no memory for the converted samples.
    #[error("not enough memory for {samples} samples a channel; cut the audio into parts")]
    NoMemory {
        /// Samples of a channel.
        samples: usize,
    },
    /// The buffer has no channels, or its channels differ in length.
    #[error("the audio cannot be laid out for the model: {reason}")]
    Buffer {
        /// The defect of the buffer.
        reason: String,
    },
    /// The model has neither one nor two channels.
    #[error("a model with {channels} channels cannot be fed: expected 1 or 2")]
    ModelChannels {
        /// Channels of the model.
        channels: usize,
    },
    /// The decoded streams do not match those that [`prepare_audio`](super::prepare_audio()) made.
    #[error("the decoded audio does not fit the input: expected {expected}, found {found}")]
    Restore {
        /// Streams that the layout needs.
        expected: String,
        /// Streams that were given.
        found: String,
    },
}
