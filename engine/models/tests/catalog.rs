//! The catalog: what a window sees of jobs.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use residue_codec::Precision;
use residue_engine_testing::{HubFault, HubServer, PullFixture, single, write};
use residue_models::{CatalogEvent, ModelCatalog, ModelStore, ModelsError, PrecisionCost};

fn catalog(place: &PullFixture) -> (ModelCatalog, Arc<AtomicUsize>) {
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let wake = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    (ModelCatalog::new(ModelStore::from(place.library()), wake), woken)
}

/// Polls until `done` says so, and returns the events on the way.
fn until(
    catalog: &mut ModelCatalog,
    what: &str,
    mut done: impl FnMut(&ModelCatalog, &[CatalogEvent]) -> bool,
) -> Vec<CatalogEvent> {
    let end = Instant::now() + Duration::from_secs(30);
    let mut events = Vec::new();
    loop {
        events.extend(catalog.poll());
        if done(catalog, &events) {
            return events;
        }
        assert!(Instant::now() < end, "{what}: {events:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_here(catalog: &ModelCatalog, id: &str) -> bool {
    catalog.models().unwrap_or_default().iter().any(|model| model.id == id && model.here)
}

#[test]
fn the_list_says_what_is_here_and_what_can_be_had() {
    let place = PullFixture::new(&HubServer::start(vec![]));
    let (mut catalog, woken) = catalog(&place);
    assert!(catalog.models().is_none());
    catalog.refresh();
    until(&mut catalog, "the list comes", |catalog, _| catalog.models().is_some());
    let models = catalog.models().unwrap();
    let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["embedded", "nano", "v1", "v2"]);
    assert!(models[0].here && !models[0].can_pull && models[0].download_bytes.is_none());
    assert_eq!(models[0].place, "built in");
    assert!(!models[1].here && models[1].can_pull && models[1].bytes.is_none());
    assert_eq!(models[1].download_bytes, Some(87_878_656));
    let summary = models[1].summary.unwrap();
    assert_eq!((summary.rate, summary.channels, summary.layers), (48_000, 2, 16));
    assert!(woken.load(Ordering::SeqCst) > 0);

    let damaged = place.folder.path().join("home/models.json");
    fs::create_dir_all(damaged.parent().unwrap()).unwrap();
    fs::write(damaged, "damaged").unwrap();
    catalog.refresh();
    let events = until(&mut catalog, "it fails", |_, events| !events.is_empty());
    assert!(matches!(events[0], CatalogEvent::ListFailed(_)));
    assert!(catalog.list_error().is_some() && catalog.models().is_some(), "the last list stays");
}

#[test]
fn a_pull_shows_progress_and_ends_in_the_list() {
    let place = PullFixture::new(&HubServer::start(single(2_000_000)));
    let (mut catalog, woken) = catalog(&place);
    let here = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&here);
    catalog.pull("nano", move || {
        told.fetch_add(1, Ordering::SeqCst);
    });
    assert!(catalog.pull_status().is_some_and(|pull| pull.is_running() && pull.id == "nano"));
    catalog.pull("v1", || panic!("one at a time"));
    let events = until(&mut catalog, "it is listed", |catalog, _| is_here(catalog, "nano"));
    assert!(matches!(&events[..], [CatalogEvent::Pulled { id, result: Ok(()) }] if id == "nano"));
    let pull = catalog.pull_status().unwrap();
    assert!(matches!(pull.end, Some(Ok(()))));
    assert!(pull.progress.total > 2_000_000 && pull.progress.done == pull.progress.total);
    assert_eq!(pull.progress.share(), 1.0);
    assert_eq!(here.load(Ordering::SeqCst), 1);
    assert!((3..200).contains(&woken.load(Ordering::SeqCst)), "{woken:?}");
    catalog.dismiss_pull();
    assert!(catalog.pull_status().is_none());
}

