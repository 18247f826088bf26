//! Defects of a file that could be read nevertheless.

use std::fmt;

/// A defect of an audio file that the user should know about. `Display` gives one sentence without the
/// file's name.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ReadWarning {
    /// The file ends before the length it declares, or reading it stopped early.
    Truncated {
        /// Seconds that were decoded.
        decoded: f64,
        /// Seconds that the file declares; `None` if it declares none.
        declared: Option<f64>,
        /// The reader's message, where there is one.
        reason: Option<String>,
    },
    /// Packets that could not be decoded were left out; the audio behind them is earlier by as much.
    CorruptPackets {
        /// Number of packets.
        count: u64,
    },
    /// NaN or infinite samples were replaced by 0.
    NonFinite {
        /// Number of samples, all channels together.
        count: u64,
    },
    /// The sample rate or channel count changes inside the file; only the part before was read.
    FormatChange {
        /// Time of the change, in seconds.
        seconds: f64,
    },
    /// The file has more than one audio track; only one was read.
    OtherTracks {
        /// Number of tracks left out.
        count: usize,
    },
}

impl fmt::Display for ReadWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { decoded, declared, reason } => {
                write!(f, "the file is cut short: {decoded:.3} s could be read")?;
                if let Some(declared) = declared {
                    write!(f, " of {declared:.3} s declared")?;
                }
                match reason {
                    Some(reason) => write!(f, " ({reason})"),
                    None => Ok(()),
                }
            }
            Self::CorruptPackets { count } => {
                write!(f, "{count} damaged packets could not be decoded and were left out")
            }
            Self::NonFinite { count } => {
                write!(f, "{count} samples were not numbers (NaN or infinite) and became silence")
            }
            Self::FormatChange { seconds } => write!(
                f,
                "the sample rate or channel count changes at {seconds:.3} s; the rest was left out"
            ),
            Self::OtherTracks { count } => {
                write!(f, "{count} further audio tracks of the file were left out")
            }
        }
    }
}
