//! Pulling from a hub that behaves, over connections that may not.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::time::Duration;

use residue_engine_testing::{
    COMMIT, CONFIG, HubFault, HubServer, PullFixture, quiet, sha256, sharded, single,
};
use residue_models::{ModelSource, ModelsError, ProgressStage};

#[test]
fn a_pull_brings_every_file_into_the_shared_layout() {
    let files = single(2_000_000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let mut seen = Vec::new();
    let folder = place
        .library()
        .pull("nano", None, &mut |p| {
            seen.push((p.stage, p.done, p.total));
            ControlFlow::Continue(())
        })
        .unwrap()
        .folder;

    assert_eq!(fs::read_to_string(folder.join("config.json")).unwrap(), CONFIG);
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files[1].1);
    assert!(!folder.join("README.md").exists());
    assert!(folder.ends_with(format!("snapshots/{COMMIT}")));
    let blob = place.blob(&sha256(&files[1].1));
    assert!(blob.is_file() && !blob.with_extension("part").exists());
    let main = folder.parent().unwrap().parent().unwrap().join("refs/main");
    assert_eq!(fs::read_to_string(main).unwrap(), COMMIT);
    assert_eq!(place.library().locate("nano").unwrap(), ModelSource::Folder(folder));

    let total = (files[0].1.len() + files[1].1.len()) as u64;
    assert!(seen.is_sorted_by_key(|(_, done, _)| *done));
    assert_eq!(seen.first(), Some(&(ProgressStage::Asking, 0, 0)));
    assert_eq!(seen.last(), Some(&(ProgressStage::Checking, total, total)));
    assert!(seen.iter().filter(|(stage, ..)| *stage == ProgressStage::Downloading).count() > 4);
}

#[test]
fn a_second_pull_downloads_nothing() {
    let server = HubServer::start(single(1000));
    let place = PullFixture::new(&server);
    place.library().pull("nano", None, &mut quiet()).unwrap();
    let before = server.state().requests.len();
    place.library().pull("Nano", None, &mut quiet()).unwrap();
    let state = server.state();
    assert!(
        state.requests[before..].iter().all(|r| r.method == "HEAD" || r.path.starts_with("/api/"))
    );
}

#[test]
fn nothing_has_its_final_name_before_it_is_whole() {
    let files = single(1_000_000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let library = place.library();
    let blob = place.blob(&sha256(&files[1].1));
    let mut partly = 0;
    library
        .pull("nano", None, &mut |p| {
            if p.stage == ProgressStage::Downloading && p.file == "model.safetensors" {
                partly += 1;
                assert!(!blob.exists());
                assert!(matches!(library.locate("nano"), Err(ModelsError::NotHere { .. })));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(partly > 2 && blob.exists());
}

#[test]
fn a_lost_connection_is_taken_up_by_the_next_pull() {
    let files = single(100_000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    server.state().mishaps.push_back(HubFault::Close(40_000));
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Interrupted { found: 40_000, .. }), "{error}");
    let part = place.blob(&sha256(&files[1].1)).with_extension("part");
    assert_eq!(fs::metadata(&part).unwrap().len(), 40_000);

    let folder = place.library().pull("nano", None, &mut quiet()).unwrap().folder;
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files[1].1);
    let downloads = server.downloads();
    assert_eq!(downloads.len(), 2);
    assert_eq!(downloads[1].range.as_deref(), Some("bytes=40000-"));
    assert_eq!(downloads[1].sent, files[1].1.len() - 40_000);
}

#[test]
fn lost_connections_are_taken_up_within_a_pull_as_long_as_bytes_arrive() {
    let files = single(100_000);
    let server = HubServer::start(files.clone());
    let mut place = PullFixture::new(&server);
    place.settings.retries = 1;
    server.state().mishaps.extend([HubFault::Close(10_000); 6]);
    let mut stages = Vec::new();
    let folder = place
        .library()
        .pull("nano", None, &mut |p| {
            stages.push(p.stage);
            ControlFlow::Continue(())
        })
        .unwrap()
        .folder;
    assert_eq!(fs::read(folder.join("model.safetensors")).unwrap(), files[1].1);
    assert!(stages.contains(&ProgressStage::Retrying));
    let sent: usize = server.downloads().iter().map(|r| r.sent).sum();
    assert_eq!(sent, files[1].1.len(), "no byte was sent twice");

    // Nothing arrives: the retries run out.
    let other = PullFixture { settings: place.settings.clone(), ..PullFixture::new(&server) };
    fs::remove_dir_all(&other.settings.cache).unwrap();
    server.state().mishaps.extend([HubFault::Close(0); 3]);
    let error = other.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Interrupted { found: 0, .. }), "{error}");
    assert_eq!(server.state().mishaps.len(), 1, "the first attempt and one retry");
}

#[test]
fn a_stalled_connection_counts_as_lost() {
    let server = HubServer::start(single(100_000));
    let mut place = PullFixture::new(&server);
    place.settings.patience = Duration::from_millis(300);
    server.state().mishaps.push_back(HubFault::Stall(5000));
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Interrupted { found: 5000, .. }), "{error}");
}

