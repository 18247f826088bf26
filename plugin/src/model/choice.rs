//! The model as a project saves it: a name and a checksum, never weights.

use std::sync::Arc;

use nice_plug::params::persist::PersistentField;
use residue_engine::codec::Precision;
use residue_engine::models::{EMBEDDED, PrecisionRequest, embedded_precision};
use serde::{Deserialize, Deserializer, Serialize};

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
    /// Precision of its weights. Left out where it is f32, as in projects from before there was a choice, and where an
    /// automatic one has not been chosen yet.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub precision: Option<SavedPrecision>,
    /// The user left the precision to the plugin, which chose `precision` when it first loaded the model. A project keeps
    /// that, so that it sounds the same on every computer, until the user chooses again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic: bool,
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

/// Reads a field that is there, also where it is null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SavedPrecision>, D::Error> {
    SavedPrecision::deserialize(deserializer).map(Some)
}

impl ModelChoice {
    /// A model by its name or folder, in f32.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            id: id.into(),
            sha256: None,
            precision: None,
            automatic: false,
            more: serde_json::Map::new(),
        }
    }

    /// A model by its name or folder, in the automatic precision.
    pub fn automatic(id: impl Into<String>) -> Self {
        Self::new(id).in_precision(PrecisionRequest::Automatic)
    }

    /// The same model in another precision. Its files, and so their checksum, stay what they are. An automatic precision
    /// is chosen anew, for the embedded model at once.
    pub fn in_precision(&self, request: PrecisionRequest) -> Self {
        let automatic = request == PrecisionRequest::Automatic;
        let precision = match request {
            PrecisionRequest::Automatic if self.is_embedded() => {
                Some(embedded_precision().precision)
            }
            PrecisionRequest::Automatic | PrecisionRequest::Fixed(Precision::F32) => None,
            PrecisionRequest::Fixed(precision) => Some(precision),
        };
        Self { precision: precision.map(Into::into), automatic, ..self.clone() }
    }

    /// Another model, whose precision is asked for in the same way.
    pub fn of_model(&self, id: impl Into<String>) -> Self {
        let other = Self::new(id);
        match self.automatic {
            true => other.in_precision(PrecisionRequest::Automatic),
            false => Self { precision: self.precision.clone(), ..other },
        }
    }

    /// The embedded model in place of this one, which cannot be loaded.
    pub fn stand_in(&self) -> Self {
        match self.automatic {
            true => Self::automatic(EMBEDDED),
            false => Self::new(EMBEDDED),
        }
    }

    /// Returns the precision to load: the one that is saved, f32 where that is not known to this version or none is saved,
    /// or automatic where none was chosen yet.
    pub fn to_load(&self) -> PrecisionRequest {
        match &self.precision {
            Some(saved) => saved.runs_in().into(),
            None if self.automatic => PrecisionRequest::Automatic,
            None => Precision::F32.into(),
        }
    }

    /// Returns the precision as the user asked for it.
    pub fn requested_precision(&self) -> PrecisionRequest {
        if self.automatic { PrecisionRequest::Automatic } else { self.to_load() }
    }

    /// Returns the precision as an editor shows it: `automatic (bf16)`, `f32`.
    pub fn precision_label(&self) -> String {
        let saved = self.precision.as_ref().map(SavedPrecision::runs_in);
        self.requested_precision().label(saved)
    }

    /// Returns false for a precision of a newer version, in place of which f32 runs.
    pub fn is_precision_known(&self) -> bool {
        self.precision.as_ref().is_none_or(SavedPrecision::is_known)
    }

    /// Returns true for the model inside the program.
    pub fn is_embedded(&self) -> bool {
        self.id.eq_ignore_ascii_case(EMBEDDED)
    }
}

/// The embedded model in f32: the state of a project from before there was a choice.
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

    fn written(choice: &ModelChoice) -> String {
        serde_json::to_string(choice).unwrap()
    }

    #[test]
    fn what_newer_versions_add_survives() {
        for precision in [r#"{"of":[1,2]}"#, r#""int2""#, "null", "3"] {
            let text = format!(
                r#"{{"version":7,"id":"v2","sha256":"ab","precision":{precision},"later":[1]}}"#
            );
            let choice = read(&text);
            assert_eq!((choice.version, choice.id.as_str()), (7, "v2"));
            assert_eq!(choice.to_load(), Precision::F32.into(), "stands in for what is unknown");
            assert!(!choice.is_precision_known());
            assert_eq!(written(&choice), text);
        }
    }

    #[test]
    fn a_precision_is_saved_unless_it_is_f32() {
        for precision in Precision::ALL {
            let choice = ModelChoice::new("nano").in_precision(precision.into());
            let text = written(&choice);
            assert_eq!(text.contains("precision"), precision != Precision::F32, "{text}");
            assert_eq!(read(&text), choice);
            assert_eq!(choice.to_load(), precision.into());
            assert_eq!(choice.precision_label(), precision.name());
            assert_eq!(choice.of_model("v1").to_load(), choice.to_load());
        }
    }

    /// An automatic precision is saved with what it came to, which an older version runs too.
    #[test]
    fn an_automatic_precision_stays_what_it_came_to() {
        let chosen = embedded_precision().precision;
        let embedded = ModelChoice::automatic(EMBEDDED);
        let text =
            format!(r#"{{"version":1,"id":"embedded","precision":"{chosen}","automatic":true}}"#);
        assert_eq!(written(&embedded), text);
        for precision in Precision::ALL {
            let text = format!(
                r#"{{"version":1,"id":"nano","precision":"{precision}","automatic":true}}"#
            );
            let choice = read(&text);
            assert_eq!(choice.to_load(), precision.into(), "as it was chosen elsewhere");
            assert_eq!(choice.requested_precision(), PrecisionRequest::Automatic);
            assert_eq!(choice.precision_label(), format!("automatic ({precision})"));
            assert_eq!(written(&choice), text);
            // The user chooses again.
            let again = choice.in_precision(PrecisionRequest::Automatic);
            assert_eq!(again.to_load(), PrecisionRequest::Automatic);
            assert_eq!(again.precision_label(), "automatic");
            assert_eq!(choice.of_model("v1").to_load(), PrecisionRequest::Automatic);
            assert_eq!(choice.of_model(EMBEDDED), embedded);
            let exact = choice.in_precision(Precision::F32.into());
            assert_eq!(written(&exact), r#"{"version":1,"id":"nano"}"#);
        }
        let open = ModelChoice::automatic("nano");
        assert_eq!(written(&open), r#"{"version":1,"id":"nano","automatic":true}"#);
        assert_eq!(read(&written(&open)).to_load(), PrecisionRequest::Automatic);
    }

    #[test]
    fn what_is_missing_is_the_default() {
        assert_eq!(read("{}"), ModelChoice::default());
        assert_eq!(read(r#"{"id":"nano"}"#), ModelChoice::new("nano"));
        assert!(ModelChoice::default().is_embedded());
        assert_eq!(written(&ModelChoice::default()), r#"{"version":1,"id":"embedded"}"#);
    }
}
