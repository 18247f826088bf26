//! The index of a model's shards.

#![no_main]

use libfuzzer_sys::fuzz_target;
use residue_engine::codec::ShardIndex;

fuzz_target!(|text: &[u8]| {
    if let Ok(index) = ShardIndex::parse(text) {
        for shard in index.shards() {
            assert!(!shard.contains(['/', '\\']) && shard != "..", "{shard} leaves the folder");
        }
    }
});
