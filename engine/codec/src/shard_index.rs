//! `model.safetensors.index.json`: which file holds which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::Deserialize;

/// Index of a sharded checkpoint: tensor name -> shard.
#[derive(Debug, Deserialize)]
pub struct ShardIndex {
    /// Shard of each tensor, by the tensor's name.
    pub weight_map: BTreeMap<String, String>,
}

impl ShardIndex {
    /// Parses an index, refusing shards that are not plain files beside it; the error says what is
    /// wrong.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let index: Self = serde_json::from_slice(text).map_err(|e| {
            format!("expected a `weight_map` from tensor names to plain file names: {e}")
        })?;
        if index.weight_map.is_empty() {
            return Err("`weight_map` is empty: it names no tensors".to_owned());
        }
        match index.weight_map.values().find(|shard| !is_plain_file_name(shard)) {
            Some(shard) => Err(format!(
                "shard {shard:?} is not a plain file name that ends in .safetensors; expected a file beside the index"
            )),
            None => Ok(index),
        }
    }

    /// The shards, each once, in order.
    pub fn shards(&self) -> BTreeSet<&str> {
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