#[test]
fn a_cancelled_pull_has_ended_at_once_and_can_begin_again() {
    let server = HubServer::start(single(100_000));
    server.state().mishaps.push_back(HubFault::Stall(40_000));
    let place = PullFixture::new(&server);
    let (mut catalog, _) = catalog(&place);
    catalog.pull("nano", || panic!("it was cancelled"));
    until(&mut catalog, "bytes arrive", |catalog, _| {
        catalog.pull_status().is_some_and(|pull| pull.progress.done > 30_000)
    });
    catalog.cancel_pull();
    let events = catalog.poll();
    let [CatalogEvent::Pulled { result: Err(error), .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(matches!(**error, ModelsError::Cancelled));
    catalog.pull("nano", || ());
    until(&mut catalog, "it is listed", |catalog, _| is_here(catalog, "nano"));
    // The first connection's bytes were kept; only its thread may still hold the file for a moment.
    let ranges: Vec<_> = server.downloads().into_iter().map(|request| request.range).collect();
    assert_eq!(ranges.last().unwrap().as_deref(), Some("bytes=40000-"), "{ranges:?}");
}

#[test]
fn a_failed_pull_says_why() {
    let mut place = PullFixture::new(&HubServer::start(vec![]));
    place.settings.endpoint = Some("http://127.0.0.1:9".to_owned());
    let (mut catalog, _) = catalog(&place);
    catalog.pull("nano", || panic!("there is no hub"));
    until(&mut catalog, "it fails", |_, events| !events.is_empty());
    let end = catalog.pull_status().unwrap().end.unwrap();
    assert!(end.unwrap_err().to_string().contains("127.0.0.1"));
}

#[test]
fn folders_are_added_and_checked() {
    let place = PullFixture::new(&HubServer::start(vec![]));
    let (mut catalog, _) = catalog(&place);
    catalog.add(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/nano"));
    // The miniature's folder has a published model's name, and so stands in its place.
    until(&mut catalog, "it is listed", |catalog, _| is_here(catalog, "nano"));
    catalog.verify("nano");
    assert_eq!(catalog.verify_status().unwrap().0, "nano");
    let events = until(&mut catalog, "it is checked", |_, events| !events.is_empty());
    assert!(matches!(&events[..], [CatalogEvent::Verified { id, result: Ok(report) }]
            if id == "nano" && report.is_ok() && report.load.is_some()));
    let verified = |catalog: &ModelCatalog| {
        let models = catalog.models().unwrap();
        models.iter().find(|model| model.id == "nano").unwrap().verified.clone()
    };
    assert_eq!(verified(&catalog), Some(Ok(())));

    let empty = place.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    write(&empty, &single(10));
    catalog.add(empty.clone());
    let events = until(&mut catalog, "it is refused", |_, events| !events.is_empty());
    assert!(
        matches!(&events[..], [CatalogEvent::Added { folder, result: Err(_) }] if *folder == empty)
    );
    assert_eq!(verified(&catalog), Some(Ok(())), "kept over a new list");
}

#[test]
fn costs_are_measured_one_model_at_a_time() {
    let place = PullFixture::new(&HubServer::start(vec![]));
    let (mut catalog, _) = catalog(&place);
    let cost = PrecisionCost {
        precision: Precision::F32,
        load: 0.5,
        agreement: 1.0,
        agreement_by_layer: vec![1.0],
        mel_growth_percent: 0.0,
        threads: 1,
    };
    let measured = cost.clone();
    catalog.measure("nano", |_| Ok(vec![measured]));
    catalog.measure("v1", |_| panic!("one at a time"));
    assert_eq!(catalog.measuring(), Some("nano"));
    until(&mut catalog, "it is measured", |catalog, _| catalog.measuring().is_none());
    assert_eq!(catalog.costs("nano"), Some(&[cost][..]));
    catalog.measure("v1", |_| panic!("on purpose"));
    let events = until(&mut catalog, "it fails", |_, events| !events.is_empty());
    assert!(matches!(&events[..], [CatalogEvent::Measured { result: Err(_), .. }]));
    assert_eq!(catalog.costs("v1"), None);
}

#[test]
fn a_closed_catalog_starts_nothing() {
    let place = PullFixture::new(&HubServer::start(single(10)));
    let (mut catalog, _) = catalog(&place);
    catalog.close();
    catalog.refresh();
    catalog.pull("nano", || panic!("closed"));
    catalog.verify("embedded");
    catalog.add("/anywhere".into());
    catalog.measure("embedded", |_| panic!("closed"));
    assert!(catalog.pull_status().is_none() && catalog.verify_status().is_none());
    assert!(catalog.measuring().is_none() && catalog.poll().is_empty());
}
