//! Saved states of other versions, and damaged ones, brought into range before they are loaded.
//!
//! nice-plug saves `{"version": ..., "params": {id: value}, "fields": {"model": ...}}`. It ignores
//! parameters that it does not know, and those that are missing keep their values. It does not check the
//! values themselves.

use std::collections::BTreeMap;

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;
use residue_engine::saved_versions::is_newer;

use crate::instance::Instance;
use crate::model::ModelChoice;
use crate::newer_state::{self, VERSION};

/// The field of the requested model.
const MODEL: &str = "model";

/// Brings a saved state into the form that is loaded: within the ranges of this version's parameters, and with
/// the original of a state that a newer version saved.
///
/// A state without a model gets the embedded one in f32: it is of a version that had no choice of precision, and must
/// not get the automatic one of a new instance.
pub fn prepare_state(state: &mut PluginState) {
    newer_state::restore(state);
    let original = state.clone();
    let instance = Instance::new();
    clamp(state, &instance);
    if let (None, Ok(model)) =
        (state.fields.get(MODEL), serde_json::to_string(&ModelChoice::default()))
    {
        state.fields.insert(MODEL.to_owned(), model);
    }
    if is_newer(&original.version, VERSION) {
        let read = understood(state, &original, &instance);
        newer_state::keep(state, original, &read);
    }
}

fn known_params(instance: &Instance) -> BTreeMap<String, ParamPtr> {
    instance.params.param_map().into_iter().map(|(id, param, _)| (id, param)).collect()
}

/// Replaces what this version does not understand by the defaults, and returns the state that this version saves
/// after loading the result.
fn understood(state: &mut PluginState, original: &PluginState, instance: &Instance) -> PluginState {
    let mut read = PluginState {
        version: VERSION.to_owned(),
        params: BTreeMap::new(),
        fields: BTreeMap::new(),
    };
    let known = known_params(instance);
    for (id, param) in known.iter().filter(|(id, _)| original.params.contains_key(*id)) {
        let value = match (param, state.params.get(id)) {
            (ParamPtr::EnumParam(param), Some(ParamValue::String(choice))) => {
                // SAFETY: the instance owns the parameter.
                let is_known = unsafe { (**param).set_from_id(choice) };
                is_known.then(|| ParamValue::String(choice.clone()))
            }
            (_, value) => value.cloned(),
        };
        // The instance was made with the defaults.
        let value = value.unwrap_or_else(|| saved_value(param));
        state.params.insert(id.clone(), value.clone());
        read.params.insert(id.clone(), value);
    }
    instance.params.deserialize_fields(&state.fields);
    read.fields = instance.params.serialize_fields();
    for (key, text) in &mut state.fields {
        if let Some(read) = read.fields.get(key) {
            text.clone_from(read);
        }
    }
    read
}

/// Returns a parameter's value as nice-plug saves it.
fn saved_value(param: &ParamPtr) -> ParamValue {
    // SAFETY: the caller holds the instance that owns the parameter.
    let plain = unsafe { param.unmodulated_plain_value() };
    match param {
        ParamPtr::FloatParam(_) => ParamValue::F32(plain),
        ParamPtr::IntParam(_) => ParamValue::I32(plain as i32),
        ParamPtr::BoolParam(_) => ParamValue::Bool(plain > 0.5),
        // SAFETY: as above.
        ParamPtr::EnumParam(param) => match unsafe { (**param).unmodulated_plain_id() } {
            Some(id) => ParamValue::String(id.to_owned()),
            None => ParamValue::I32(plain as i32),
        },
    }
}

