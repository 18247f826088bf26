//! Where files come from: sums that are built in, sums that a hub owes, and bounds on what it announces.

use std::fs;

use residue_engine_testing::{CONFIG, HubServer, PullFixture, quiet, sha256, sharded, single};
use residue_models::{KNOWN, KnownModel, ModelsError, PulledModel};

const V1: &str = "OpenMOSS-Team/MOSS-Audio-Tokenizer";

fn pull(place: &PullFixture, name: &str) -> Result<PulledModel, ModelsError> {
    place.library().pull(name, None, &mut quiet())
}

/// A hub that serves `files` as the pinned revision of v1.
fn v1_hub(files: Vec<(&str, Vec<u8>)>) -> HubServer {
    let server = HubServer::start(files);
    server.state().repository = Some(V1.to_owned());
    server.state().commit = KnownModel::find("v1").unwrap().pinned.map(|pin| pin.commit.to_owned());
    server
}

#[test]
fn a_file_that_is_not_the_pinned_one_is_refused_whatever_the_hub_says_of_it() {
    // The hub's own sums of these files are right.
    let index = r#"{"weight_map":{"a":"model-00001-of-00002.safetensors"}}"#;
    let files = vec![
        ("config.json", CONFIG.into()),
        ("model.safetensors.index.json", index.into()),
        ("model-00001-of-00002.safetensors", vec![1; 100]),
    ];
    let server = v1_hub(files);
    let place = PullFixture::new(&server);
    let error = pull(&place, "v1").unwrap_err();
    let ModelsError::Pinned { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!(*expected, "e107e83fee64adc3ccdb993975290cecb00fcf7d72cdaa388011abad16bcc82d");
    assert_eq!(*found, sha256(index.as_bytes()));
    assert!(error.to_string().contains("this is not the published file"), "{error}");
    assert!(place.library().locate("v1").is_err());
    let blobs = place.settings.cache.join("models--OpenMOSS-Team--MOSS-Audio-Tokenizer/blobs");
    let left: Vec<_> = fs::read_dir(blobs).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|end| end == "lock")), "{left:?}");
}

#[test]
fn a_pinned_model_has_no_other_files_and_no_other_commit() {
    let server = v1_hub(single(1000));
    let error = pull(&PullFixture::new(&server), "v1").unwrap_err();
    assert!(matches!(error, ModelsError::NoModelInRepository { .. }), "{error}");

    let server = v1_hub(sharded());
    server.state().commit = Some("a".repeat(40));
    let error = pull(&PullFixture::new(&server), "v1").unwrap_err();
    assert!(error.to_string().contains("asked for 3cd226ba"), "{error}");
    let asked = server.state().requests[0].path.clone();
    assert!(asked.ends_with("/revision/3cd226ba2947efa357ef453bcad111b6eafba782"), "{asked}");
}

#[test]
fn weights_without_a_sum_are_refused_and_small_files_are_named() {
    let server = HubServer::start(single(1000));
    let place = PullFixture::new(&server);
    let pulled = pull(&place, "nano").unwrap();
    assert_eq!(pulled.unchecked, ["config.json"]);
    assert!(!pulled.was_complete && pull(&place, "nano").unwrap().was_complete);

    for etag in ["abc", &"f".repeat(40), &"F".repeat(64)] {
        server.state().etag = Some(etag.to_owned());
        let place = PullFixture::new(&server);
        let error = pull(&place, "nano").unwrap_err();
        assert!(matches!(error, ModelsError::NoChecksum { .. }), "{etag}: {error}");
        assert!(error.to_string().contains("gives no SHA-256"), "{error}");
        assert!(server.downloads().iter().filter(|request| request.method == "GET").count() <= 1);
    }
}

#[test]
fn announced_sizes_are_bounded() {
    let limit = 1 << 20;
    let config = |bytes: usize| vec![b' '; bytes];
    for (files, is_refused) in [
        (vec![("config.json", config(limit)), single(10).swap_remove(1)], false),
        (vec![("config.json", config(limit + 1)), single(10).swap_remove(1)], true),
    ] {
        let server = HubServer::start(files);
        let result = pull(&PullFixture::new(&server), "nano");
        assert_eq!(matches!(result, Err(ModelsError::TooLarge { .. })), is_refused);
    }
    let nano = KNOWN.iter().find(|model| model.name == "nano").unwrap();
    let server = HubServer::start(single(10));
    server.state().linked_size = Some(nano.f32_bytes() + (65 << 20));
    let error = pull(&PullFixture::new(&server), "nano").unwrap_err();
    assert!(matches!(error, ModelsError::TooLarge { .. }), "{error}");
    assert!(server.downloads().is_empty());
}

#[test]
fn an_encoded_listing_is_refused_unread() {
    let server = HubServer::start(single(10));
    for encoding in ["gzip", "br", "deflate, gzip"] {
        server.state().listing_encoding = Some(encoding.to_owned());
        let error = pull(&PullFixture::new(&server), "nano").unwrap_err();
        assert!(matches!(error, ModelsError::Answer { .. }), "{error}");
        assert!(error.to_string().contains(encoding), "{error}");
    }
    server.state().listing_encoding = Some("identity".to_owned());
    pull(&PullFixture::new(&server), "nano").unwrap();
    assert!(
        server
            .state()
            .requests
            .iter()
            .all(|request| { request.accept_encoding.as_deref() == Some("identity") })
    );
}

/// A cache that another account filled, or an administrator: nothing in it can be written.
#[cfg(unix)]
#[test]
fn a_complete_cache_is_used_without_writing() {
    use std::os::unix::fs::PermissionsExt;
    let server = HubServer::start(single(1000));
    let place = PullFixture::new(&server);
    let folder = pull(&place, "nano").unwrap().folder;
    let repository = folder.ancestors().nth(2).unwrap();
    let all = [repository.join("refs"), repository.join("blobs"), folder.clone()];
    let state = || -> Vec<_> {
        let files = all.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
        files.map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap()).collect()
    };
    let before = state();
    let mode = |mode: u32| {
        for folder in &all {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    mode(0o555);
    let again = pull(&place, "nano");
    mode(0o755);
    let again = again.unwrap();
    assert!(again.was_complete);
    // Also where permissions bind no one, as with root.
    assert_eq!(state(), before);
}
