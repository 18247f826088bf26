//! A plugin's state as a project holds it: the text behind its length, and the model in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nice_plug::params::Params;
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::{ParamValue, Plugin, PluginState};
use residue_plugin::{Instance, ModelChoice, Residue};

fuzz_target!(|text: &[u8]| {
    let Ok(mut state) = serde_json::from_slice::<PluginState>(text) else { return };
    Residue::filter_state(&mut state);
    let instance = Instance::new();
    for (id, param, _) in instance.params.param_map() {
        let plain = match (state.params.get(&id), param) {
            (Some(ParamValue::F32(x)), ParamPtr::FloatParam(_)) => *x,
            (Some(ParamValue::I32(n)), ParamPtr::IntParam(_) | ParamPtr::EnumParam(_)) => *n as f32,
            (Some(ParamValue::F32(_) | ParamValue::I32(_)), _) => panic!("{id}: wrong type"),
            _ => continue,
        };
        // SAFETY: the instance owns the parameter.
        let normalized = unsafe { param.preview_normalized(plain) };
        assert!((0.0..=1.0).contains(&normalized), "{id}: {plain}");
    }
    if let Some(Ok(choice)) = state.fields.get("model").map(|text| serde_json::from_str(text)) {
        let choice: ModelChoice = choice;
        let _ = (choice.to_load(), choice.precision_label());
        instance.model.restore(choice.clone());
        assert!(instance.model.requested() == choice);
    }
});
