//! Finding, listing, adding and removing.

use std::fs;
use std::path::Path;

use residue_engine_testing::{sharded, single, write};
use residue_models::{HubSettings, ModelLibrary, ModelSource, ModelsError};
use tempfile::TempDir;

fn library(folder: &TempDir) -> ModelLibrary {
    ModelLibrary::new(folder.path().join("home"), HubSettings::new(folder.path().join("hub")))
}

fn model(folder: &TempDir, name: &str) -> std::path::PathBuf {
    let path = folder.path().join(name);
    fs::create_dir_all(&path).unwrap();
    write(&path, &single(10));
    path.canonicalize().unwrap()
}

#[test]
fn added_folders_are_found_by_name_until_removed() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (model(&folder, "one"), model(&folder, "two"));
    write(&two, &sharded());
    let library = library(&folder);
    assert_eq!(library.add(&one, None).unwrap().name, "one");
    library.add(&one, Some("one")).unwrap();
    library.add(&two, Some("Second.2")).unwrap();
    assert_eq!(library.locate("ONE").unwrap(), ModelSource::Folder(one.clone()));
    assert_eq!(library.locate("second.2").unwrap(), ModelSource::Folder(two.clone()));

    let error = library.add(&two, Some("one")).unwrap_err();
    assert!(matches!(&error, ModelsError::NameTaken { folder, .. } if *folder == one), "{error}");
    library.remove("one").unwrap();
    assert!(one.join("config.json").exists(), "the files stay");
    assert!(matches!(library.remove("one"), Err(ModelsError::NotAdded { .. })));
    assert!(matches!(library.locate("one"), Err(ModelsError::UnknownModel { .. })));
}

#[test]
fn a_folder_under_a_published_name_comes_before_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let own = model(&folder, "own");
    let library = library(&folder);
    assert_eq!(library.add(&own, Some("MOSS-Audio-Tokenizer-Nano")).unwrap().name, "nano");
    assert_eq!(library.locate("nano").unwrap(), ModelSource::Folder(own.clone()));
    let entries = library.list().unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.name == "nano").count(), 1);
}

#[test]
fn what_cannot_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let good = model(&folder, "good");
    let library = library(&folder);
    for name in ["", "embedded", "a/b", "-x", "a b"] {
        let error = library.add(&good, Some(name)).unwrap_err();
        assert!(matches!(error, ModelsError::BadName { .. }), "{name}: {error}");
    }
    let error = library.add(Path::new("/no/such/folder"), None).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
    for (removed, missing) in
        [("model.safetensors", "model.safetensors"), ("config.json", "config.json")]
    {
        fs::remove_file(good.join(removed)).unwrap();
        match library.add(&good, None).unwrap_err() {
            ModelsError::NotAModelFolder { missing: found, .. } => assert_eq!(found, missing),
            other => panic!("{other}"),
        }
    }
    assert!(!folder.path().join("home/models.json").exists());
}

#[test]
fn a_damaged_list_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let one = model(&folder, "one");
    let library = library(&folder);
    library.add(&one, None).unwrap();
    let list = folder.path().join("home/models.json");
    let whole = fs::read_to_string(&list).unwrap();
    for damaged in [
        &whole[..whole.len() / 2],
        "",
        "[]",
        r#"{"version":2,"models":[]}"#,
        r#"{"version":1,"models":[],"more":1}"#,
        r#"{"version":1,"models":[{"name":"x"}]}"#,
    ] {
        fs::write(&list, damaged).unwrap();
        for error in [
            library.list().unwrap_err(),
            library.locate("one").unwrap_err(),
            library.add(&one, Some("again")).unwrap_err(),
            library.remove("one").unwrap_err(),
        ] {
            assert!(matches!(error, ModelsError::Registry { .. }), "{damaged}: {error}");
            assert!(error.to_string().contains("models.json"), "{error}");
        }
        assert_eq!(fs::read_to_string(&list).unwrap(), damaged);
        library.locate(one.to_str().unwrap()).unwrap();
    }
}

#[test]
fn adding_from_many_threads_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let one = model(&folder, "one");
    let library = library(&folder);
    std::thread::scope(|scope| {
        for i in 0..8 {
            let (library, one) = (&library, &one);
            scope.spawn(move || library.add(one, Some(&format!("m{i}"))).unwrap());
        }
    });
    let names: Vec<_> = library.list().unwrap().into_iter().map(|entry| entry.name).collect();
    assert!((0..8).all(|i| names.contains(&format!("m{i}"))), "{names:?}");
}

#[test]
fn locating_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(&folder);
    let said = |spec: &str| library.locate(spec).unwrap_err().to_string();
    assert_eq!(
        said("nano"),
        "model nano is not on this computer: fetch it in the window's list of models, or with `residue models pull nano`"
    );
    assert_eq!(
        said("V2"),
        "model v2 is not on this computer: fetch it in the window's list of models, or with `residue models pull v2`"
    );
    assert!(said("v3").contains("embedded, nano, v1, v2"), "{}", said("v3"));
    assert!(said("").contains("no model or folder"), "{}", said(""));
    assert!(said("/no/such").contains("/no/such"), "{}", said("/no/such"));
    let empty = folder.path().to_str().unwrap();
    assert!(said(empty).contains("config.json is missing"), "{}", said(empty));

    let gone = model(&folder, "gone");
    library.add(&gone, None).unwrap();
    fs::remove_dir_all(&gone).unwrap();
    assert!(matches!(library.locate("gone"), Err(ModelsError::AddedFolderGone { .. })));
}

#[test]
fn a_folder_is_a_model_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = model(&folder, "any name");
    let located = library(&folder).locate(path.to_str().unwrap()).unwrap();
    assert_eq!(located, ModelSource::Folder(path));
}

#[test]
fn the_list_has_everything_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(&folder);
    library.add(&model(&folder, "mine"), None).unwrap();
    let entries = library.list().unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["embedded", "nano", "v1", "v2", "mine"]);
    assert_eq!(entries[0].source.as_ref().ok(), Some(&ModelSource::Embedded));
    assert!(matches!(entries[1].source, Err(ModelsError::NotHere { name: "nano" })));
    assert!(entries[4].source.is_ok() && entries[4].bytes.is_some());
}

#[test]
fn the_embedded_model_needs_nothing_on_disk() {
    let library = library(&tempfile::tempdir().unwrap());
    assert_eq!(library.locate("Embedded").unwrap(), ModelSource::Embedded);
}

/// Names that are no text exist on most systems. They are kept as they are.
#[cfg(target_os = "linux")]
#[test]
fn folders_whose_names_are_no_text_are_added() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&path).unwrap();
    write(&path, &single(10));
    let library = library(&folder);
    let error = library.add(&path, None).unwrap_err();
    assert!(matches!(error, ModelsError::BadName { .. }), "{error}");
    assert!(error.to_string().contains("--name"), "{error}");
    library.add(&path, Some("cafe")).unwrap();
    let path = path.canonicalize().unwrap();
    assert_eq!(library.locate("cafe").unwrap(), ModelSource::Folder(path.clone()));
    library.add(&path, Some("cafe")).unwrap();
    let names: Vec<_> = library.list().unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names.last().unwrap(), "cafe");
    library.remove("cafe").unwrap();
}
