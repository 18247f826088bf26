//! What can go wrong with a picture.

use std::io;
use std::path::PathBuf;

/// A picture that cannot be drawn or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The number of levels is not rows times columns, or there are none.
    #[error("{what}: found {found} levels, expected {width} columns x {height} rows, both above 0")]
    Levels {
        /// Which spectrogram.
        what: String,
        /// Levels handed in.
        found: usize,
        /// Columns declared.
        width: usize,
        /// Rows declared.
        height: usize,
    },
    /// An axis has no extent.
    #[error("the axes cannot be drawn: {reason}")]
    Axes {
        /// Which axis, what was found and what was expected.
        reason: String,
    },
    /// More rows than a picture holds.
    #[error("{found} depths do not fit in one picture: expected {most} at most; choose fewer")]
    TooManyRows {
        /// Rows handed in.
        found: usize,
        /// The most there may be.
        most: usize,
    },
    /// A built-in font could not be parsed: a broken build.
    #[error("the built-in font {name} cannot be used; please report this")]
    Font {
        /// The font's name.
        name: &'static str,
    },
    /// The encoder failed: a bug in this program.
    #[error("the picture cannot be encoded as PNG: {reason}; please report this")]
    Encode {
        /// What the encoder said.
        reason: String,
    },
    /// The file could not be written.
    #[error("{path}: the picture cannot be written: {source}", path = path.display())]
    Write {
        /// The path as given.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}
