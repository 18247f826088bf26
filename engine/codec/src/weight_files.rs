//! The files of a folder that hold a model's weights.

use std::fs;
use std::io;
use std::path::Path;

/// Name of a single file of weights.
const SINGLE: &str = "model.safetensors";
/// Name of the index of several files.
const INDEX: &str = "model.safetensors.index.json";

/// The files that hold the weights of a model in a folder, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WeightFiles {
    /// `model.safetensors`, or files that need no index: see [`WeightFiles::among`].
    Named(Vec<String>),
    /// `model.safetensors.index.json` names them.
    Indexed,
}

/// Finds the weights in a folder, as [`WeightFiles::among`] its files.
///
/// # Errors
/// If the folder cannot be listed.
pub fn weight_files(folder: &Path) -> io::Result<Option<WeightFiles>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        // A link may lead nowhere.
        let name = name.to_str().filter(|name| folder.join(name).is_file());
        names.extend(name.map(str::to_owned));
    }
    Ok(WeightFiles::among(names))
}

impl WeightFiles {
    /// Finds the weights among the names of a model's files: `model.safetensors`; else what
    /// `model.safetensors.index.json` names; else all of the shards `model-00001-of-0000N.safetensors`, if each is
    /// there; else the only file `*.safetensors`. `None` if there is none of these.
    pub fn among(names: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut names: Vec<String> = names.into_iter().collect();
        if names.iter().any(|name| name == SINGLE) {
            return Some(Self::Named(vec![SINGLE.to_owned()]));
        }
        if names.iter().any(|name| name == INDEX) {
            return Some(Self::Indexed);
        }
        names.retain(|name| name.ends_with(".safetensors"));
        let shards = all_shards(&names);
        shards.or_else(|| (names.len() == 1).then_some(names)).map(Self::Named)
    }
}

/// Returns the names `model-00001-of-0000N.safetensors` to `model-0000N-of-0000N.safetensors`, if all are among
/// `names`.
fn all_shards(names: &[String]) -> Option<Vec<String>> {
    let count: usize = names.iter().find_map(|name| {
        name.strip_prefix("model-00001-of-")?.strip_suffix(".safetensors")?.parse().ok()
    })?;
    let shard = |i: usize| format!("model-{i:05}-of-{count:05}.safetensors");
    let shards: Vec<String> = (1..=count.min(names.len() + 1)).map(shard).collect();
    (count > 0 && shards.iter().all(|shard| names.contains(shard))).then_some(shards)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str]) -> Option<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            fs::write(folder.path().join(file), "").unwrap();
        }
        match weight_files(folder.path()).unwrap()? {
            WeightFiles::Named(names) => Some(names),
            WeightFiles::Indexed => Some(vec!["indexed".to_owned()]),
        }
    }

    #[test]
    fn weights_are_found_by_name_index_number_or_as_the_only_file() {
        let (first, second) =
            ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
        for (files, expected) in [
            (
                &["model.safetensors", "model.safetensors.index.json", "x.safetensors"][..],
                Some(&["model.safetensors"][..]),
            ),
            (&["model.safetensors.index.json", first], Some(&["indexed"][..])),
            (&[second, first, "other.safetensors"], Some(&[first, second][..])),
            (
                &["model-00001-of-00001.safetensors", "config.json"],
                Some(&["model-00001-of-00001.safetensors"][..]),
            ),
            (&["codec.safetensors"], Some(&["codec.safetensors"][..])),
            (&["a.safetensors", "b.safetensors"], None),
            (&[second, "a.safetensors"], None),
            (&["model-00001-of-00000.safetensors", "a.safetensors"], None),
            (&["model-00001-of-99999999999.safetensors", "a.safetensors"], None),
            (&["config.json"], None),
        ] {
            let expected = expected.map(|names| names.iter().map(|n| (*n).to_owned()).collect());
            assert_eq!(found(files), expected, "{files:?}");
        }
    }
}
