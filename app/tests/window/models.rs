//! The page of the models.

use egui::{Key, Modifiers};
use residue_engine::models::{PrecisionRequest, embedded_precision};
use residue_engine_testing::{HubFault, HubServer, single};

use super::harness::WindowHarness;

fn page(harness: &mut WindowHarness) {
    harness.egui.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    harness.until("models are listed", |harness| !harness.studio().library().is_empty());
    harness.steps();
}

#[test]
fn a_model_is_downloaded_with_progress() {
    let server = HubServer::start(single(300_000));
    let mut harness = WindowHarness::with(|hub| {
        hub.offline = false;
        hub.endpoint = Some(server.endpoint());
    });
    page(&mut harness);
    harness.click("Download nano");
    harness.until("it is here", |harness| {
        harness.studio().library().iter().any(|model| model.id == "nano" && model.here)
    });
    harness.steps();
    assert!(harness.reads("Use nano") && !harness.reads("Download nano"));
}

#[test]
fn a_download_is_cancelled() {
    let server = HubServer::start(single(300_000));
    server.state().mishaps.push_back(HubFault::Stall(1000));
    let mut harness = WindowHarness::with(|hub| {
        hub.offline = false;
        hub.endpoint = Some(server.endpoint());
        hub.patience = std::time::Duration::from_secs(2);
    });
    page(&mut harness);
    harness.click("Download nano");
    harness.until("it is under way", |harness| harness.reads("Cancel"));
    harness.click("Cancel");
    harness.until("it has stopped", |harness| harness.studio().pull_status().is_none());
    harness.steps();
    assert!(harness.reads("Download nano"));
}

#[test]
fn a_precision_is_chosen_and_measured() {
    let mut harness = WindowHarness::new();
    page(&mut harness);
    harness.click("embedded in int8");
    harness.until("it runs in int8", |harness| {
        let facts = harness.studio().model().facts.clone();
        facts.is_some_and(|facts| facts.request.precision.name() == "int8")
    });
}

/// A new window runs in the automatic precision and says which; the page tells the load of models that are not here.
#[test]
fn automatic_says_what_runs_and_what_would() {
    let mut harness = WindowHarness::new();
    let chosen = embedded_precision().precision;
    let label = format!("automatic ({chosen})");
    let facts = harness.studio().model().facts.clone().unwrap();
    assert_eq!(facts.precision, chosen);
    assert_eq!(facts.request.precision, PrecisionRequest::Automatic);
    assert!(facts.precision_reason.unwrap().contains("fastest"));
    harness.steps();
    assert!(harness.shows_value(&label), "in the list of precisions");
    page(&mut harness);
    harness.until("this computer is measured", |harness| harness.reads("about "));
    assert!(!harness.reads("Use nano"), "it is not here, and has a load all the same");
    harness.click("embedded in f32");
    harness.until("it runs in f32", |harness| {
        let facts = harness.studio().model().facts.clone();
        facts.is_some_and(|facts| facts.precision.name() == "f32")
    });
    harness.click("embedded in auto");
    harness.until("it is automatic again", |harness| {
        let facts = harness.studio().model().facts.clone();
        facts.is_some_and(|facts| facts.precision == chosen)
    });
}

#[test]
fn a_folder_that_is_no_model_is_refused_with_a_word() {
    let mut harness = WindowHarness::new();
    page(&mut harness);
    let folder = harness.folder.path().join("empty");
    std::fs::create_dir(&folder).unwrap();
    harness.studio().add_model(folder);
    harness.until("it is said", |harness| harness.reads("config.json") || harness.reads("empty"));
}
