//! Errors of conventional codecs.

use crate::opus::{HIGHEST_KBPS, LOWEST_KBPS};

/// The reason why a conventional codec does not run. Every message names a remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ConventionalError {
    /// The bitrate is outside the codec's range.
    #[error(
        "Opus takes {LOWEST_KBPS} to {HIGHEST_KBPS} kbps, not {kbps}: choose a bitrate in that range"
    )]
    OpusBitrate {
        /// The bitrate asked for, in kbps.
        kbps: f64,
    },
    /// The expected loss is no percentage that a channel can have.
    #[error("an expected loss of {percent} % is not possible: choose 1 to 100 %")]
    ExpectedLoss {
        /// The share asked for, in percent.
        percent: u8,
    },
    /// A stream has one or two channels.
    #[error("a stream of {channels} channels is not possible: use streams of 1 or 2 channels")]
    Channels {
        /// The channels asked for.
        channels: usize,
    },
    /// A buffer does not hold one frame of all channels.
    #[error(
        "a buffer of {found} samples was given, expected {expected}: one frame of each channel"
    )]
    Frame {
        /// Samples of the buffer.
        found: usize,
        /// Samples of a frame, all channels together.
        expected: usize,
    },
    /// The codec's library failed, which no input should bring about.
    #[error("Opus failed: {reason}; reset the stream, and report it with the file")]
    Opus {
        /// The library's words.
        reason: String,
    },
}