/// Clamps every value of a state to its parameter's range. Values of the wrong type are removed, so that
/// the parameter keeps its value.
fn clamp(state: &mut PluginState, instance: &Instance) {
    let known = known_params(instance);
    state.params.retain(|id, value| {
        let Some(param) = known.get(id) else { return true };
        // Not by way of the normalized value: nice-plug computes that of an integer from its distance to
        // the range's end, which overflows.
        // SAFETY: `instance` owns the parameters behind the pointers and outlives them.
        let ends = [0.0, 1.0].map(|end| unsafe { param.preview_plain(end) });
        let (least, most) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        match (param, value) {
            (ParamPtr::FloatParam(_), ParamValue::F32(value)) if value.is_finite() => {
                *value = value.clamp(least, most);
                true
            }
            (ParamPtr::IntParam(_) | ParamPtr::EnumParam(_), ParamValue::I32(value)) => {
                *value = (*value).clamp(least as i32, most as i32);
                true
            }
            (ParamPtr::BoolParam(_), ParamValue::Bool(_))
            | (ParamPtr::EnumParam(_), ParamValue::String(_)) => true,
            _ => false,
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clamped(text: &str) -> PluginState {
        let mut state: PluginState = serde_json::from_str(text).unwrap();
        prepare_state(&mut state);
        state
    }

    fn shown(state: &PluginState) -> String {
        serde_json::to_string(&state.params).unwrap()
    }

    #[test]
    fn values_out_of_range_are_clamped() {
        let state = clamped(
            r#"{"version":"0.0.1","params":{"depa":{"i32":99},"depb":{"i32":-5},
            "ingain":{"f32":1e9},"listen":{"i32":77},"mix":{"f32":-1.0}},"fields":{}}"#,
        );
        assert_eq!(
            shown(&state),
            r#"{"depa":{"i32":32},"depb":{"i32":1},"ingain":{"f32":24.0},"listen":{"i32":5},"mix":{"f32":0.0}}"#
        );
    }

    /// Every parameter with the values that a state can hold, of every type.
    #[test]
    fn no_value_of_any_parameter_gets_out_of_its_range() {
        let instance = Instance::new();
        let integers = [i32::MIN, i32::MIN + 1, -1, 0, 1, 33, i32::MAX];
        let floats =
            [f32::MIN, f32::MAX, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e-40, 0.5, 1e9];
        let params = instance.params.param_map();
        for (id, param, _) in &params {
            // SAFETY: the instance owns the parameter.
            let ends = [0.0, 1.0].map(|end| unsafe { param.preview_plain(end) });
            let range = ends[0].min(ends[1])..=ends[0].max(ends[1]);
            let values = (integers.map(ParamValue::I32).into_iter())
                .chain(floats.map(ParamValue::F32))
                .chain([ParamValue::Bool(true), ParamValue::String("x".into())]);
            for value in values {
                let mut state = PluginState {
                    version: String::new(),
                    params: [(id.clone(), value)].into(),
                    fields: BTreeMap::default(),
                };
                prepare_state(&mut state);
                let plain = match (state.params.get(id), param) {
                    (Some(ParamValue::F32(x)), ParamPtr::FloatParam(_)) => *x,
                    (Some(ParamValue::I32(n)), ParamPtr::IntParam(_) | ParamPtr::EnumParam(_)) => {
                        *n as f32
                    }
                    (Some(ParamValue::Bool(_)), ParamPtr::BoolParam(_))
                    | (Some(ParamValue::String(_)), ParamPtr::EnumParam(_))
                    | (None, _) => continue,
                    (Some(_), _) => panic!("{id} keeps a value of the wrong type"),
                };
                assert!(range.contains(&plain), "{id}: {plain}");
                // The wrapper normalizes it next.
                // SAFETY: the instance owns the parameter.
                let normalized = unsafe { param.preview_normalized(plain) };
                assert!((0.0..=1.0).contains(&normalized), "{id}: {plain} is {normalized}");
            }
        }
        assert!(params.len() > 10, "{}", params.len());
    }

    #[test]
    fn values_of_wrong_types_are_removed_and_unknown_parameters_kept() {
        let state = clamped(
            r#"{"params":{"depa":{"f32":3.0},"freeze":{"i32":1},"mix":{"f32":1e39},
            "later":{"string":"x"},"listen":{"string":"from-the-future"}},"fields":{"also":"1"}}"#,
        );
        assert_eq!(
            shown(&state),
            r#"{"later":{"string":"x"},"listen":{"string":"from-the-future"}}"#
        );
        assert_eq!(state.fields["also"], "1");
        assert_eq!(state.version, "");
    }

    #[test]
    fn valid_values_do_not_change() {
        let text = r#"{"depa":{"i32":7},"freeze":{"bool":true},"ingain":{"f32":-6.5},"listen":{"string":"a-b"},"loss":{"f32":12.3}}"#;
        let state = format!(r#"{{"version":"0.1.0","params":{text},"fields":{{}}}}"#);
        assert_eq!(shown(&clamped(&state)), text);
    }
}
