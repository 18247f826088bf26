//! `model.safetensors.index.json`: the file that holds each tensor of a sharded checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;

/// The defect of a shard index.
#[derive(Debug, thiserror::Error)]
pub enum ShardIndexError {
    /// The text is not the JSON of an index.
    #[error("expected a `weight_map` from tensor names to plain file names: {0}")]
    Json(serde_json::Error),
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
        let index: Self = serde_json::from_slice(text).map_err(ShardIndexError::Json)?;
        if index.weight_map.is_empty() {
            return Err(ShardIndexError::Empty);
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
}
