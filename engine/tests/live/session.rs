//! Long sessions: hour ten is as exact as second one.

use std::path::Path;

use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::live::{AudioPort, CodecModel, FrameEffects, PortConfig, PortControl};

use super::support::{difference, noise, offline, play};

/// Seconds of history that the miniature model's output depends on, with some to spare: eight layers
/// of 0.29 s and its frames.
const HISTORY: usize = 4;

fn port(rate: u32) -> (AudioPort, PortControl) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    let codec =
        Codec::load(&folder, &CodecOptions { threads: 1, ..CodecOptions::default() }).unwrap();
    let mut config = PortConfig::new(rate, 1, 4800);
    config.settings.frames = FrameEffects { depths: [4, 2], ..FrameEffects::default() };
    offline(&config, &CodecModel(codec))
}

/// Second number `second` of a signal that never repeats.
fn second(rate: u32, second: usize) -> Vec<f32> {
    noise(second as u64 + 1, rate as usize, 0.3)
}

/// Memory the process has now, in MiB; `None` where the system does not say.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? / 1024)
}

/// Plays `seconds`, an odd number, and then compares the last second with a port that was opened
/// `HISTORY` seconds before it, on a frame boundary (every second second is one). Returns how many
/// MiB the process grew by after the first minute.
fn run(rate: u32, seconds: usize) -> Option<usize> {
    assert!(seconds % 2 == 1);
    let (mut long, _control) = port(rate);
    let blocks = || std::iter::repeat(4800);
    let mut early = None;
    for n in 0..seconds - 1 {
        play(&mut long, &[second(rate, n)], 0, blocks());
        if n == 60 {
            early = resident();
        }
    }
    let latency = long.latency().total();
    let last = play(&mut long, &[second(rate, seconds - 1)], latency, blocks()).remove(0);
    let grown = early.zip(resident()).map(|(early, late)| late.saturating_sub(early));

    let (mut fresh, _control) = port(rate);
    let start = seconds - 1 - HISTORY;
    (start..seconds - 1).for_each(|n| drop(play(&mut fresh, &[second(rate, n)], 0, blocks())));
    let expected = play(&mut fresh, &[second(rate, seconds - 1)], latency, blocks()).remove(0);
    // A fresh stream's first frames know less of the past, so only what is past its history counts.
    let error = difference(&last, &expected);
    println!("{rate} Hz, {seconds} s: differs by {error:e}, memory grew by {grown:?} MiB");
    assert!(expected.iter().any(|x| x.abs() > 1e-3));
    assert!(error < 1e-5, "differs by {error:e} after {seconds} s");
    grown
}

#[test]
fn ten_minutes_are_as_exact_as_the_first_seconds() {
    run(24_000, 601);
}

#[test]
fn with_rate_conversion_too() {
    run(44_100, 121);
}

#[test]
#[ignore = "takes minutes; run it alone"]
fn ten_hours_are_as_exact_as_the_first_seconds() {
    for rate in [24_000, 44_100] {
        let grown = run(rate, 36_001);
        // Alone in its process, unlike the tests above.
        assert!(grown.is_none_or(|grown| grown <= 4), "memory grew by {grown:?} MiB");
    }
}
