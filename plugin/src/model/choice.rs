//! The model as a project saves it: a name and a checksum, never weights.

use std::sync::Arc;

use nice_plug::params::persist::PersistentField;
use residue_engine::codec::Precision;
use residue_engine::models::EMBEDDED;
use serde::{Deserialize, Serialize};

use super::{InstanceModel, SavedPrecision};

/// Version of the layout of [`ModelChoice`].
const VERSION: u32 = 1;

/// The model that a project requests.
///
/// Newer versions may add fields. They are kept and saved again, so that a project survives a visit
/// to an older plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelChoice {
    /// Version of this layout.
    #[serde(default = "version")]
    pub version: u32,
    /// `embedded`, a name that the library knows, or a folder.
    #[serde(default = "embedded")]
    pub id: String,
    /// Checksum over the model's files, in lowercase hexadecimal, once it is known. The embedded model has none:
    /// the plugin's version, which is saved as well, says which one it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Precision of its weights. Left out where it is f32, as in projects from before there was a choice.
    #[serde(default, skip_serializing_if = "SavedPrecision::is_f32")]
    pub precision: SavedPrecision,
    /// Fields that newer versions added.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

fn version() -> u32 {
    VERSION
}

fn embedded() -> String {
    EMBEDDED.to_owned()
}

impl ModelChoice {
    /// A model by its name or folder.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            id: id.into(),
            sha256: None,
            precision: SavedPrecision::default(),
            more: serde_json::Map::new(),
        }
    }

    /// The same model in another precision. Its files, and so their checksum, stay what they are.
    pub fn in_precision(&self, precision: Precision) -> Self {
        Self { precision: precision.into(), ..self.clone() }
    }

    /// Another model in the same precision.
    pub fn of_model(&self, id: impl Into<String>) -> Self {
        Self { precision: self.precision.clone(), ..Self::new(id) }
    }

    /// Returns true for the model inside the program.
    pub fn is_embedded(&self) -> bool {
        self.id.eq_ignore_ascii_case(EMBEDDED)
    }
}

impl Default for ModelChoice {
    fn default() -> Self {
        Self::new(EMBEDDED)
    }
}

/// The model as a field of the saved state: reading it saves the choice, writing it makes one.
pub struct ModelField(pub Arc<InstanceModel>);

impl PersistentField<'_, ModelChoice> for ModelField {
    fn set(&self, choice: ModelChoice) {
        self.0.restore(choice);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&ModelChoice) -> R,
    {
        f(&self.0.requested())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ModelChoice {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_newer_versions_add_survives() {
        for precision in [r#"{"of":[1,2]}"#, r#""int2""#, "null", "3"] {
            let text = format!(
                r#"{{"version":7,"id":"v2","sha256":"ab","precision":{precision},"later":[1]}}"#
            );
            let choice = read(&text);
            assert_eq!((choice.version, choice.id.as_str()), (7, "v2"));
            assert_eq!(choice.precision.runs_in(), Precision::F32, "stands in for what is unknown");
            assert!(!choice.precision.is_known());
            assert_eq!(serde_json::to_string(&choice).unwrap(), text);
        }
    }

    #[test]
    fn a_precision_is_saved_unless_it_is_the_default() {
        for precision in Precision::ALL {
            let choice = ModelChoice::new("nano").in_precision(precision);
            let text = serde_json::to_string(&choice).unwrap();
            assert_eq!(text.contains("precision"), precision != Precision::F32, "{text}");
            assert_eq!(read(&text), choice);
            assert_eq!(choice.precision.runs_in(), precision);
            assert_eq!(choice.of_model("v1").precision, choice.precision);
        }
    }

    #[test]
    fn what_is_missing_is_the_default() {
        assert_eq!(read("{}"), ModelChoice::default());
        assert_eq!(read(r#"{"id":"nano"}"#), ModelChoice::new("nano"));
        assert!(ModelChoice::default().is_embedded());
        let text = serde_json::to_string(&ModelChoice::default()).unwrap();
        assert_eq!(text, r#"{"version":1,"id":"embedded"}"#);
    }
}
