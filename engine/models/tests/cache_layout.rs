//! The cache's layout, against a cache laid out by hand as the hub's Python client does.
//!
//! `huggingface_hub` documents it under "Understand caching": a repository's folder is
//! `models--{owner}--{name}`; `refs/{branch}` holds a commit and nothing else, not even a line's end;
//! `blobs/{etag}` holds each content once, under its sha256 if it is in large file storage, else under
//! its git hash; `snapshots/{commit}/{file}` links to `../../blobs/{etag}`. Files of no interest to us,
//! other branches and other commits lie there too.

use std::fs;
use std::path::{Path, PathBuf};

use residue_engine_testing::{CONFIG, HubServer, PullFixture, quiet, sha256, single, weights};
use residue_models::{HubSettings, ModelLibrary, ModelSource, ModelsError};
use tempfile::TempDir;

const REPOSITORY: &str = "models--OpenMOSS-Team--MOSS-Audio-Tokenizer-Nano";
const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";

fn put(path: PathBuf, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[cfg(unix)]
fn link(repository: &Path, commit: &str, file: &str, etag: &str) {
    let snapshot = repository.join("snapshots").join(commit);
    fs::create_dir_all(&snapshot).unwrap();
    std::os::unix::fs::symlink(format!("../../blobs/{etag}"), snapshot.join(file)).unwrap();
}

/// A cache with two commits, of which `main` is at the newer one, and a branch at the older.
#[cfg(unix)]
fn cache() -> (TempDir, ModelLibrary) {
    let folder = tempfile::tempdir().unwrap();
    let hub = folder.path().join("hub");
    let repository = hub.join(REPOSITORY);
    put(hub.join("version.txt"), "1");
    put(hub.join(".locks").join(REPOSITORY).join("x.lock"), "");
    put(repository.join("refs/main"), NEW);
    put(repository.join("refs/dev"), OLD);
    put(repository.join(".no_exist").join(NEW).join("added_tokens.json"), "");
    for (commit, bytes) in [(OLD, 100), (NEW, 200)] {
        let content = weights("a", bytes);
        let (config, sum) = (&sha256(CONFIG.as_bytes())[..40], sha256(&content));
        put(repository.join("blobs").join(config), CONFIG);
        put(repository.join("blobs").join(&sum), content);
        link(&repository, commit, "config.json", config);
        link(&repository, commit, "model.safetensors", &sum);
    }
    let library = ModelLibrary::new(folder.path().join("home"), HubSettings::new(hub));
    (folder, library)
}

#[test]
#[cfg(unix)]
fn a_model_that_another_tool_downloaded_is_found() {
    let (folder, library) = cache();
    let snapshot = folder.path().join("hub").join(REPOSITORY).join("snapshots").join(NEW);
    assert_eq!(library.locate("nano").unwrap(), ModelSource::Folder(snapshot.clone()));
    let report = residue_models::verify(&library.locate("nano").unwrap(), &mut quiet()).unwrap();
    assert!(report.is_ok(), "{report:?}");
    assert_eq!(report.files[1].published_sha256, Some(sha256(&weights("a", 200))));
    assert_eq!(report.files[0].published_sha256, None, "a git hash is no sha256 of the content");

    fs::remove_file(snapshot.join("model.safetensors")).unwrap();
    assert!(matches!(library.locate("nano"), Err(ModelsError::Incomplete { .. })));
    let main = folder.path().join("hub").join(REPOSITORY).join("refs/main");
    fs::remove_file(main).unwrap();
    assert!(matches!(library.locate("nano"), Err(ModelsError::NotHere { .. })));
}

/// Another tool finds what a pull brings: each entry of the layout, byte by byte.
#[test]
#[cfg(unix)]
fn a_pull_lays_files_out_in_the_same_way() {
    let files = single(10);
    let server = HubServer::start(files.clone());
    let place = PullFixture::new(&server);
    place.library().pull("nano", None, &mut quiet()).unwrap();
    let repository = place.settings.cache.join(REPOSITORY);
    let commit = residue_engine_testing::COMMIT;
    assert_eq!(fs::read_to_string(repository.join("refs/main")).unwrap(), commit);
    let (config, sum) = (&sha256(&files[0].1)[..40], sha256(&files[1].1));
    for (name, etag, content) in
        [("config.json", config, &files[0].1), ("model.safetensors", &sum[..], &files[1].1)]
    {
        let pointer = repository.join("snapshots").join(commit).join(name);
        assert_eq!(fs::read_link(pointer).unwrap(), Path::new("../../blobs").join(etag));
        assert_eq!(&fs::read(repository.join("blobs").join(etag)).unwrap(), content);
    }
    let mut entries: Vec<_> = fs::read_dir(&repository)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    entries.sort();
    assert_eq!(entries, ["blobs", "refs", "snapshots"]);
}
