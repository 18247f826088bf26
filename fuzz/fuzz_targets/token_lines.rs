//! Frames of codes as they arrive, a line each; with and without a model's limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use residue_engine::tokens::FrameReader;

fuzz_target!(|bytes: &[u8]| {
    FrameReader::new(bytes, "fuzz").take_while(Result::is_ok).for_each(drop);
    for frame in FrameReader::new(bytes, "fuzz").for_model(32, 1024) {
        let Ok(frame) = frame else { break };
        assert!(frame.len() <= 32 && frame.iter().all(|code| *code < 1024));
    }
});
