//! Loading: sharing, changed and damaged files, cancellation.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use residue_codec::Precision;
use residue_engine_testing::{quiet, single, write};
use residue_models::{
    HubSettings, ModelLibrary, ModelLoadError, ModelRequest, ModelSource, ModelStore, ModelsError,
    unwatched,
};
use tempfile::TempDir;

/// A store of its own in a folder, and a miniature model there that no other test loads.
fn store() -> (TempDir, ModelStore, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubSettings::new(folder.path().join("hub"));
    let store = ModelStore::from(ModelLibrary::new(folder.path().join("home"), hub));
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/nano");
    for name in ["config.json", "model.safetensors"] {
        fs::copy(golden.join(name), model.join(name)).unwrap();
    }
    (folder, store, model)
}

fn request(folder: &Path) -> ModelRequest {
    ModelRequest { threads: 1, ..ModelRequest::new(folder.to_str().unwrap()) }
}

#[test]
fn users_share_one_copy_until_the_last_lets_go() {
    let (folder, store, model) = store();
    let start = Barrier::new(4);
    let codecs: Vec<_> = std::thread::scope(|scope| {
        let load = || {
            start.wait();
            store.load(&request(&model), &unwatched).unwrap()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(codecs.iter().all(|codec| codec.is_same(&codecs[0])));
    // Another store, and another way to write the folder.
    let other = ModelStore::from(ModelLibrary::new(
        folder.path().join("other"),
        HubSettings::new(folder.path().join("hub")),
    ));
    let roundabout = folder.path().join("model/../model");
    assert!(other.load(&request(&roundabout), &unwatched).unwrap().is_same(&codecs[0]));
    let weak = codecs[0].downgrade();
    drop(codecs);
    assert!(weak.upgrade().is_none(), "the store itself holds no weights");
}

#[test]
fn precisions_and_threads_are_copies_of_their_own() {
    let (_folder, store, model) = store();
    let f32 = store.load(&request(&model), &unwatched).unwrap();
    let int8 = ModelRequest { precision: Precision::Int8.into(), ..request(&model) };
    let int8 = store.load(&int8, &unwatched).unwrap();
    let two = store.load(&ModelRequest { threads: 2, ..request(&model) }, &unwatched).unwrap();
    assert_eq!((f32.precision(), int8.precision()), (Precision::F32, Precision::Int8));
    assert_eq!((f32.threads(), two.threads()), (1, 2));
    assert!(!f32.is_same(&int8) && !f32.is_same(&two));
}

#[test]
fn a_changed_file_is_loaded_anew() {
    let (_folder, store, model) = store();
    let before = store.load(&request(&model), &unwatched).unwrap();
    let source = store.locate(model.to_str().unwrap()).unwrap();
    let checksum = store.checksum(&source, &mut quiet()).unwrap();
    // Replaced and not overwritten: the first codec has the old file mapped.
    let weights = model.join("model.safetensors");
    let mut content = fs::read(&weights).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(model.join("new"), content).unwrap();
    fs::rename(model.join("new"), &weights).unwrap();
    let after = store.load(&request(&model), &unwatched).unwrap();
    assert!(!after.is_same(&before));
    assert_ne!(store.checksum(&source, &mut quiet()).unwrap(), checksum);
    assert!(store.load(&request(&model), &unwatched).unwrap().is_same(&after));
}

#[test]
fn a_cancelled_load_leaves_nothing_and_can_be_repeated() {
    let (_folder, store, model) = store();
    let calls = AtomicUsize::new(0);
    let stop = |_: f64| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let result = store.load(&request(&model), &stop);
    assert!(matches!(result, Err(ModelLoadError::Cancelled)));
    assert!(calls.into_inner() >= 2, "it stops where it is told to");
    store.load(&request(&model), &unwatched).unwrap();
}

/// Waiting for another user's load can be cancelled without stopping the load.
#[test]
fn waiting_for_another_load_can_be_cancelled() {
    let (_folder, store, model) = store();
    let waited = Arc::new(Barrier::new(2));
    let (loading, gate) = (AtomicUsize::new(0), Arc::clone(&waited));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            store.load(&request(&model), &|_| {
                // Half way into it until the other has given up.
                if loading.fetch_add(1, Ordering::SeqCst) == 0 {
                    gate.wait();
                    gate.wait();
                }
                ControlFlow::Continue(())
            })
        });
        waited.wait();
        let second = store.load(&request(&model), &|_| ControlFlow::Break(()));
        assert!(matches!(second, Err(ModelLoadError::Cancelled)));
        waited.wait();
        assert!(first.join().unwrap().is_ok());
    });
}

