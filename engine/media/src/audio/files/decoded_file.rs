//! The content of an audio file.

use super::{Audio, ReadWarning};

/// A decoded audio file.
#[derive(Clone, Debug)]
pub struct DecodedFile {
    /// Samples at the file's own rate and channel count; every sample is finite.
    pub audio: Audio,
    /// Defects of the file, to be shown to the user; empty for an intact file.
    pub warnings: Vec<ReadWarning>,
}
