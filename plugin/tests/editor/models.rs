//! Models: missing, chosen, fetched.

use std::sync::Arc;

use egui::{Event, Key};
use egui_kittest::kittest::Queryable;
use nice_plug::params::Params;
use nice_plug::plugin::{Plugin, PluginState};
use residue_engine::codec::Precision;
use residue_engine::models::embedded_precision;
use residue_plugin::{ModelChoice, ModelPhase, Residue, SavedParams};

use crate::harness::open;

#[test]
fn a_missing_model_says_so_with_what_can_be_done() {
    let mut open = open(|instance| instance.model.choose(ModelChoice::new("nano")));
    open.wait_for("The model nano is missing");
    assert!(open.window.query_by_label_contains("residue models pull nano").is_some(), "why");
    for button in ["Fetch 88 MB", "Choose another\u{2026}", "Use the embedded model"] {
        assert!(open.window.query_by_label(button).is_some(), "{button}");
    }
    open.window.get_by_label("Use the embedded model").click();
    open.wait("the embedded model is ready", |open| {
        open.instance.model.status().phase == ModelPhase::Ready
    });
    assert!(open.window.query_by_label_contains("is missing").is_none());
}

#[test]
fn a_place_that_a_project_names_is_loaded_after_a_yes() {
    let place = "../engine/tests/golden/nano";
    let mut open = open(|instance| instance.model.restore(ModelChoice::new(place)));
    open.wait_for("The project asks for a model from a place of its own");
    assert!(open.window.query_by_label_contains("not a whole path").is_some(), "why");
    assert!(open.window.query_by_label("Use the embedded model").is_some());
    open.window.get_by_label("Load it").click();
    open.wait("it is loaded", |open| {
        let status = open.instance.model.status();
        status.phase == ModelPhase::Ready && status.requested.id == place
    });
    assert!(open.window.query_by_label_contains("place of its own").is_none());
}

/// The hub here never answers.
#[test]
fn a_download_is_begun_given_up_and_tried_again() {
    let mut open = open(|instance| instance.model.choose(ModelChoice::new("nano")));
    open.wait_for("Fetch 88 MB");
    open.window.get_by_label("Fetch 88 MB").click();
    open.wait("the button Cancel is shown", |open| open.window.query_by_label("Cancel").is_some());
    assert!(open.window.query_by_label_contains("Fetching nano").is_some());
    open.window.get_by_label("Cancel").click();
    open.wait_for("nano was not fetched");
    open.window.get_by_label("Try again").click();
    open.wait("the button Cancel is shown", |open| open.window.query_by_label("Cancel").is_some());
    open.window.get_by_label("Cancel").click();
    open.wait_for("Dismiss");
    open.window.get_by_label("Dismiss").click();
    open.wait_for("The model nano is missing");
}

#[test]
fn the_dialog_lists_models_and_chooses_precision_and_folder() {
    let mut open = open(|_| {});
    let chosen = embedded_precision().precision;
    open.window.get_by_label(&format!("Model embedded, automatic ({chosen})")).click();
    open.wait_for("Model v2");
    for label in ["Model embedded", "Model nano", "Model v1", "Fetch 7.10 GB", "here, "] {
        assert!(open.window.query_all_by_label_contains(label).next().is_some(), "{label}");
    }
    open.window.get_by_label("Precision: int8").click();
    open.wait("int8 is ready", |open| {
        open.instance.model.requested().to_load() == Precision::Int8.into()
    });

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
    open.window.get_by_label("Folder of a model of your own").focus();
    open.window.run_steps(2);
    open.window.event(Event::Text(folder.into()));
    open.window.run_steps(2);
    open.window.key_press(Key::Enter);
    open.wait("the folder is loaded", |open| {
        let status = open.instance.model.status();
        status.requested.id.ends_with("nano") && status.phase == ModelPhase::Ready
    });
    let requested = open.instance.model.requested();
    assert_eq!(requested.to_load(), Precision::Int8.into(), "it stays");
    assert!(!requested.automatic);
    open.window.get_by_label("Precision: automatic").click();
    // It is small, so that f32 runs anywhere.
    open.wait("f32 was chosen", |open| {
        open.instance.model.requested().precision_label() == "automatic (f32)"
    });
    open.wait_for("runs in f32, and this project keeps it");
    open.window.get_by_label("Close").click();
    open.window.run_steps(3);
    assert!(open.window.query_by_label("Precision: int8").is_none());
}

#[test]
fn what_runs_is_said_when_audio_is_off() {
    let mut open = open(|_| {});
    open.wait_for("Audio is off in the host");
}

#[test]
fn a_project_of_a_newer_version_says_so() {
    let state = r#"{"version":"9.1.0","params":{"spin":{"f32":1.0}},"fields":{}}"#;
    let mut open = open(|instance| {
        let mut state: PluginState = serde_json::from_str(state).unwrap();
        Residue::filter_state(&mut state);
        SavedParams(Arc::clone(&instance.params)).deserialize_fields(&state.fields);
    });
    open.wait_for("The project was saved by Residue 9.1.0.");
    assert!(open.window.query_by_label_contains("is kept for the newer one").is_some());
}
