//! Projects saved by released versions: each opens in both formats with every parameter as it was.
//!
//! `fixtures/v0.1` holds, for each project, the CLAP state, the VST3 state and the values that 0.1
//! reported for them. They were written by [`write_fixtures`] on the last commit of 0.1.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use residue_plugin::{Instance, PRESETS};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project_states::clap_state;
use crate::rig::{ClapRig, library};
use crate::vst3_component::Vst3Component;
use crate::vst3_module::Vst3Module;

/// A parameter as a version reported it: its text, its CLAP value and its normalized VST3 value.
#[derive(Debug, Serialize, Deserialize)]
struct SavedValue {
    text: String,
    clap: f64,
    vst3: f64,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v0.1")
}

/// The JSON that a CLAP state holds behind its length.
fn clap_text(state: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(state[..8].try_into().expect("eight bytes"));
    assert_eq!(length as usize, state.len() - 8);
    &state[8..]
}

/// What a state holds, but for the version of the plugin that wrote it.
fn content(text: &[u8]) -> Value {
    let mut state: Value = serde_json::from_slice(text).expect("states are JSON");
    let version = state.as_object_mut().and_then(|state| state.remove("version"));
    assert!(version.is_some_and(|version| version.is_string()));
    state
}

/// Names of the projects in the folder, sorted.
fn projects() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("the fixtures are there");
    let mut names: Vec<String> = files
        .map(|file| file.expect("the folder is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_stem().expect("it has a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn read(name: &str, extension: &str) -> Vec<u8> {
    let path = folder().join(name).with_extension(extension);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn saved_values(name: &str) -> BTreeMap<String, SavedValue> {
    serde_json::from_slice(&read(name, "json")).expect("values are JSON")
}

#[test]
fn clap_projects_of_0_1_open_as_they_were_saved() {
    let names = projects();
    assert_eq!(names.len(), 4 + PRESETS.len(), "{names:?}");
    for name in names {
        let (state, values) = (read(&name, "clap"), saved_values(&name));
        let mut rig = ClapRig::new();
        assert!(rig.load(&state), "{name}");
        let params = rig.params();
        assert_eq!(params.len(), values.len(), "{name}");
        for param in params {
            let (saved, value) = (&values[&param.name], rig.value(param.id));
            assert!((value - saved.clap).abs() < 1e-6, "{name}: {} is {value}", param.name);
            assert_eq!(rig.text(param.id, value), saved.text, "{name}: {}", param.name);
        }
        let again = rig.save();
        assert_eq!(content(clap_text(&again)), content(clap_text(&state)), "{name}");
    }
}

#[test]
fn vst3_projects_of_0_1_open_as_they_were_saved() {
    let module = Vst3Module::load(&library());
    for name in projects() {
        let (state, values) = (read(&name, "vst3"), saved_values(&name));
        let component = Vst3Component::new(&module);
        assert!(component.load(&state), "{name}");
        let params = component.params();
        assert_eq!(params.len(), values.len(), "{name}");
        for (title, id) in params {
            let (saved, value) = (values[&title].vst3, component.value(id));
            assert!((value - saved).abs() < 1e-6, "{name}: {title} is {value}, not {saved}");
        }
        assert_eq!(content(&component.save()), content(&state), "{name}");
    }
}

/// A project to save: what only a state can hold, and parameters that a host sets.
struct Project {
    name: String,
    state: String,
    changes: Vec<(&'static str, &'static str)>,
}

fn projects_to_save() -> Vec<Project> {
    let project = |name: &str, state: &str, changes: &[(&'static str, &'static str)]| Project {
        name: name.to_owned(),
        state: state.to_owned(),
        changes: changes.to_vec(),
    };
    let mut projects = vec![
        project("defaults", r#"{"version":"","params":{},"fields":{}}"#, &[]),
        project(
            "all-moved",
            r#"{"version":"","params":{},"fields":{"muted":"5",
            "model":"{\"version\":1,\"id\":\"embedded\",\"precision\":\"int8\"}",
            "editor":"{\"width\":1403,\"height\":871,\"light\":true}"}}"#,
            &[
                ("Depth A", "7 layers"),
                ("Depth B", "19 layers"),
                ("Listen", "Dry-B"),
                ("Swap A and B", "On"),
                ("Mix", "61.8 %"),
                ("Match loudness", "On"),
                ("Frame loss", "12.3 %"),
                ("Burst length", "7.7"),
                ("Lost frames", "Silence"),
                ("Freeze", "On"),
                ("Input gain", "-23.9 dB"),
                ("Output gain", "17.4 dB"),
                ("Bypass", "On"),
                ("Late frames", "Hold"),
                ("Stereo in mono models", "Mid only"),
            ],
        ),
        project(
            "missing-model",
            r#"{"version":"","params":{},"fields":{
            "model":"{\"version\":1,\"id\":\"/projects/models/mine\",\"sha256\":\"00ff\",\"precision\":\"bf16\"}"}}"#,
            &[("Depth A", "24 layers"), ("Listen", "A-B"), ("Late frames", "Silence")],
        ),
        project(
            "muted-layers",
            r#"{"version":"","params":{},"fields":{"muted":"2863311530"}}"#,
            &[("Depth A", "12 layers"), ("Listen", "B")],
        ),
    ];
    let scale = Instance::new().model.layer_bitrate();
    for (n, preset) in PRESETS.iter().enumerate() {
        let values = serde_json::to_string(&preset.values(&scale)).expect("values are JSON");
        let state = format!(r#"{{"version":"","params":{values},"fields":{{}}}}"#);
        projects.push(project(&format!("preset-{}", n + 1), &state, &[]));
    }
    projects
}

/// Writes the fixtures of the version that it is built with: `cargo test -p residue-plugin --test host
/// -- --ignored write_fixtures`. For a new version, in a folder of that version's name.
#[test]
#[ignore = "writes the fixtures"]
fn write_fixtures() {
    fs::create_dir_all(folder()).expect("the folder can be made");
    let module = Vst3Module::load(&library());
    for Project { name, state, changes } in projects_to_save() {
        let mut rig = ClapRig::new();
        assert!(rig.load(&clap_state(&state)), "{name}");
        rig.set(&changes);
        let component = Vst3Component::new(&module);
        assert!(component.load(state.as_bytes()), "{name}");
        component.set(&changes);

        let ids: BTreeMap<String, u32> = component.params().into_iter().collect();
        let values: BTreeMap<String, SavedValue> = rig
            .params()
            .into_iter()
            .map(|param| {
                let clap = rig.value(param.id);
                let text = rig.text(param.id, clap);
                let vst3 = component.value(ids[&param.name]);
                (param.name, SavedValue { text, clap, vst3 })
            })
            .collect();
        let values = serde_json::to_string_pretty(&values).expect("values are JSON") + "\n";
        let files =
            [("clap", rig.save()), ("vst3", component.save()), ("json", values.into_bytes())];
        for (extension, bytes) in files {
            let path = folder().join(&name).with_extension(extension);
            fs::write(&path, bytes).expect("the fixture is written");
        }
    }
}
