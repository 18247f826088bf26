//! Errors of streams of code frames.

use std::io;

use super::{CodesError, NpyError};

/// A stream of frames that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The input failed.
    #[error("{name}: cannot be read after line {line}: {source}")]
    Read {
        /// Name of the input, such as `stdin`.
        name: String,
        /// Lines read before.
        line: u64,
        /// The cause.
        source: io::Error,
    },
    /// A line is not a frame.
    #[error("{name}: line {line}: {problem}")]
    Line {
        /// Name of the input, such as `stdin`.
        name: String,
        /// The line, from 1.
        line: u64,
        /// The defect.
        #[source]
        problem: FrameErrorKind,
    },
    /// A frame that was aligned from several rows cannot be decoded.
    #[error("{name}: frame {frame}: {problem}")]
    Frame {
        /// Name of the input, such as `stdin`.
        name: String,
        /// The frame, from 1.
        frame: u64,
        /// The defect.
        #[source]
        problem: FrameErrorKind,
    },
    /// The input is a `.npy` file that cannot be read.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// The input is a `.npy` file whose codes do not fit the model.
    #[error("{name}: {source}")]
    Codes {
        /// Name of the input, such as `stdin`.
        name: String,
        /// The mismatch.
        source: CodesError,
    },
}

/// The reason why a line is not a frame, with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameErrorKind {
    /// Bytes that are not text.
    #[error("not text: send one frame a line as integers, or one whole .npy file")]
    NotText,
    /// No line end within the limit.
    #[error("longer than {limit} bytes: end every frame with a newline")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// A bracket that is unmatched or inside the list.
    #[error("the brackets do not match: send one flat list a line, such as [1, 2, 3]")]
    Brackets,
    /// An empty list.
    #[error("no codes: send at least one, or leave the line out")]
    Empty,
    /// Two commas in a row, or one at an end.
    #[error("a value is missing at a comma: send one code a layer")]
    MissingValue,
    /// A value that is not an integer.
    #[error("'{0}' is not a whole number from 0: send codes as integers")]
    NotAnInteger(String),
    /// A code below 0.
    #[error("'{0}' is negative and codes count from 0: leave out padding (often -1)")]
    Negative(String),
    /// Another number of codes than in the lines before.
    #[error(
        "{found} codes and the frames before it had {expected}: send one code a layer in every frame"
    )]
    LayerCount {
        /// Codes on this line.
        found: usize,
        /// Codes on the first.
        expected: usize,
    },
    /// More codes than the model has layers.
    #[error(
        "{found} codes and the model has {layers} layers: send the first {layers}, or decode with the model that made them"
    )]
    TooManyLayers {
        /// Codes on this line.
        found: usize,
        /// Layers of the model.
        layers: usize,
    },
    /// Padding in some layers of a frame in the delay pattern.
    #[error(
        "layer {layer} holds the padding code {padding} and other layers do not: send rows in which layer k comes k rows after layer 0"
    )]
    PartlyPadded {
        /// Layer, from 0.
        layer: usize,
        /// The padding code.
        padding: u32,
    },
    /// A code outside the model's codebooks.
    #[error("layer {layer}: code {value} is outside 0..={}: send the codes of this model", .codebook_size.saturating_sub(1))]
    OutOfRange {
        /// Layer, from 0.
        layer: usize,
        /// The code.
        value: u32,
        /// Rows of the model's codebooks.
        codebook_size: usize,
    },
}
