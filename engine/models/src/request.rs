//! A model as it is asked for.

use residue_codec::Precision;

use super::{EMBEDDED, PrecisionRequest};

/// A model and how it is to be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelRequest {
    /// A known name, an added one, or a folder.
    pub id: String,
    /// Precision of the weights.
    pub precision: PrecisionRequest,
    /// Threads of the arithmetic; 0 is one a core but one, which is left to others.
    pub threads: usize,
}

impl ModelRequest {
    /// A model by its name or folder, in f32.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), precision: Precision::F32.into(), threads: 0 }
    }

    /// A model by its name or folder, in the automatic precision.
    pub fn automatic(id: impl Into<String>) -> Self {
        Self { precision: PrecisionRequest::Automatic, ..Self::new(id) }
    }

    /// The embedded model in place of this one, which cannot be loaded: automatic if that was asked for, otherwise in
    /// f32.
    pub fn stand_in(&self) -> Self {
        match self.precision {
            PrecisionRequest::Automatic => Self::automatic(EMBEDDED),
            PrecisionRequest::Fixed(_) => Self::new(EMBEDDED),
        }
    }
}

impl Default for ModelRequest {
    /// The embedded model in f32.
    fn default() -> Self {
        Self::new(EMBEDDED)
    }
}
