//! An audio file of any kind. The first byte chooses the name's extension.

#![no_main]

use libfuzzer_sys::fuzz_target;
use residue_engine::audio;

const NAMES: [&str; 10] = [
    "x.wav", "x.flac", "x.mp3", "x.ogg", "x.m4a", "x.caf", "x.aiff", "x.mkv", "x.w64", "x",
];

// The reader contains panics of decoders and refuses their files: only those that get out of it count,
// so that libFuzzer's hook, which ends the process at any panic, must not run.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| ())), |bytes: &[u8]| {
    let Some((name, file)) = bytes.split_first() else { return };
    // SAFETY: what is decoded owns its samples; nothing keeps the bytes beyond the call.
    let file: &'static [u8] = unsafe { std::mem::transmute::<&[u8], &'static [u8]>(file) };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    if let Ok(decoded) = audio::read_bytes(name, file) {
        let audio = decoded.audio;
        assert!(audio.rate > 0 && !audio.channels.is_empty());
        let length = audio.channels[0].len();
        assert!(audio.channels.iter().all(|channel| channel.len() == length));
        assert!(audio.channels.iter().flatten().all(|sample| sample.is_finite()));
    }
});