#[test]
fn a_damaged_folder_is_an_error_that_names_the_file() {
    let (_folder, store, model) = store();
    let weights = fs::read(model.join("model.safetensors")).unwrap();
    fs::write(model.join("model.safetensors"), &weights[..weights.len() - 4]).unwrap();
    let error = store.load(&request(&model), &unwatched).err().unwrap();
    assert!(matches!(error, ModelLoadError::Codec(_)), "{error}");
    assert!(error.to_string().contains("model.safetensors"), "{error}");
    fs::remove_file(model.join("model.safetensors")).unwrap();
    let error = store.load(&request(&model), &unwatched).err().unwrap();
    assert!(matches!(error, ModelLoadError::Models(ModelsError::NotAModelFolder { .. })));
    fs::write(model.join("model.safetensors"), weights).unwrap();
    store.load(&request(&model), &unwatched).unwrap();
}

#[test]
fn the_embedded_model_needs_no_library() {
    let none: residue_models::OpenLibrary = Arc::new(|| {
        let what = "the list of added models";
        Err(ModelsError::NoHome { what, variable: "RESIDUE_HOME" })
    });
    let store = ModelStore::new(none);
    let codec = store.load(&ModelRequest { threads: 1, ..ModelRequest::default() }, &unwatched);
    assert_eq!(codec.unwrap().config().quantizer.layers, 32);
    assert!(matches!(store.list(), Err(ModelsError::NoHome { .. })));
    assert!(matches!(store.locate("nano"), Err(ModelsError::NoHome { .. })));
    // An account without a home folder has models in other folders, which need no library either.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/nano");
    let int8 = ModelRequest { precision: Precision::Int8.into(), ..request(&golden) };
    let codec = store.load(&int8, &unwatched).unwrap();
    assert_eq!(codec.precision(), Precision::Int8);
    let gone = store.locate("/no/such/folder").unwrap_err();
    assert!(matches!(gone, ModelsError::UnknownModel { .. }), "{gone}");
}

#[test]
fn only_folders_that_load_are_added() {
    let (folder, store, model) = store();
    let (added, config) = store.add(&model, Some("mine"), &unwatched).unwrap();
    assert_eq!((added.name.as_str(), config.sample_rate), ("mine", 48_000));
    // Good files that are no model.
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    write(&other, &single(100));
    assert!(matches!(store.add(&other, None, &unwatched), Err(ModelLoadError::Codec(_))));
    let names: Vec<_> = store.list().unwrap().into_iter().map(|model| model.id).collect();
    assert_eq!(names, ["embedded", "nano", "v1", "v2", "mine"]);
    store.remove("mine").unwrap();
    assert!(store.locate("mine").is_err());
}

#[test]
fn loading_is_part_of_a_check_of_good_files_only() {
    let (folder, store, model) = store();
    let check =
        |folder: &Path| store.verify(folder.to_str().unwrap(), &mut quiet(), &unwatched).unwrap();
    let report = check(&model);
    assert!(report.is_ok() && report.load.is_some() && report.problem().is_none(), "{report:?}");

    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    write(&other, &single(1000));
    let report = check(&other);
    assert!(report.files.iter().all(|file| file.problem.is_none()), "{report:?}");
    assert!(!report.is_ok() && report.load.as_ref().is_some_and(Result::is_err));
    assert!(report.problem().is_some());

    fs::write(other.join("model.safetensors"), "").unwrap();
    let report = check(&other);
    assert!(report.load.is_none());
    assert!(report.problem().unwrap().starts_with("model.safetensors: "), "{report:?}");
}

#[test]
fn a_checksum_is_read_once_and_can_be_stopped() {
    let (_folder, store, model) = store();
    let source = ModelSource::Folder(model.clone());
    let mut calls = 0;
    let stopped = store.checksum(&source, &mut |_| {
        calls += 1;
        ControlFlow::Break(())
    });
    assert!(matches!(stopped, Err(ModelsError::Cancelled)) && calls == 1);
    let checksum = store.checksum(&source, &mut quiet()).unwrap();
    let known = store.checksum(&source, &mut |_| panic!("nothing is read"));
    assert_eq!((known.unwrap(), checksum.len()), (checksum, 64));
}
