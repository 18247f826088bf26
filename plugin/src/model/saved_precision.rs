//! The precision as a project saves it.

use residue_engine::codec::Precision;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A precision, or the value that a newer version wrote there, which is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SavedPrecision(Value);

impl SavedPrecision {
    /// Returns the precision to run in: f32 where this version does not know the saved one.
    pub fn runs_in(&self) -> Precision {
        self.known().unwrap_or_default()
    }

    /// Returns true if this version knows the saved precision.
    pub fn is_known(&self) -> bool {
        self.known().is_some()
    }

    fn known(&self) -> Option<Precision> {
        self.0.as_str()?.parse().ok()
    }
}

impl From<Precision> for SavedPrecision {
    fn from(precision: Precision) -> Self {
        Self(Value::from(precision.name()))
    }
}
