//! The precision that a project asks for.

use residue_engine::codec::Precision;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How exactly a model is to run: a precision, or what a newer version wrote there, which is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WantedPrecision(Value);

impl WantedPrecision {
    /// What it runs in: f32 where this version does not know what is asked for.
    pub fn runs_in(&self) -> Precision {
        self.known().unwrap_or_default()
    }

    /// Whether this version knows what is asked for.
    pub fn is_known(&self) -> bool {
        self.known().is_some()
    }

    /// Whether it is f32, the default.
    pub fn is_f32(&self) -> bool {
        self.known() == Some(Precision::F32)
    }

    fn known(&self) -> Option<Precision> {
        self.0.as_str()?.parse().ok()
    }
}

impl From<Precision> for WantedPrecision {
    fn from(precision: Precision) -> Self {
        Self(Value::from(precision.name()))
    }
}

impl Default for WantedPrecision {
    fn default() -> Self {
        Precision::F32.into()
    }
}
