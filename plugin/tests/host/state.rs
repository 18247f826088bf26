//! The saved state.

use std::collections::BTreeMap;

use nice_plug::params::Params;
use nice_plug::plugin::PluginState;
use residue_engine::saved_versions::merge;
use residue_plugin::{Instance, PRESETS};
use serde_json::{Value, json};

use crate::project_states::clap_state;
use crate::rig::{ClapRig, Random};

fn text(state: &[u8]) -> String {
    String::from_utf8(state[8..].to_vec()).expect("states are text")
}

fn values(rig: &mut ClapRig) -> Vec<(String, f64)> {
    rig.params().into_iter().map(|param| (param.name, rig.value(param.id))).collect()
}

#[test]
fn states_round_trip_byte_for_byte() {
    let mut rig = ClapRig::new();
    let before = rig.save();
    assert!(before.len() < 1024, "{} bytes", before.len());
    rig.set(&[
        ("Depth A", "7 layers"),
        ("Listen", "Dry-B"),
        ("Input gain", "-3.3 dB"),
        ("Burst length", "7.7"),
    ]);
    let saved = rig.save();
    assert_ne!(saved, before);
    let mut other = ClapRig::new();
    assert!(other.load(&saved));
    assert_eq!(values(&mut other), values(&mut rig));
    assert_eq!(other.save(), saved);
    other.start(48_000, 512);
    assert_eq!(other.save(), saved, "running changes nothing");
    assert!(rig.load(&before));
    assert_eq!(rig.save(), before);
}

