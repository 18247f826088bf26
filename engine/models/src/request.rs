//! A model as it is asked for.

use residue_codec::Precision;

use super::EMBEDDED;

/// A model and how it is to be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelRequest {
    /// A known name, an added one, or a folder.
    pub id: String,
    /// Precision of the weights.
    pub precision: Precision,
    /// Threads of the arithmetic; 0 is one a core but one, which is left to others.
    pub threads: usize,
}

impl ModelRequest {
    /// A model by its name or folder, in f32.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), precision: Precision::F32, threads: 0 }
    }
}

impl Default for ModelRequest {
    /// The embedded model in f32.
    fn default() -> Self {
        Self::new(EMBEDDED)
    }
}
