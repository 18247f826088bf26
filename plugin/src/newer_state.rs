//! States of newer versions: what this version does not know of them is kept and saved again.
//!
//! A state of a newer version is loaded as far as it is understood. Its original and what was understood of it
//! stay in the instance and are saved as the field [`KEY`]. Whichever version loads such a state applies the
//! changes to the original first, so that nothing gets lost on the way through an older version, and changes
//! made there count.

use std::collections::BTreeMap;

use nice_plug::plugin::{ParamValue, PluginState};
use parking_lot::Mutex;
use residue_engine::saved_versions::{is_newer, merge};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of this plugin.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Name of the field in saved states. Part of every project that a newer version saved.
const KEY: &str = "newer";

/// A state that a newer version saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewerState {
    /// The version that saved it.
    pub version: String,
    /// Parameters and fields as that version saved them.
    original: Value,
    /// The same as this version saves them when nothing has been changed.
    read: Value,
}

/// The state of a newer version that an instance holds, if any.
#[derive(Debug, Default)]
pub struct HeldNewerState(Mutex<Option<NewerState>>);

impl HeldNewerState {
    /// Returns the version that saved the instance's state, if it is a newer one.
    pub fn version(&self) -> Option<String> {
        self.0.lock().as_ref().map(|newer| newer.version.clone())
    }

    /// Adds the field to the fields of a saved state, if there is such a state.
    pub fn save(&self, fields: &mut BTreeMap<String, String>) {
        if let Some(Ok(text)) = self.0.lock().as_ref().map(serde_json::to_string) {
            fields.insert(KEY.to_owned(), text);
        }
    }

    /// Takes the field of a loaded state. Without it, the state of another project that is held is dropped.
    pub fn load(&self, fields: &BTreeMap<String, String>) {
        *self.0.lock() = fields.get(KEY).and_then(|text| serde_json::from_str(text).ok());
    }
}

/// Applies the changes of older versions to what a newer one saved. States without such changes stay as
/// they are.
pub fn restore(state: &mut PluginState) {
    let Some(text) = state.fields.remove(KEY) else { return };
    let Ok(newer) = serde_json::from_str::<NewerState>(&text) else { return };
    let is_document = |document| from_document(String::new(), document).is_some();
    if !is_newer(&newer.version, &state.version)
        || ![&newer.original, &newer.read].into_iter().all(is_document)
    {
        return;
    }
    let merged = merge(&newer.original, &newer.read, &document(state));
    if let Some(merged) = from_document(newer.version, &merged) {
        *state = merged;
    }
}

/// Keeps the original of a newer version's state in the state that is loaded.
pub fn keep(state: &mut PluginState, mut original: PluginState, read: &PluginState) {
    original.fields.remove(KEY);
    // JSON holds no infinite numbers.
    original.params.retain(|_, value| !matches!(value, ParamValue::F32(x) if !x.is_finite()));
    let newer = NewerState {
        version: original.version.clone(),
        original: document(&original),
        read: document(read),
    };
    if let Ok(text) = serde_json::to_string(&newer) {
        state.fields.insert(KEY.to_owned(), text);
    }
}

/// Returns parameters and fields as one document. Fields are texts; those that hold JSON objects become
/// objects, so that their own fields are merged one by one.
fn document(state: &PluginState) -> Value {
    let field = |text: &String| match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text.clone()),
    };
    let fields: Map<String, Value> =
        state.fields.iter().map(|(key, text)| (key.clone(), field(text))).collect();
    // Values are numbers, truth values and texts: nothing that JSON cannot hold.
    let params = serde_json::to_value(&state.params).unwrap_or_default();
    Value::Object(
        [("params".to_owned(), params), ("fields".to_owned(), fields.into())].into_iter().collect(),
    )
}

/// The inverse of [`document`]; `None` if it is not one.
fn from_document(version: String, document: &Value) -> Option<PluginState> {
    let params = serde_json::from_value(document.get("params")?.clone()).ok()?;
    let fields = document.get("fields")?.as_object()?.iter().filter(|(key, _)| *key != KEY);
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let fields = fields.map(|(key, value)| (key.clone(), text(value))).collect();
    Some(PluginState { version, params, fields })
}
