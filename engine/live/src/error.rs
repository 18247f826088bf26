//! Errors of models and ports.

use std::any::Any;
use std::error::Error;

use residue_core::audio::AudioError;

/// Failure of a model: while it is prepared, or while it processes frames.
#[derive(Debug, thiserror::Error)]
pub enum ProcessorError {
    /// The model's own error; made of any error, or of a text, by [`ProcessorError::new`].
    #[error(transparent)]
    Model(Box<dyn Error + Send + Sync>),
    /// The format is none that a port can run.
    #[error("it has {channels} channels, frames of {frame} samples and a rate of {rate} Hz")]
    Format {
        /// Channels of a stream; 1 or 2 are supported.
        channels: usize,
        /// Samples of a frame and channel; at least 1 is expected.
        frame: usize,
        /// Samples a second and channel; at least 1 is expected.
        rate: u32,
    },
    /// No loudness meter exists for the format.
    #[error("its loudness cannot be measured: {0}")]
    Loudness(ebur128::Error),
    /// It returned another number of samples than it was given frames for.
    #[error("it gave {found} samples, expected {expected}")]
    OutputLength {
        /// Samples returned, all planes of both lanes together.
        found: usize,
        /// Samples expected.
        expected: usize,
    },
    /// Its code panicked.
    #[error("it panicked: {0}")]
    Panic(String),
}

impl ProcessorError {
    /// Wraps a model's own error, or a text.
    pub fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Model(error.into())
    }

    /// Returns the error of a caught panic, with its message.
    pub fn from_panic(panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no reason given");
        Self::Panic(message.to_owned())
    }
}

/// Failure to open a port or to change its model.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host's channel count.
    #[error("{0} channels, expected 1 or 2; open one port for every pair of channels")]
    Channels(usize),
    /// The host's block size, in samples.
    #[error("blocks of at most {0} samples, expected 1 to {MAX_BLOCK}")]
    Block(usize),
    /// The processing allowance, in samples.
    #[error("an allowance of {0} samples, expected at most {MAX_ALLOWANCE}")]
    Allowance(usize),
    /// The host's or the model's sample rate.
    #[error(transparent)]
    Rate(#[from] AudioError),
    /// The model needs a longer latency than the one that was reported to the host.
    #[error(
        "the model needs a latency of {needed} samples and {reported} have been reported; \
         start audio again to use it"
    )]
    Latency {
        /// Latency that the model needs, in samples at the host's rate.
        needed: usize,
        /// Latency that was reported, in samples at the host's rate.
        reported: usize,
    },
    /// The model failed. Its message is part of this one, so that the chain of sources leaves it out.
    #[error("the model cannot run: {0}")]
    Model(ProcessorError),
    /// The worker thread has ended.
    #[error("the audio worker has ended; open the port again")]
    Ended,
    /// The worker thread could not be started.
    #[error("the audio worker could not be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// Largest block of a host, in samples.
pub const MAX_BLOCK: usize = 1 << 20;
/// Largest processing allowance, in samples: a minute at 768 kHz.
pub const MAX_ALLOWANCE: usize = 60 * 768_000;
