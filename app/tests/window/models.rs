//! The page of the models.

use egui::{Key, Modifiers};
use residue_engine_testing::{HubFault, HubServer, single};

use super::desk::Desk;

fn page(desk: &mut Desk) {
    desk.harness.key_press_modifiers(Modifiers::COMMAND, Key::Num3);
    desk.until("models are listed", |desk| !desk.studio().library().is_empty());
    desk.steps();
}

#[test]
fn a_model_is_downloaded_with_progress() {
    let server = HubServer::start(single(300_000));
    let mut desk = Desk::with(|hub| {
        hub.offline = false;
        hub.endpoint = Some(server.endpoint());
    });
    page(&mut desk);
    desk.click("Download nano");
    desk.until("it is here", |desk| {
        desk.studio().library().iter().any(|model| model.id == "nano" && model.here)
    });
    desk.steps();
    assert!(desk.reads("Use nano") && !desk.reads("Download nano"));
}

#[test]
fn a_download_is_cancelled() {
    let server = HubServer::start(single(300_000));
    server.state().mishaps.push_back(HubFault::Stall(1000));
    let mut desk = Desk::with(|hub| {
        hub.offline = false;
        hub.endpoint = Some(server.endpoint());
        hub.patience = std::time::Duration::from_secs(2);
    });
    page(&mut desk);
    desk.click("Download nano");
    desk.until("it is under way", |desk| desk.reads("Cancel"));
    desk.click("Cancel");
    desk.until("it has stopped", |desk| desk.studio().pull_progress().is_none());
    desk.steps();
    assert!(desk.reads("Download nano"));
}

#[test]
fn a_precision_is_chosen_and_measured() {
    let mut desk = Desk::new();
    page(&mut desk);
    desk.click("embedded in int8");
    desk.until("it runs in int8", |desk| {
        let facts = desk.studio().model().facts.clone();
        facts.is_some_and(|facts| facts.wish.precision.name() == "int8")
    });
}

#[test]
fn a_folder_that_is_no_model_is_refused_with_a_word() {
    let mut desk = Desk::new();
    page(&mut desk);
    let folder = desk.folder.path().join("empty");
    std::fs::create_dir(&folder).unwrap();
    desk.studio().add_model(folder);
    desk.until("it is said", |desk| desk.reads("config.json") || desk.reads("empty"));
}
