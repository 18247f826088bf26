//! What can go wrong before audio runs.

use residue_core::audio::AudioError;

/// Why a port cannot be opened or a model not be taken.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The host's channel count.
    #[error("{0} channels, expected 1 or 2; open one port for every pair of channels")]
    Channels(usize),
    /// The host's block size.
    #[error("blocks of at most {0} samples, expected 1 to {MAX_BLOCK}")]
    Block(usize),
    /// The allowance.
    #[error("an allowance of {0} samples, expected at most {MAX_ALLOWANCE}")]
    Allowance(usize),
    /// The host's sample rate.
    #[error(transparent)]
    Rate(#[from] AudioError),
    /// The model would need a longer latency than the one that was reported.
    #[error(
        "the model needs a latency of {needed} samples and {reported} have been reported; \
         start audio again to use it"
    )]
    Latency {
        /// Samples it needs.
        needed: usize,
        /// Samples that were reported.
        reported: usize,
    },
    /// The model.
    #[error("the model cannot run: {0}")]
    Model(String),
    /// The worker has ended.
    #[error("the audio worker has ended; open the port again")]
    Ended,
    /// The worker thread could not be started.
    #[error("the audio worker could not be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// Largest block of a host.
pub const MAX_BLOCK: usize = 1 << 20;
/// Largest allowance: a minute at 768 kHz.
pub const MAX_ALLOWANCE: usize = 60 * 768_000;
