//! A safetensors file: its header alone, and all of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use residue_engine::codec::{Checkpoint, read_tensor_names};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_tensor_names(&mut &*bytes, bytes.len() as u64);
    let _ = Checkpoint::from_bytes("fuzz.safetensors", bytes);
});
