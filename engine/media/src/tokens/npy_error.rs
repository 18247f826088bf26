//! Errors of `.npy` files.

use std::io;

/// A `.npy` file that could not be read or written as codes.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct NpyError {
    /// The file's path, or a name such as `stdin`.
    pub name: String,
    /// The defect.
    #[source]
    pub problem: NpyErrorKind,
}

/// The defect of a `.npy` file. Every message names expected, found and a remedy.
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
        /// Description of the file.
        found: &'static str,
    },
    /// An unknown version of the format.
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
    /// The header is not the dictionary that the format specifies.
    #[error(
        "the header cannot be understood, {reason}: the file is damaged; save it again with numpy.save"
    )]
    Header {
        /// The defect.
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
        "the shape is {} and codes are (K, T), K layers and T frames: save them with numpy.save(path, codes.reshape(K, T))",
        shape(.0)
    )]
    Rank(Vec<u64>),
    /// Three dimensions of which none is 1.
    #[error(
        "the shape is {}, several streams at once: choose one with --item, and say with --batch which dimension counts them, or save each by itself, numpy.save(path, codes[0]) if the streams are the first dimension, codes[:, 0] if the second, codes[..., 0] if the third",
        shape(.0)
    )]
    Batch(Vec<u64>),
    /// Not three dimensions, where a batch was asked for.
    #[error("the shape is {} and a batch has three dimensions: leave --batch and --item out for one stream", shape(.0))]
    NoBatch(Vec<u64>),
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
        /// Offset of the missing part, in bytes.
        after: u64,
        /// Bytes expected there.
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
    /// A code beyond any codebook.
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
    /// Returns the error of the file `name`.
    pub(super) fn of(self, name: &str) -> NpyError {
        NpyError { name: name.to_owned(), problem: self }
    }
}

/// Formats a shape as Python does.
fn shape(dimensions: &[u64]) -> String {
    match dimensions {
        [one] => format!("({one},)"),
        many => format!("({})", many.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    }
}
