//! Saved states of other versions, and damaged ones.
//!
//! nice-plug saves `{"version": ..., "params": {id: value}, "fields": {"model": ...}}`. Parameters that
//! it does not know are left alone, missing ones keep what they have. What it takes on trust are the
//! values.

use std::collections::BTreeMap;

use nice_plug::plugin::ParamValue;
use nice_plug::prelude::*;

use crate::instance::Instance;

/// Makes every value of a state one that its parameter can have: within its range, of its type.
/// Values that make no sense are left out, so that the parameter keeps what it has.
///
/// There is only one version yet: nothing to migrate.
pub fn repair(state: &mut PluginState) {
    let instance = Instance::new();
    let known: BTreeMap<String, ParamPtr> =
        instance.params.param_map().into_iter().map(|(id, param, _)| (id, param)).collect();
    state.params.retain(|id, value| {
        let Some(param) = known.get(id) else { return true };
        // SAFETY: `instance` holds the parameters behind the pointers.
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

    fn repaired(text: &str) -> PluginState {
        let mut state: PluginState = serde_json::from_str(text).unwrap();
        repair(&mut state);
        state
    }

    fn shown(state: &PluginState) -> String {
        serde_json::to_string(&state.params).unwrap()
    }

    #[test]
    fn what_is_out_of_range_comes_back_into_it() {
        let state = repaired(
            r#"{"version":"0.0.1","params":{"depa":{"i32":99},"depb":{"i32":-5},
            "ingain":{"f32":1e9},"listen":{"i32":77},"mix":{"f32":-1.0}},"fields":{}}"#,
        );
        assert_eq!(
            shown(&state),
            r#"{"depa":{"i32":32},"depb":{"i32":1},"ingain":{"f32":24.0},"listen":{"i32":5},"mix":{"f32":0.0}}"#
        );
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_the_unknown_left_alone() {
        let state = repaired(
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
    fn good_values_do_not_change() {
        let text = r#"{"depa":{"i32":7},"freeze":{"bool":true},"ingain":{"f32":-6.5},"listen":{"string":"a-b"},"loss":{"f32":12.3}}"#;
        let state = format!(r#"{{"version":"0.1.0","params":{text},"fields":{{}}}}"#);
        assert_eq!(shown(&repaired(&state)), text);
    }
}
