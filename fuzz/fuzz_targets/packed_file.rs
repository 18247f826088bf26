//! A packed file in the cache: whatever it holds, the model loads from its own files in the end.
//!
//! Input: one byte; if it is even, the rest replaces the file, else the rest is edits of a valid file
//! (offset in 3 bytes, value).

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::kernels::Precision;
use tempfile::TempDir;

struct Cache {
    folder: TempDir,
    /// The file that a first load has packed, and its content.
    packed: PathBuf,
    valid: Vec<u8>,
}

fn load(cache: &Path) -> Codec {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden/gated");
    let options = CodecOptions {
        precision: Precision::Int8,
        threads: 1,
        packed_cache: Some(cache.to_owned()),
        ..CodecOptions::default()
    };
    Codec::load(&model, &options).expect("a packed file is never a reason to fail")
}

static CACHE: LazyLock<Cache> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    load(folder.path());
    let files = fs::read_dir(folder.path()).expect("the cache is there");
    let packed = files
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.is_file())
        .expect("the model was packed");
    let valid = fs::read(&packed).expect("the packed file is there");
    Cache { folder, packed, valid }
});

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let Cache { folder, packed, valid } = &*CACHE;
    if kind % 2 == 0 {
        fs::write(packed, rest).expect("the file is written");
    } else {
        let mut content = valid.clone();
        for edit in rest.as_chunks::<4>().0 {
            let offset = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize;
            let at = offset % content.len();
            content[at] = edit[3];
        }
        fs::write(packed, content).expect("the file is written");
    }
    load(folder.path());
});
