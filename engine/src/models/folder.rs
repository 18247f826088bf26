//! The files of a model: `config.json` beside one safetensors file, or beside an index and shards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;

use super::ModelsError;

pub(super) const CONFIG: &str = "config.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// The largest JSON file that is read into memory; real indexes are a few hundred kilobytes.
pub(super) const JSON_LIMIT: u64 = 16 << 20;

/// What an index says: tensor name -> shard.
#[derive(Debug, Deserialize)]
pub(super) struct ShardIndex {
    pub(super) weight_map: BTreeMap<String, String>,
}

impl ShardIndex {
    /// Reads the index at `path`, refusing shards that are not plain files beside it.
    pub(super) fn read(path: &Path) -> Result<Self, ModelsError> {
        let text = read_json(path).map_err(|source| ModelsError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, ModelsError> {
        let fail = |problem: String| ModelsError::Index { path: path.to_owned(), problem };
        let index: Self = serde_json::from_slice(text).map_err(|e| fail(e.to_string()))?;
        if index.weight_map.is_empty() {
            return Err(fail("`weight_map` names no tensors".to_owned()));
        }
        match index.weight_map.values().find(|shard| !is_plain_file_name(shard)) {
            Some(shard) => Err(fail(format!(
                "shard {shard:?} is not a plain .safetensors file name; expected a file beside the index"
            ))),
            None => Ok(index),
        }
    }

    /// The shards, each once, in order.
    pub(super) fn shards(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }
}

/// True for a name that can only mean a file in the folder it is joined to, on any platform.
fn is_plain_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
        && name.ends_with(".safetensors")
        && !name.contains(['/', '\\', ':', '\0'])
}

/// Reads a whole file of at most [`JSON_LIMIT`] bytes.
pub(super) fn read_json(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?.take(JSON_LIMIT + 1).read_to_end(&mut text)?;
    if text.len() as u64 > JSON_LIMIT {
        let limit = format!("larger than {JSON_LIMIT} bytes, which no such file needs");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
    }
    Ok(text)
}

/// The names of all files that the model in `folder` should have, present or not.
pub(super) fn expected_files(folder: &Path) -> Result<Vec<String>, ModelsError> {
    let mut names = vec![CONFIG.to_owned()];
    if !folder.join(WEIGHTS).is_file() && folder.join(INDEX).is_file() {
        names.push(INDEX.to_owned());
        let index = ShardIndex::read(&folder.join(INDEX))?;
        names.extend(index.shards().into_iter().map(str::to_owned));
    } else {
        names.push(WEIGHTS.to_owned());
    }
    Ok(names)
}

/// The names of all files of the model in `folder`, each present.
pub(super) fn model_files(folder: &Path) -> Result<Vec<String>, ModelsError> {
    let names = expected_files(folder)?;
    match names.iter().find(|name| !folder.join(name).is_file()) {
        Some(missing) => Err(ModelsError::NotAModelFolder {
            folder: folder.to_owned(),
            missing: missing.clone(),
        }),
        None => Ok(names),
    }
}

/// Bytes of all files of the model in `folder`.
pub(super) fn model_bytes(folder: &Path) -> Result<u64, ModelsError> {
    let sizes = model_files(folder)?.into_iter().map(|name| {
        let path = folder.join(name);
        std::fs::metadata(&path).map(|m| m.len()).map_err(|source| ModelsError::Io {
            action: "read",
            path,
            source,
        })
    });
    sizes.sum()
}

/// A name beside `path` that no other thread or process uses at the same time.
pub(super) fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Writes a file so that readers see the old content or the new, never a part.
pub(super) fn write_atomically(path: &Path, content: &[u8]) -> Result<(), (PathBuf, io::Error)> {
    use io::Write;
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(at(parent))?;
    }
    let temporary = temporary_beside(path);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.and_then(|()| std::fs::rename(&temporary, path)).map_err(|error| {
        // A failed write must not leave litter; if this fails too, the first error says more.
        let _ = std::fs::remove_file(&temporary);
        (path.to_owned(), error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_outside_the_folder_are_refused() {
        for shard in [
            "../model-1.safetensors",
            "/etc/model-1.safetensors",
            "a/b.safetensors",
            "..",
            "",
            ".",
            "C:model.safetensors",
            "..\\model.safetensors",
            "model.bin",
            "nul\0.safetensors",
        ] {
            let text = serde_json::json!({ "weight_map": { "x": shard } }).to_string();
            let error = ShardIndex::parse(Path::new("i.json"), text.as_bytes()).unwrap_err();
            assert!(matches!(error, ModelsError::Index { .. }), "{shard}: {error}");
        }
    }

    #[test]
    fn an_index_names_each_shard_once() {
        let text = br#"{"metadata":{"total_size":3},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors","c":"m-1.safetensors"}}"#;
        let index = ShardIndex::parse(Path::new("i.json"), text).unwrap();
        assert_eq!(Vec::from_iter(index.shards()), ["m-1.safetensors", "m-2.safetensors"]);
        for bad in [&b"{}"[..], b"[", b"{\"weight_map\":{}}", b"{\"weight_map\":{\"a\":1}}"] {
            assert!(ShardIndex::parse(Path::new("i.json"), bad).is_err());
        }
    }

    #[test]
    fn an_atomic_write_replaces_and_leaves_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
