//! Verifying folders and the cache.

use std::fs;
use std::ops::ControlFlow;

use residue_engine_testing::{
    HubServer, PullFixture, quiet, sha256, sharded, single, weights, write,
};
use residue_models::{ModelSource, ModelsError, VerifyReport, verify};
use tempfile::TempDir;

fn check(folder: &TempDir) -> VerifyReport {
    verify(&ModelSource::Folder(folder.path().to_owned()), &mut quiet()).unwrap()
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
fn other_kinds_of_files_are_called_by_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 7098265600\n";
    for (name, content, expected) in [
        ("model.safetensors", pointer, "this is a Git LFS pointer"),
        ("config.json", pointer, "git lfs pull"),
        ("model.safetensors", "<!DOCTYPE html><title>Sign in</title>", "this is a web page"),
        ("config.json", "<html></html>", "this is a web page"),
    ] {
        write(folder.path(), &single(100)[..2]);
        fs::write(folder.path().join(name), content).unwrap();
        let said = problem(&check(&folder), name);
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[test]
fn an_unreadable_index_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &sharded());
    fs::write(folder.path().join("model.safetensors.index.json"), "{}").unwrap();
    let source = ModelSource::Folder(folder.path().to_owned());
    assert!(matches!(verify(&source, &mut quiet()), Err(ModelsError::Index { .. })));
}

#[test]
fn a_pulled_model_is_held_against_its_published_sum() {
    let files = single(5000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let library = place.library();
    let source = ModelSource::Folder(library.pull("nano", None, &mut quiet()).unwrap().folder);
    let report = verify(&source, &mut quiet()).unwrap();
    assert!(report.is_ok(), "{report:?}");
    let sum = sha256(&files[1].1);
    assert_eq!(report.files[1].published_sha256.as_ref(), Some(&sum));

    let mut damaged = files[1].1.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(place.blob(&sum), damaged).unwrap();
    let report = verify(&source, &mut quiet()).unwrap();
    let said = problem(&report, "model.safetensors");
    assert!(said.contains(&sum) && said.contains("delete"), "{said}");

    // Doing what it says mends it.
    fs::remove_file(place.blob(&sum)).unwrap();
    library.pull("nano", None, &mut quiet()).unwrap();
    assert!(verify(&source, &mut quiet()).unwrap().is_ok());
}

#[test]
fn progress_reaches_the_total_and_can_stop() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &single(1_000_000));
    let source = ModelSource::Folder(folder.path().to_owned());
    let mut seen = Vec::new();
    verify(&source, &mut |p| {
        seen.push((p.done, p.total));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(seen.is_sorted() && seen.len() > 4);
    assert!(seen.last().is_some_and(|(done, total)| done == total && *total > 1_000_000));
    let stopped = verify(&source, &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(ModelsError::Cancelled)));
}

#[test]
fn the_embedded_model_is_good() {
    let report = verify(&ModelSource::Embedded, &mut quiet()).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert!(report.files.iter().all(|file| file.sha256.is_some()));
}
