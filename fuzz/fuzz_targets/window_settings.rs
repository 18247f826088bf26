//! The window's settings.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use residue_app::window::Preferences;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("there is a folder for temporary files"));

fuzz_target!(|text: &[u8]| {
    let path = FOLDER.path().join("window.json");
    std::fs::write(&path, text).expect("the file is written");
    if let Ok(read) = Preferences::read(&path) {
        assert!(read.scale.is_finite() && read.window.iter().all(|side| side.is_finite()));
        read.write(&path).expect("the file is written");
        let again = Preferences::read(&path).expect("our own file is read");
        assert!(again == read);
    }
});