#[test]
fn stopping_keeps_what_has_arrived() {
    let files = single(3_000_000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let error = place
        .library()
        .pull("nano", None, &mut |p| {
            if p.done > 1_000_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap_err();
    assert!(matches!(error, ModelsError::Cancelled), "{error}");
    let part = place.blob(&sha256(&files[1].1)).with_extension("part");
    let kept = fs::metadata(&part).unwrap().len();
    assert!(kept > 900_000 && kept < 3_000_000, "{kept}");
    place.library().pull("nano", None, &mut quiet()).unwrap();
    let last = server.downloads().pop().unwrap();
    assert_eq!(last.range, Some(format!("bytes={kept}-")));
}

#[test]
fn a_whole_partial_file_only_needs_its_name() {
    let files = single(1000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let blob = place.blob(&sha256(&files[1].1));
    fs::create_dir_all(blob.parent().unwrap()).unwrap();
    fs::write(blob.with_extension("part"), &files[1].1).unwrap();
    place.library().pull("nano", None, &mut quiet()).unwrap();
    assert!(server.downloads().is_empty() && blob.is_file());
}

#[test]
fn a_damaged_partial_file_is_found_out_and_deleted() {
    let files = single(1000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let part = place.blob(&sha256(&files[1].1)).with_extension("part");
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, [9; 100]).unwrap();
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Hash { .. }), "{error}");
    assert!(!part.exists());
    place.library().pull("nano", None, &mut quiet()).unwrap();

    // Longer than the file can be: not worth keeping.
    let other = PullFixture::new(&server);
    let part = other.blob(part.file_name().unwrap().to_str().unwrap());
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, vec![9; 100_000]).unwrap();
    other.library().pull("nano", None, &mut quiet()).unwrap();
}

#[test]
fn shards_come_from_the_index() {
    let files = sharded();
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let mut last = (0, 0);
    let folder = place
        .library()
        .pull("nano", None, &mut |p| {
            last = (p.done, p.total);
            ControlFlow::Continue(())
        })
        .unwrap()
        .folder;
    for (name, content) in &files {
        assert_eq!(&fs::read(folder.join(name)).unwrap(), content, "{name}");
    }
    let total = files.iter().map(|(_, content)| content.len() as u64).sum();
    assert_eq!(last, (total, total));

    fs::remove_file(folder.join("model-2.safetensors")).unwrap();
    let error = place.library().locate("nano").unwrap_err();
    assert!(matches!(error, ModelsError::Incomplete { .. }), "{error}");
    assert!(error.to_string().contains("model-2.safetensors"), "{error}");
    place.library().pull("nano", None, &mut quiet()).unwrap();
    place.library().locate("nano").unwrap();
}

#[test]
fn the_token_opens_the_hub_and_stays_there() {
    let server = HubServer::start(single(1000));
    server.state().token = Some("secret".to_owned());
    let mut place = PullFixture::new(&server);
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Refused { status: 401, had_token: false, .. }), "{error}");
    assert!(error.to_string().contains("HF_TOKEN"), "{error}");

    place.settings.token = Some("wrong".to_owned());
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Refused { had_token: true, .. }), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");

    place.settings.token = Some("secret".to_owned());
    place.library().pull("nano", None, &mut quiet()).unwrap();
    assert!(server.downloads().iter().all(|r| r.authorization.is_none()));
    assert!(!server.downloads().is_empty());
}

#[test]
fn offline_asks_nothing() {
    let server = HubServer::start(single(1000));
    let mut place = PullFixture::new(&server);
    place.settings.offline = true;
    let error = place.library().pull("nano", None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Offline { .. }), "{error}");
    assert!(server.state().requests.is_empty());

    place.settings.offline = false;
    let folder = place.library().pull("nano", None, &mut quiet()).unwrap().folder;
    let before = server.state().requests.len();
    place.settings.offline = true;
    assert_eq!(place.library().pull("nano", None, &mut quiet()).unwrap().folder, folder);
    assert_eq!(server.state().requests.len(), before);
}

#[test]
fn two_pulls_at_once_download_once() {
    let files = single(2_000_000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| place.library().pull("nano", None, &mut quiet()).unwrap());
        }
    });
    let sent: usize = server.downloads().iter().map(|r| r.sent).sum();
    assert_eq!(sent, files[1].1.len());
}

#[test]
fn another_programs_download_is_waited_for() {
    let files = single(1000);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    let blob = place.blob(&sha256(&files[1].1));
    fs::create_dir_all(blob.parent().unwrap()).unwrap();
    let other = File::create(blob.with_extension("lock")).unwrap();
    other.lock().unwrap();
    let mut other = Some(other);
    let mut waited = 0;
    place
        .library()
        .pull("nano", None, &mut |p| {
            waited += usize::from(p.stage == ProgressStage::Waiting);
            if waited == 2 {
                other = None;
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(waited >= 2);
}

#[test]
fn only_published_models_can_be_pulled() {
    let server = HubServer::start(vec![]);
    let place = PullFixture::new(&server);
    for name in ["embedded", "v9", ""] {
        let error = place.library().pull(name, None, &mut quiet()).unwrap_err();
        assert!(matches!(error, ModelsError::NotPullable { .. }), "{error}");
        assert!(error.to_string().contains("nano, v1, v2"), "{error}");
    }
}
