//! Any repository of the hub, revisions, and updates, which are offered and never taken.

use std::fs;

use residue_engine_testing::{COMMIT, HubServer, PullFixture, quiet, sharded, single};
use residue_models::{ModelSource, ModelStore, ModelsError};

const TUNED: &str = "someone/tuned_model-1.5";
const LATER: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// Returns a hub that serves a repository of no known model, with files that no model consists of.
fn server() -> HubServer {
    let mut files = single(2000);
    files.push(("modeling.py", vec![0; 500]));
    files.push(("model.gguf", vec![0; 5000]));
    let server = HubServer::start(files);
    server.state().repository = Some(TUNED.to_owned());
    server
}

#[test]
fn any_repository_is_found_and_listed_by_its_id() {
    let server = server();
    let place = PullFixture::new(&server);
    let pulled = place.library().pull(TUNED, None, &mut quiet()).unwrap();
    assert_eq!((pulled.name.as_str(), pulled.commit.as_str()), (TUNED, COMMIT));
    let mut names: Vec<String> = fs::read_dir(&pulled.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["config.json", "model.safetensors"], "only what a model consists of");
    let folder = fs::canonicalize(&pulled.folder).unwrap();
    let found = place.library().locate(TUNED).unwrap();
    assert_eq!(found.canonical(), ModelSource::Folder(folder));
    assert_eq!(ModelStore::from(place.library()).locate(TUNED).unwrap(), found);
    let listed = place.library().list().unwrap();
    let entry = listed.iter().find(|entry| entry.name == TUNED).unwrap();
    assert!(entry.source.is_ok() && entry.known.is_none());
    // A project may name it.
    ModelStore::from(place.library()).check_saved_name(TUNED).unwrap();
    let other = ModelStore::from(place.library()).check_saved_name("someone/else");
    assert!(other.is_err());
    // And it can be forgotten.
    place.library().remove(TUNED).unwrap();
    assert!(place.library().locate(TUNED).is_err());
}

#[test]
fn a_repository_that_goes_on_changes_nothing_here() {
    for name in [TUNED, "nano"] {
        let server = match name {
            TUNED => server(),
            _ => HubServer::start(single(2000)),
        };
        let place = PullFixture::new(&server);
        let first = place.library().pull(name, None, &mut quiet()).unwrap();
        assert_eq!((first.was_complete, first.update), (false, None), "{name}");
        let again = place.library().pull(name, None, &mut quiet()).unwrap();
        assert_eq!((again.was_complete, again.update), (true, None), "{name}");

        server.state().commit = Some(LATER.to_owned());
        server.state().files.insert("model.safetensors".to_owned(), single(3000).remove(1).1);
        let before = server.downloads().len();
        let offered = place.library().pull(name, None, &mut quiet()).unwrap();
        assert_eq!(offered.update.as_deref(), Some(LATER), "{name}");
        assert_eq!((offered.commit.as_str(), offered.was_complete), (COMMIT, true), "{name}");
        assert_eq!(server.downloads().len(), before, "{name}");
        let kept = place.library().locate(name).unwrap().canonical();
        let folder = fs::canonicalize(&first.folder).unwrap();
        assert_eq!(kept, ModelSource::Folder(folder), "{name}");

        // The update is taken when it is asked for, under a name of its own.
        let taken = place.library().pull(name, Some(LATER), &mut quiet()).unwrap();
        assert_eq!(taken.name, format!("{name}@89abcde"));
        assert_eq!(taken.commit, LATER);
        let found = place.library().locate(&taken.name).unwrap().canonical();
        assert_ne!(found, kept, "{name}");
        assert_eq!(place.library().locate(name).unwrap().canonical(), kept, "{name}");
    }
}

#[test]
fn a_branch_is_a_revision_too_and_another_commit_than_asked_for_is_refused() {
    let server = server();
    let place = PullFixture::new(&server);
    let pulled = place.library().pull(TUNED, Some("main"), &mut quiet()).unwrap();
    assert_eq!(pulled.name, format!("{TUNED}@0123456"));
    let error = place.library().pull(TUNED, Some(LATER), &mut quiet()).unwrap_err();
    assert!(error.to_string().contains(LATER) && error.to_string().contains(COMMIT), "{error}");
    for revision in ["", "../x", "a b", ".x", "a/b", "-x"] {
        let error = place.library().pull(TUNED, Some(revision), &mut quiet()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{revision}` is no revision: give a commit, its 40 digits, or the name of a branch"
            )
        );
    }
    // A pinned model of another commit is not what its sums vouch for.
    let error = place.library().pull("v1", Some("main"), &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::NotFound { .. }), "{error}");
}

#[test]
fn a_renamed_repository_is_followed_and_a_wrong_sum_leaves_nothing() {
    let server = server();
    server.state().former = Some("someone/old".to_owned());
    let place = PullFixture::new(&server);
    let pulled = place.library().pull("someone/old", None, &mut quiet()).unwrap();
    assert_eq!(pulled.name, "someone/old");
    place.library().locate("someone/old").unwrap();

    let server = self::server();
    server.state().stored.insert("model.safetensors".to_owned(), vec![7; 2000]);
    let place = PullFixture::new(&server);
    let error = place.library().pull(TUNED, None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Hash { .. } | ModelsError::Size { .. }), "{error}");
    assert!(place.library().locate(TUNED).is_err());
    assert!(place.library().list().unwrap().iter().all(|entry| entry.name != TUNED));
}

#[test]
fn a_gated_repository_asks_for_a_token() {
    let server = server();
    server.state().token = Some("secret".to_owned());
    let place = PullFixture::new(&server);
    let error = place.library().pull(TUNED, None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Refused { had_token: false, .. }), "{error}");
}

#[test]
fn offline_a_repository_is_found_where_it_is() {
    let server = server();
    let mut place = PullFixture::new(&server);
    place.settings.offline = true;
    let error = place.library().pull(TUNED, None, &mut quiet()).unwrap_err();
    assert!(matches!(error, ModelsError::Offline { ref name } if name == TUNED), "{error}");
    place.settings.offline = false;
    let folder = place.library().pull(TUNED, None, &mut quiet()).unwrap().folder;
    place.settings.offline = true;
    let found = place.library().pull(TUNED, None, &mut quiet()).unwrap().folder;
    assert_eq!(fs::canonicalize(found).unwrap(), fs::canonicalize(folder).unwrap());
}

#[test]
fn shards_are_downloaded_without_an_index_too() {
    let mut files = sharded();
    files.retain(|(name, _)| name.ends_with("config.json"));
    let weights = single(2000).remove(1).1;
    files.push(("model-00001-of-00001.safetensors", weights));
    let server = HubServer::start(files);
    let place = PullFixture::new(&server);
    let folder = place.library().pull("nano", None, &mut quiet()).unwrap().folder;
    assert!(folder.join("model-00001-of-00001.safetensors").is_file());
    place.library().locate("nano").unwrap();
}
