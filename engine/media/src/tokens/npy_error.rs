//! What is wrong with a code file, and what to do about it.

use std::io;

/// A `.npy` file that could not be read or written as codes.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct NpyError {
    /// The file's path, or what stands for it (`stdin`).
    pub name: String,
    /// What is wrong with it.
    #[source]
    pub problem: NpyErrorKind,
}

/// What is wrong with a `.npy` file. Every message says what was expected, found, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum NpyErrorKind {
    /// The file could not be opened or read.
    #[error("cannot be read: {0}")]
    Read(io::Error),
    /// The file could not be created or written.
    #[error("cannot be written: {0}")]
    Write(io::Error),
    /// The file does not start like a `.npy` file.
    #[error("not a .npy file, {found}: save codes with numpy.save(path, codes)")]
    NotNpy {
        /// What it seems to be instead.
        found: &'static str,
    },
    /// A format version that does not exist yet.
    #[error(
        "version {major}.{minor} of the .npy format is unknown: save with numpy.save, which writes 1.0 to 3.0"
    )]
    Version {
        /// Major version.
        major: u8,
        /// Minor version.
        minor: u8,
    },
    /// The header claims a length that no array of integers needs.
    #[error(
        "the header claims {bytes} bytes and an integer array's takes at most {limit}: the file is damaged; save it again with numpy.save"
    )]
    HeaderTooLong {
        /// Length claimed.
        bytes: u64,
        /// Length allowed.
        limit: u64,
    },
    /// The header is not the dictionary the format asks for.
    #[error(
        "the header cannot be understood, {reason}: the file is damaged; save it again with numpy.save"
    )]
    Header {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The elements are not integers.
    #[error(
        "the elements are {found} and codes are integers: save them with numpy.save(path, codes.astype(\"int64\"))"
    )]
    Dtype {
        /// NumPy's name of the element type.
        found: String,
    },
    /// Not two or three dimensions.
    #[error(
        "the shape is {} and codes are (K, T), (1, K, T) or (K, 1, T), K layers and T frames: reshape them before saving",
        shape(.0)
    )]
    Rank(Vec<u64>),
    /// Three dimensions of which neither of the first two is 1.
    #[error(
        "the shape is {}, several streams at once or an unknown order, and codes are (K, T), (1, K, T) or (K, 1, T): save one stream a file, for instance codes[0] or codes[:, 0]",
        shape(.0)
    )]
    Batch(Vec<u64>),
    /// No layers.
    #[error("the shape is {} and codes have at least one layer: save them as (K, T)", shape(.0))]
    NoLayers(Vec<u64>),
    /// More layers, or more codes in all, than any codec makes.
    #[error("the shape is {}, more than any codec makes: codes are (K, T), K layers first; transpose them with codes.T if these are frames first", shape(.0))]
    TooLarge(Vec<u64>),
    /// The file ends early.
    #[error(
        "the file is truncated: {expected} bytes were expected after the first {after} and {found} are there: copy or save it again"
    )]
    Truncated {
        /// Bytes read before.
        after: u64,
        /// Bytes expected then.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// A code below 0.
    #[error(
        "layer {layer}, frame {frame}: code {value} is negative and codes count from 0: drop padding (often -1) before saving"
    )]
    Negative {
        /// Layer, from 0.
        layer: usize,
        /// Frame, from 0.
        frame: usize,
        /// The code.
        value: i64,
    },
    /// A code no codebook can have.
    #[error(
        "layer {layer}, frame {frame}: code {value} is larger than any codebook: check the byte order and what was saved"
    )]
    TooLargeCode {
        /// Layer, from 0.
        layer: usize,
        /// Frame, from 0.
        frame: usize,
        /// The code.
        value: u64,
    },
}

impl NpyErrorKind {
    /// Names the file.
    pub(super) fn of(self, name: &str) -> NpyError {
        NpyError { name: name.to_owned(), problem: self }
    }
}

/// A shape as Python writes it.
fn shape(dimensions: &[u64]) -> String {
    match dimensions {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}