#[test]
fn states_are_small_and_hold_no_weights() {
    let mut rig = ClapRig::new();
    rig.start(48_000, 512);
    let text = text(&rig.save());
    assert!(text.contains(r#"\"id\":\"embedded\""#), "{text}");
    assert!(text.len() < 1024);
}

#[test]
fn invalid_states_are_refused() {
    let mut rig = ClapRig::new();
    rig.set(&[("Depth A", "7 layers")]);
    let saved = rig.save();
    let mut random = Random(3);
    for length in [0, 1, 7, 8, 9, 100, 5000] {
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        assert!(!rig.load(&bytes), "{length} bytes");
    }
    assert!(!rig.load(&clap_state("{}")));
    assert!(!rig.load(&clap_state("[1,2,3]")));
    assert!(!rig.load(&saved[..saved.len() - 1]), "cut off");
    assert_eq!(rig.save(), saved);
    // States with flipped bits may load or not; either way every value stays within its range.
    for _ in 0..300 {
        let mut bytes = saved.clone();
        let at = 8 + random.below(bytes.len() - 8);
        bytes[at] ^= 1 << random.below(7);
        rig.load(&bytes);
        for param in rig.params() {
            let value = rig.value(param.id);
            assert!((param.min..=param.max).contains(&value), "{}: {value}", param.name);
        }
    }
    assert!(rig.load(&saved));
    rig.set_offline(true);
    rig.start(48_000, 512);
    rig.play(&[vec![0.1; 4000], vec![0.1; 4000]], 0, std::iter::repeat(512), &[]);
}

/// The wrapper takes values at the ends of their types, for every parameter.
#[test]
fn states_with_the_largest_and_smallest_numbers_load_in_range() {
    let mut rig = ClapRig::new();
    let ids: Vec<String> = Instance::new().params.param_map().into_iter().map(|p| p.0).collect();
    for value in [
        r#"{"i32":-2147483648}"#,
        r#"{"i32":2147483647}"#,
        r#"{"f32":-3.4028235e38}"#,
        r#"{"f32":3.4028235e38}"#,
        r#"{"f32":1e39}"#,
        r#"{"string":""}"#,
    ] {
        let params: Vec<String> = ids.iter().map(|id| format!("\"{id}\":{value}")).collect();
        let state = format!(r#"{{"params":{{{}}},"fields":{{}}}}"#, params.join(","));
        rig.load(&clap_state(&state));
        for param in rig.params() {
            let found = rig.value(param.id);
            assert!((param.min..=param.max).contains(&found), "{}: {found}", param.name);
        }
    }
    rig.load(&clap_state(r#"{"params":{"depa":{"i32":-2147483648}},"fields":{}}"#));
    assert_eq!(rig.shown("Depth A"), "1 kbps");
}

#[test]
fn older_and_newer_states_load() {
    let mut rig = ClapRig::new();
    let older = r#"{"params":{"depa":{"i32":5}},"fields":{}}"#;
    assert!(rig.load(&clap_state(older)));
    assert_eq!(rig.shown("Depth A"), "5 kbps");

    let newer = r#"{"version":"9.0.0","precision":"int8","params":{"depa":{"i32":6},"listen":
        {"string":"sideways"},"spin":{"f32":3.5}},"fields":{"model":
        "{\"version\":2,\"id\":\"embedded\",\"precision\":\"int8\"}","editor":"[1,2]"}}"#;
    assert!(rig.load(&clap_state(newer)));
    assert_eq!(rig.shown("Depth A"), "6 kbps");
    assert_eq!(rig.shown("Listen"), "A", "an unknown choice changes nothing");
    assert!(text(&rig.save()).contains(r#"\"precision\":\"int8\""#), "the model's future is kept");
}

fn state_json(rig: &mut ClapRig) -> Value {
    serde_json::from_str(&text(&rig.save())).expect("states are JSON")
}

/// A project of a newer version with a parameter, fields, a choice and a depth that this version does not know.
const NEWER: &str = r#"{"version":"9.1.0","params":{"depa":{"i32":6},"depb":{"i32":48},"listen":{"string":"a+b"},
    "mix":{"f32":33.3},"freeze":{"f32":0.5},"spin":{"f32":3.5}},"fields":{"model":"{\"id\":\"embedded\",\"room\":[1],\"version\":2}",
    "muted":"{\"layers\":[1]}","editor":"{\"dock\":true,\"height\":800,\"light\":true,\"width\":1200}",
    "macros":"[1,2]"}}"#;

/// Returns what a newer version would make of a state: the changes of this version applied to its own.
fn as_the_newer_version_reads(state: &Value) -> Value {
    let newer: Value = serde_json::from_str(state["fields"]["newer"].as_str().unwrap()).unwrap();
    assert_eq!(newer["version"], "9.1.0");
    let mut now = state.clone();
    let fields = now["fields"].as_object_mut().unwrap();
    fields.remove("newer");
    for text in fields.values_mut() {
        let parsed: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        if parsed.is_object() {
            *text = parsed;
        }
    }
    let now = json!({"params": now["params"], "fields": now["fields"]});
    merge(&newer["original"], &newer["read"], &now)
}

#[test]
fn a_newer_version_finds_its_project_as_it_left_it() {
    let mut rig = ClapRig::new();
    // Values that a project does not replace stay; here those that this version does not understand.
    rig.set(&[("Freeze", "On"), ("Listen", "B")]);
    assert!(rig.load(&clap_state(NEWER)));
    assert_eq!(rig.shown("Freeze"), "Off");
    assert_eq!((rig.shown("Depth B").as_str(), rig.shown("Listen").as_str()), ("32 kbps", "A"));
    let saved = state_json(&mut rig);
    assert_eq!(saved["version"], env!("CARGO_PKG_VERSION"));
    let mut expected: Value = serde_json::from_str(NEWER).unwrap();
    expected.as_object_mut().unwrap().remove("version");
    for field in ["model", "editor", "muted"] {
        let text = expected["fields"][field].as_str().unwrap().to_owned();
        expected["fields"][field] = serde_json::from_str(&text).unwrap();
    }
    let found = as_the_newer_version_reads(&saved);
    // Parameters that the newer version did not save have this version's values.
    for (id, value) in expected["params"].as_object().unwrap() {
        assert_eq!(found["params"][id].to_string(), shortened(value), "{id}");
    }
    assert_eq!(found["fields"], expected["fields"]);

    // Through other instances of this version, and with changes.
    let mut other = ClapRig::new();
    assert!(other.load(&rig.save()));
    let again = state_json(&mut other);
    assert_eq!(again["params"], saved["params"]);
    for field in ["model", "editor", "muted"] {
        assert_eq!(again["fields"][field], saved["fields"][field]);
    }
    other.set(&[("Listen", "Dry-B"), ("Depth A", "7 layers")]);
    assert!(rig.load(&other.save()));
    assert_eq!(rig.shown("Listen"), "Dry-B");
    let found = as_the_newer_version_reads(&state_json(&mut rig));
    assert_eq!(found["params"]["depa"], json!({"i32": 7}));
    assert_eq!(found["params"]["listen"], json!({"string": "dry-b"}), "a change counts");
    assert_eq!(found["params"]["depb"], json!({"i32": 48}), "and the rest is kept");
    assert_eq!(found["fields"], expected["fields"]);

    // A project of this version in the same instance brings nothing of it along.
    assert!(rig.load(&ClapRig::new().save()));
    assert_eq!(state_json(&mut rig)["fields"].get("newer"), None);
}

/// Returns the text of a parameter's value after it was a 32-bit float.
fn shortened(value: &Value) -> String {
    match value["f32"].as_f64() {
        Some(number) => json!({"f32": f64::from(number as f32)}).to_string(),
        None => value.to_string(),
    }
}

/// The field is another program's word: nothing in it may do harm.
#[test]
fn nonsense_in_place_of_a_newer_state_is_dropped() {
    let mut rig = ClapRig::new();
    let plain = rig.save();
    for newer in [
        "1",
        "{",
        r#"{"version":"9.0.0","original":[],"read":3}"#,
        r#"{"version":"9.0.0","original":{"params":{"depa":7},"fields":{}},"read":{}}"#,
        r#"{"version":"0.0.1","original":{"params":{},"fields":{}},"read":{"params":{},"fields":{}}}"#,
        r#"{"version":"9.0.0\n","original":{"params":{},"fields":{}},"read":{"params":{},"fields":{}}}"#,
    ] {
        let mut state: Value = serde_json::from_str(&text(&plain)).unwrap();
        state["fields"]["newer"] = newer.into();
        assert!(rig.load(&clap_state(&state.to_string())), "{newer}");
        assert_eq!(rig.save(), plain, "{newer}");
    }
}

/// Every preset loads as a state.
#[test]
fn presets_apply() {
    let mut rig = ClapRig::new();
    let fresh = text(&rig.save());
    let layer_bitrate = Instance::new().model.layer_bitrate();
    let mut sounds = BTreeMap::new();
    for preset in &PRESETS {
        let mut state: PluginState = serde_json::from_str(&fresh).unwrap();
        preset.apply(&mut state, &layer_bitrate);
        assert!(rig.load(&clap_state(&serde_json::to_string(&state).unwrap())));
        let saved = text(&rig.save());
        assert_eq!(saved, serde_json::to_string(&state).unwrap(), "{}", preset.name);
        assert_eq!(sounds.insert(saved, preset.name), None, "{} is another", preset.name);
    }
    let preset = PRESETS.iter().find(|preset| preset.name == "Dialogue 2 kbps").unwrap();
    let mut state: PluginState = serde_json::from_str(&fresh).unwrap();
    preset.apply(&mut state, &layer_bitrate);
    assert!(rig.load(&clap_state(&serde_json::to_string(&state).unwrap())));
    assert_eq!(rig.shown("Depth A"), "2 kbps");
}
