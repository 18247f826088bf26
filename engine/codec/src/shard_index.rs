//! `model.safetensors.index.json`: the file that holds each tensor of a sharded checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;

use super::foreign_content::ForeignContent;
use super::limits::MAX_SHARDS;

/// The defect of a shard index.
#[derive(Debug, thiserror::Error)]
pub enum ShardIndexError {
    /// The text is not the JSON of an index.
    #[error("expected a `weight_map` from tensor names to plain file names: {0}")]
    Json(serde_json::Error),
    /// The file is of another kind.
    #[error("{0}")]
    Foreign(ForeignContent),
    /// The index names more shards than any model has.
    #[error("it names {found} shards, expected at most {MAX_SHARDS}")]
    TooManyShards {
        /// Shards named.
        found: usize,
    },
    /// The index names no tensor.
    #[error("`weight_map` is empty: it names no tensors")]
    Empty,
    /// A shard is not a file beside the index.
    #[error(
        "shard {shard:?} is not a plain file name that ends in .safetensors; expected a file beside the index"
    )]
    ShardName {
        /// The name found.
        shard: String,
    },
}

/// Index of a sharded checkpoint: tensor name -> shard.
#[derive(Debug, Deserialize)]
pub struct ShardIndex {
    /// File name of each tensor's shard, by the tensor's name.
    pub weight_map: BTreeMap<String, String>,
}

impl ShardIndex {
    /// Parses an index and refuses shards that are not plain files beside it.
    ///
    /// # Errors
    /// [`ShardIndexError`] with the first defect.
    pub fn parse(text: &[u8]) -> Result<Self, ShardIndexError> {
        let index: Self = serde_json::from_slice(text).map_err(|problem| {
            match ForeignContent::recognize(text) {
                Some(content) => ShardIndexError::Foreign(content),
                None => ShardIndexError::Json(problem),
            }
        })?;
        if index.weight_map.is_empty() {
            return Err(ShardIndexError::Empty);
        }
        let found = index.shards().len();
        if found > MAX_SHARDS {
            return Err(ShardIndexError::TooManyShards { found });
        }
        match index.weight_map.values().find(|shard| !is_plain_file_name(shard)) {
            Some(shard) => Err(ShardIndexError::ShardName { shard: shard.clone() }),
            None => Ok(index),
        }
    }

    /// Returns the shards in alphabetical order, each once.
    pub fn shards(&self) -> BTreeSet<&str> {
        self.weight_map.values().map(String::as_str).collect()
    }
}

/// Returns true if a name, joined to a folder, is a file in that folder on every platform.
fn is_plain_file_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
        && name.ends_with(".safetensors")
        && !name.contains(['/', '\\', ':', '\0'])
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
            assert!(ShardIndex::parse(text.as_bytes()).is_err(), "{shard}");
        }
    }

    #[test]
    fn an_index_names_each_shard_once() {
        let text = br#"{"metadata":{"total_size":3},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors","c":"m-1.safetensors"}}"#;
        let index = ShardIndex::parse(text).unwrap();
        assert_eq!(Vec::from_iter(index.shards()), ["m-1.safetensors", "m-2.safetensors"]);
        for bad in [&b"{}"[..], b"[", b"{\"weight_map\":{}}", b"{\"weight_map\":{\"a\":1}}"] {
            assert!(ShardIndex::parse(bad).is_err());
        }
    }

    #[test]
    fn shards_are_bounded() {
        let index = |count: usize| {
            let shards = (0..count).map(|i| (i.to_string(), format!("{i}.safetensors")));
            let map: BTreeMap<String, String> = shards.collect();
            ShardIndex::parse(serde_json::json!({ "weight_map": map }).to_string().as_bytes())
        };
        assert!(index(MAX_SHARDS).is_ok());
        let error = index(MAX_SHARDS + 1).unwrap_err();
        assert!(matches!(error, ShardIndexError::TooManyShards { found: 1025 }), "{error}");
    }

    #[test]
    fn other_kinds_of_files_are_called_by_their_name() {
        let error = ShardIndex::parse(b"version https://git-lfs.github.com/spec/v1\n").unwrap_err();
        assert!(error.to_string().contains("Git LFS pointer"), "{error}");
    }
}
