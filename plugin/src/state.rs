//! Saved states of other versions, and damaged ones, brought into range before they are loaded.
//!
//! nice-plug saves `{"version": ..., "params": {id: value}, "fields": {"model": ...}}`. It ignores
//! parameters that it does not know, and those that are missing keep their values. It does not check the
//! values themselves.

use std::collections::BTreeMap;

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;

use crate::instance::Instance;

/// Clamps every value of a state to its parameter's range. Values of the wrong type are removed, so that
/// the parameter keeps its value.
///
/// No saved version needs a migration.
pub fn clamp_state(state: &mut PluginState) {
    let instance = Instance::new();
    let known: BTreeMap<String, ParamPtr> =
        instance.params.param_map().into_iter().map(|(id, param, _)| (id, param)).collect();
    state.params.retain(|id, value| {
        let Some(param) = known.get(id) else { return true };
        // SAFETY: `instance` owns the parameters behind the pointers and outlives them.
        let clamp = |plain: f32| unsafe { param.preview_plain(param.preview_normalized(plain)) };
        match (param, value) {
            (ParamPtr::FloatParam(_), ParamValue::F32(value)) if value.is_finite() => {
                *value = clamp(*value);
                true
            }
            (ParamPtr::IntParam(_) | ParamPtr::EnumParam(_), ParamValue::I32(value)) => {
                *value = clamp(*value as f32) as i32;
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
        clamp_state(&mut state);
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
