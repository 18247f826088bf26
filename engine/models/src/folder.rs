//! The files of a model: `config.json` beside one safetensors file, or beside shards.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::ModelsError;
use residue_codec::{MAX_INDEX_BYTES, ShardIndex, WeightFiles, weight_files};
use residue_core::{atomic_file, small_file};

pub(super) const CONFIG: &str = "config.json";
pub(super) const WEIGHTS: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";

/// Reads the index at `path`.
pub(super) fn read_index(path: &Path) -> Result<ShardIndex, ModelsError> {
    let text = small_file::read_within(path, MAX_INDEX_BYTES).map_err(|cause| ModelsError::Io {
        action: "read",
        path: path.to_owned(),
        cause,
    })?;
    ShardIndex::parse(&text).map_err(|problem| ModelsError::Index {
        path: path.to_owned(),
        problem: problem.to_string(),
    })
}

/// The names of all files that the model in `folder` should have, present or not.
pub(super) fn expected_files(folder: &Path) -> Result<Vec<String>, ModelsError> {
    let mut names = vec![CONFIG.to_owned()];
    match weight_files(folder) {
        Ok(Some(WeightFiles::Named(files))) => names.extend(files),
        Ok(Some(WeightFiles::Indexed)) => {
            names.push(INDEX.to_owned());
            let index = read_index(&folder.join(INDEX))?;
            names.extend(index.shards().into_iter().map(str::to_owned));
        }
        Ok(None) | Err(_) => names.push(WEIGHTS.to_owned()),
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
        std::fs::metadata(&path).map(|m| m.len()).map_err(|cause| ModelsError::Io {
            action: "read",
            path,
            cause,
        })
    });
    sizes.sum()
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
    let fill = |mut file: File| file.write_all(content).and_then(|()| file.sync_all());
    atomic_file::write(path, fill).map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

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
