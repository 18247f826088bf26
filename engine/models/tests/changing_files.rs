//! Files that are cut short or written to while a model is loaded from them.

use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use residue_codec::{CheckpointError, Codec, CodecError, CodecOptions, LoadWarning, Precision};
use tempfile::TempDir;

/// A copy of a miniature model.
fn model(case: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    fs::create_dir(&model).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(case);
    for entry in fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, model.join(path.file_name().unwrap())).unwrap();
    }
    (folder, model)
}

fn cut(path: &Path, length: u64) {
    File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}

/// Loads and runs `change` at the `at`-th report of progress.
fn load(
    model: &Path,
    options: &CodecOptions,
    at: usize,
    change: impl Fn() + Sync,
) -> Result<Codec, CodecError> {
    let calls = AtomicUsize::new(0);
    Codec::load_with(model, options, &|_| {
        if calls.fetch_add(1, Ordering::SeqCst) == at {
            change();
        }
        ControlFlow::Continue(())
    })
}

/// A mapped file that is cut short ends the process at the next access; forty loads of forty must end with an
/// error.
#[test]
fn weights_that_are_cut_short_during_a_load_are_an_error() {
    let options = CodecOptions { threads: 1, ..CodecOptions::default() };
    for (case, file) in
        [("nano", "model.safetensors"), ("v1_sharded", "model-00002-of-00003.safetensors")]
    {
        let (_folder, model) = model(case);
        let path = model.join(file);
        let whole = fs::read(&path).unwrap();
        for round in 0..20 {
            fs::write(&path, &whole).unwrap();
            let length = whole.len() as u64 * (round % 5) / 5;
            let result = load(&model, &options, round as usize / 5 * 7, || cut(&path, length));
            let error = result.err().unwrap_or_else(|| panic!("{case} {round}: was loaded"));
            assert!(
                matches!(error, CodecError::Checkpoint(CheckpointError::Changed { .. })),
                "{case} {round}: {error}"
            );
            let said = error.to_string();
            assert!(said.contains(file) && said.contains("changed while it was read"), "{said}");
            assert!(said.contains("load the model again"), "{said}");
        }
        fs::write(&path, &whole).unwrap();
        load(&model, &options, usize::MAX, || ()).unwrap();
    }
}

/// A copy in place may leave the size as it is, and weights that are half old and half new.
#[test]
fn weights_that_are_overwritten_during_a_load_are_an_error() {
    let (_folder, model) = model("nano");
    let path = model.join("model.safetensors");
    let options = CodecOptions { threads: 1, ..CodecOptions::default() };
    let whole = fs::read(&path).unwrap();
    let error = load(&model, &options, 3, || fs::write(&path, &whole).unwrap()).err().unwrap();
    assert!(error.to_string().contains("changed while it was read"), "{error}");
}

/// Packed weights are only a copy: the model's own files are loaded instead, with a warning.
#[test]
fn packed_weights_that_are_cut_short_during_a_load_are_replaced() {
    let (folder, model) = model("nano");
    let packed = folder.path().join("packed");
    let options = CodecOptions {
        threads: 1,
        precision: Precision::Int8,
        packed_cache: Some(packed.clone()),
        ..CodecOptions::default()
    };
    load(&model, &options, usize::MAX, || ()).unwrap();
    let file = || {
        let mut files = fs::read_dir(&packed).unwrap().map(|entry| entry.unwrap().path());
        let file = files.next().unwrap();
        assert!(files.next().is_none(), "one file a model and precision");
        file
    };
    let whole = fs::metadata(file()).unwrap().len();
    for round in 0..20 {
        let length = whole * (round % 5) / 5;
        let at = round as usize / 5 * 7;
        let codec = load(&model, &options, at, || cut(&file(), length)).unwrap();
        let [LoadWarning::PackedUnusable(problem)] = codec.warnings() else {
            panic!("{round}: {:?}", codec.warnings());
        };
        assert!(matches!(problem, CheckpointError::Changed { .. }), "{problem}");
        // It was packed again.
        assert_eq!(fs::metadata(file()).unwrap().len(), whole);
        assert!(load(&model, &options, usize::MAX, || ()).unwrap().warnings().is_empty());
    }
}

#[test]
fn touching_a_model_replaces_its_packed_weights() {
    let (folder, model) = model("nano");
    let packed = folder.path().join("packed");
    let options = CodecOptions {
        threads: 1,
        precision: Precision::Bf16,
        packed_cache: Some(packed.clone()),
        ..CodecOptions::default()
    };
    for _ in 0..5 {
        let codec = load(&model, &options, usize::MAX, || ()).unwrap();
        assert!(codec.warnings().is_empty(), "{:?}", codec.warnings());
        let weights = File::options().write(true).open(model.join("model.safetensors")).unwrap();
        weights.set_modified(std::time::SystemTime::now()).unwrap();
        assert_eq!(fs::read_dir(&packed).unwrap().count(), 1);
    }
}
