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
    /// The sample rate or channel count changes inside the file.
    FormatChange {
        /// Time of the change, in seconds.
        seconds: f64,
        /// True if what follows was converted to the first format; false if it was left out.
        converted: bool,
    },
    /// More samples follow than the header declares, as in recordings that were not finished; all were read.
    BeyondDeclared {
        /// Seconds that the file declares.
        declared: f64,
        /// Seconds that were decoded.
        decoded: f64,
    },
    /// Another file is appended to this one; only the first was read.
    AppendedFile,
    /// The file was decoded by the ffmpeg that is installed.
    DecodedByFfmpeg {
        /// The form of audio that this program does not decode itself.
        what: String,
    },
    /// ffmpeg decoded the file and reported a defect.
    FfmpegReported {
        /// The last line it wrote.
        line: String,
    },
    /// The file has more than one audio track; only one was read.
    OtherTracks {
        /// Number of tracks left out.
        count: usize,
    },
}

impl ReadWarning {
    /// Returns true if nothing is wrong with the audio, and the user should only know how it was read.
    pub fn is_note(&self) -> bool {
        matches!(self, Self::DecodedByFfmpeg { .. })
    }
}

impl fmt::Display for ReadWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { decoded, declared, reason } => {
                write!(f, "the file is cut short: ")?;
                match declared {
                    // Too little to tell in milliseconds.
                    Some(declared) if format!("{declared:.3}") == format!("{decoded:.3}") => {
                        write!(f, "its last samples are missing")?;
                    }
                    Some(declared) => {
                        write!(f, "{decoded:.3} s could be read of {declared:.3} s declared")?;
                    }
                    None => write!(f, "{decoded:.3} s could be read")?,
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
            Self::FormatChange { seconds, converted } => write!(
                f,
                "the sample rate or channel count changes at {seconds:.3} s; what follows was {}",
                if *converted { "converted to the first" } else { "left out" }
            ),
            Self::BeyondDeclared { declared, decoded } => write!(
                f,
                "the header declares {declared:.3} s and the file holds {decoded:.3} s, as a recording \
                 that was not finished does; all of it was read"
            ),
            Self::AppendedFile => {
                write!(
                    f,
                    "another file is appended to this one and was left out; join them with an editor"
                )
            }
            Self::DecodedByFfmpeg { what } => {
                write!(f, "decoded by ffmpeg, because this program does not decode {what} itself")
            }
            Self::FfmpegReported { line } => write!(f, "ffmpeg reported: {line}"),
            Self::OtherTracks { count } => {
                write!(f, "{count} further audio tracks of the file were left out")
            }
        }
    }
}
