//! Verifying folders and the cache.

use std::cell::Cell;
use std::fs;
use std::ops::ControlFlow;

use residue_engine_testing::{
    HubServer, PullFixture, quiet, sha256, sharded, single, weights, write,
};
use residue_models::{ModelSource, ModelsError, VerifyReport, verify};
use tempfile::TempDir;

fn check(folder: &TempDir) -> VerifyReport {
    verify(&ModelSource::Folder(folder.path().to_owned()), None, &mut quiet()).unwrap()
}

/// The problem of one file; all others have to be good.
fn problem(report: &VerifyReport, name: &str) -> String {
    assert!(!report.is_ok());
    let others = report.files.iter().filter(|file| file.name != name);
    assert!(others.clone().all(|file| file.problem.is_none()), "{report:?}");
    let file = report.files.iter().find(|file| file.name == name).unwrap();
    file.problem.clone().unwrap()
}

#[test]
fn good_folders_are_good() {
    for files in [&single(1000)[..2], &sharded()] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        let report = check(&folder);
        assert!(report.is_ok(), "{report:?}");
        assert_eq!(report.files.len(), files.len());
        for (name, content) in files {
            let file = report.files.iter().find(|file| file.name == *name).unwrap();
            assert_eq!(file.sha256.as_ref(), Some(&sha256(content)));
            assert_eq!(file.bytes, content.len() as u64);
            assert_eq!(file.tensors, name.ends_with(".safetensors").then_some(1));
        }
    }
}

#[test]
fn damaged_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &sharded());
    let path = |name: &str| folder.path().join(name);

    fs::write(path("config.json"), "{").unwrap();
    assert!(problem(&check(&folder), "config.json").contains("JSON"));
    write(folder.path(), &sharded());

    let shard = fs::read(path("model-1.safetensors")).unwrap();
    fs::write(path("model-1.safetensors"), &shard[..shard.len() - 1]).unwrap();
    assert!(problem(&check(&folder), "model-1.safetensors").contains("the file has"));

    fs::remove_file(path("model-1.safetensors")).unwrap();
    assert!(problem(&check(&folder), "model-1.safetensors").contains("cannot read"));

    fs::write(path("model-1.safetensors"), weights("other", 10)).unwrap();
    let said = problem(&check(&folder), "model.safetensors.index.json");
    assert!(said.contains("model-1.safetensors"), "{said}");
}

#[test]
fn an_unreadable_index_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &sharded());
    fs::write(folder.path().join("model.safetensors.index.json"), "{}").unwrap();
    let source = ModelSource::Folder(folder.path().to_owned());
    assert!(matches!(verify(&source, None, &mut quiet()), Err(ModelsError::Index { .. })));
}

#[test]
fn a_pulled_model_is_held_against_its_published_sum() {
    let files = single(5000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let library = place.library();
    library.pull("nano", &mut quiet()).unwrap();
    let report = library.verify("nano", None, &mut quiet()).unwrap();
    assert!(report.is_ok(), "{report:?}");
    let sum = sha256(&files[1].1);
    assert_eq!(report.files[1].published_sha256.as_ref(), Some(&sum));

    let mut damaged = files[1].1.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(place.blob(&sum), damaged).unwrap();
    let report = library.verify("nano", None, &mut quiet()).unwrap();
    let said = problem(&report, "model.safetensors");
    assert!(said.contains(&sum) && said.contains("delete"), "{said}");

    // Doing what it says mends it.
    fs::remove_file(place.blob(&sum)).unwrap();
    library.pull("nano", &mut quiet()).unwrap();
    assert!(library.verify("nano", None, &mut quiet()).unwrap().is_ok());
}

#[test]
fn the_callers_check_runs_only_on_good_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &single(1000));
    let source = ModelSource::Folder(folder.path().to_owned());
    let runs = Cell::new(0);
    let load = |_: &ModelSource| {
        runs.set(runs.get() + 1);
        Err("does not load".to_owned())
    };
    let report = verify(&source, Some(&load), &mut quiet()).unwrap();
    assert!(!report.is_ok() && report.load == Some(Err("does not load".to_owned())));
    fs::write(folder.path().join("model.safetensors"), "").unwrap();
    assert_eq!(verify(&source, Some(&load), &mut quiet()).unwrap().load, None);
    assert_eq!(runs.get(), 1);
}

#[test]
fn progress_reaches_the_total_and_can_stop() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &single(1_000_000));
    let source = ModelSource::Folder(folder.path().to_owned());
    let mut seen = Vec::new();
    verify(&source, None, &mut |p| {
        seen.push((p.done, p.total));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(seen.is_sorted() && seen.len() > 4);
    assert!(seen.last().is_some_and(|(done, total)| done == total && *total > 1_000_000));
    let stopped = verify(&source, None, &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(ModelsError::Cancelled)));
}

#[test]
fn the_embedded_model_is_good() {
    let report = verify(&ModelSource::Embedded, None, &mut quiet()).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert!(report.files.iter().all(|file| file.sha256.is_some()));
}
