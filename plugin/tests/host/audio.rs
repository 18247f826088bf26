//! The output, and its latency.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use clack_extensions::tail::TailLength;
use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::models::{embedded, embedded_precision};
use residue_engine::offline::{decode, encode};

use crate::rig::{BlockTime, ClapRig, noise};

const RATES: [u32; 8] = [8000, 22_050, 44_100, 48_000, 96_000, 192_000, 384_000, 768_000];

fn impulse(length: usize, at: usize) -> Vec<f32> {
    let mut plane = vec![0.0; length];
    plane[at] = 0.5;
    plane
}

/// An impulse in the dry lane comes out once, whole, at the reported latency.
#[test]
fn the_latency_is_the_reported_one() {
    for rate in RATES {
        for block in [1, 64, 1000, 16_384] {
            let mut rig = ClapRig::new();
            rig.set_offline(true);
            rig.set(&[("Listen", "Dry")]);
            rig.start(rate, block);
            let latency = rig.latency();
            assert!(latency > rate as usize / 100, "{latency}");
            let input = [impulse(100, 37), impulse(100, 38)];
            let out = rig.play(&input, latency, std::iter::repeat(block), &[]);
            for (channel, plane) in out.iter().enumerate() {
                let found: Vec<usize> = (0..plane.len()).filter(|&n| plane[n] != 0.0).collect();
                assert_eq!(found, [37 + channel + latency], "{rate} Hz, blocks of {block}");
                assert_eq!(plane[found[0]], 0.5);
            }
        }
    }
}

#[test]
fn the_tail_covers_the_latency_and_freeze_has_no_end() {
    let mut rig = ClapRig::offline(48_000, 512);
    rig.play(&[vec![0.1; 512], vec![0.1; 512]], 0, [512], &[]);
    let latency = rig.latency() as u32;
    match rig.tail() {
        TailLength::Finite(tail) => assert!(tail > latency && tail < 2 * latency + 4800, "{tail}"),
        TailLength::Infinite => panic!("it ends"),
    }
    rig.set(&[("Freeze", "On")]);
    rig.play(&[vec![0.1; 512], vec![0.1; 512]], 0, [512], &[]);
    assert_eq!(rig.tail(), TailLength::Infinite);
}

/// Lane A of an offline render is what `residue roundtrip --precision auto` writes, bit for bit.
#[test]
fn an_offline_render_is_the_roundtrip() {
    let model = embedded();
    let precision = embedded_precision().precision;
    let options = CodecOptions { precision, ..CodecOptions::default() };
    let codec = Codec::load_from_memory(model.config, model.weights, &options);
    let codec = codec.expect("the embedded model is sound");
    let mut progress = |_| ControlFlow::Continue(());
    for (rate, treatment, mono) in [
        (24_000, MonoTreatment::Dual, "Both channels"),
        (44_100, MonoTreatment::Mid, "Mid only"),
        (48_000, MonoTreatment::Dual, "Both channels"),
    ] {
        let length = rate as usize / 3 + 11;
        let input = vec![noise(1, length, 0.3), noise(2, length, 0.1)];
        let audio = Audio::new(rate, input.clone());
        let encoded = encode(&codec, &audio, 32, treatment, 4, &mut progress).unwrap();
        let expected = decode(&codec, &encoded, &[4], 4, &mut progress).unwrap().remove(0);
        for blocks in [vec![512], vec![1, 300, 77, 512, 5]] {
            let mut rig = ClapRig::new();
            rig.set_offline(true);
            rig.set(&[("Depth A", "4 kbps"), ("Stereo in mono models", mono)]);
            rig.start(rate, 512);
            let latency = rig.latency();
            let out = rig.play(&input, latency, blocks.iter().copied().cycle(), &[]);
            for (out, expected) in out.iter().zip(&expected.channels) {
                let same =
                    out[latency..].iter().zip(expected).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same && out.len() - latency == expected.len(), "{rate} Hz, {treatment:?}");
            }
        }
    }
}

/// Whether a host was so far ahead of the clock that it must have been found to render: for the first
/// `latency` samples nearly seven times as fast as real time, then twice as fast, and no block took long.
fn rendered(times: &[BlockTime], latency: usize, rate: u32) -> bool {
    let audio = |samples: usize| samples as f64 / f64::from(rate);
    let mut last = 0.0;
    times.iter().all(|(end, time)| {
        let time = time.as_secs_f64();
        let limit = if *end <= latency { 0.15 * audio(latency) } else { 0.5 * audio(*end) };
        time <= limit && time - std::mem::replace(&mut last, time) < 0.3
    })
}

/// Whether an output at 48 kHz is the render up to the first late frame, and the dry lane there, joined by fading the
/// difference out. Only the beginning of that frame: to catch up the codec leaves out frames, and what it decodes
/// after that is not the render any more.
fn late_frames_are_dry(out: &[f32], render: &[f32], dry: &[f32], block: usize) -> bool {
    let differs = out.iter().zip(render).position(|(out, render)| out != render);
    let Some(late) = differs else { return true };
    let step = late.checked_sub(1).map_or(0.0, |before| (render[before] - dry[before]).abs());
    // Lanes may come again with the next block, or after one frame of 10 ms.
    let end = out.len().min((late / block + 1) * block).min(late + 240);
    (late..end).all(|n| (out[n] - dry[n]).abs() <= step + 1e-6)
}

/// A host that renders as fast as possible in realtime mode. Where it was ahead of the clock throughout, it
/// gets the offline render; where the machine held it up, late frames are the dry lane.
#[test]
fn a_render_in_realtime_mode_is_complete() {
    let input = vec![noise(1, 48_000, 0.3), noise(2, 48_000, 0.3)];
    for block in [64, 512, 2048, 16_384] {
        let run = |offline: bool, listen: &str| {
            let mut rig = ClapRig::new();
            rig.set_offline(offline);
            rig.set(&[("Listen", listen)]);
            rig.start(48_000, block);
            let latency = rig.latency();
            let out = rig.play(&input, latency, std::iter::repeat(block), &[]);
            let ahead = rendered(&rig.block_times, latency, 48_000);
            (out, ahead)
        };
        let ((offline, _), (dry, _)) = (run(true, "A"), run(true, "Dry"));
        assert!(offline[0].iter().any(|x| x.abs() > 0.01));
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let (out, ahead) = run(false, "A");
            assert!(!ahead || out == offline, "blocks of {block}");
            for ((out, offline), dry) in out.iter().zip(&offline).zip(&dry) {
                let joined = late_frames_are_dry(out, offline, dry, block);
                assert!(joined, "blocks of {block}: neither the render nor the dry lane");
            }
            // A machine that is busy all the time only allows the checks of single samples.
            if ahead || Instant::now() > until {
                break;
            }
        }
    }
}

/// Bypass gives the input back, bit for bit and late by the latency, whatever the other parameters.
#[test]
fn bypass_is_the_input() {
    let mut rig = ClapRig::new();
    rig.set_offline(true);
    rig.set(&[
        ("Bypass", "On"),
        ("Input gain", "7 dB"),
        ("Output gain", "-9 dB"),
        ("Listen", "Dry-B"),
        ("Frame loss", "50 %"),
    ]);
    rig.start(44_100, 333);
    let latency = rig.latency();
    let input = vec![noise(5, 20_000, 2.0), noise(6, 20_000, 1e-39)];
    let out = rig.play(&input, latency, [333, 1, 200].into_iter().cycle(), &[]);
    for (out, input) in out.iter().zip(&input) {
        assert!(out[..latency].iter().all(|x| *x == 0.0));
        assert!(out[latency..].iter().zip(input).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

/// Going to bypass and back makes no step where both sides are the same signal.
#[test]
fn bypass_is_not_heard_where_nothing_is_bypassed() {
    let mut rig = ClapRig::new();
    rig.set_offline(true);
    rig.set(&[("Listen", "Dry")]);
    rig.start(48_000, 256);
    let latency = rig.latency();
    let changes = [rig.change(3000, "Bypass", "On"), rig.change(9000, "Bypass", "Off")];
    let tone: Vec<f32> = (0..15_000).map(|n| (n as f32 * 0.05).sin()).collect();
    let out = rig.play(&[tone.clone(), tone.clone()], latency, std::iter::repeat(256), &changes);
    for plane in out {
        let worst = plane[latency..].iter().zip(&tone).map(|(a, b)| (a - b).abs());
        assert!(worst.fold(0.0, f32::max) < 1e-6);
    }
}

/// Changes of all kinds at fixed samples sound the same however the blocks fall.
#[test]
fn automation_is_exact_to_the_sample() {
    let input = vec![noise(3, 30_000, 0.3), noise(4, 30_000, 0.3)];
    let run = |block: usize| {
        let mut rig = ClapRig::offline(48_000, 2048);
        let changes = [
            rig.change(1000, "Input gain", "-6 dB"),
            rig.change(1003, "Output gain", "3 dB"),
            rig.change(5001, "Depth A", "1 kbps"),
            rig.change(9999, "Listen", "A-B"),
            rig.change(12_345, "Mix", "30 %"),
            rig.change(15_000, "Bypass", "On"),
            rig.change(15_100, "Bypass", "Off"),
            rig.change(18_001, "Frame loss", "40 %"),
            rig.change(22_222, "Freeze", "On"),
        ];
        rig.play(&input, 0, std::iter::repeat(block), &changes)
    };
    let whole = run(2048);
    for block in [1, 64, 999] {
        assert!(run(block) == whole, "blocks of {block}");
    }
}

/// Mono, and mono that becomes stereo.
#[test]
fn layouts() {
    let input = noise(8, 9000, 0.3);
    let run = |layout: u32, inputs: usize, outputs: usize| {
        let mut rig = ClapRig::new();
        rig.layout(layout, inputs, outputs);
        rig.set_offline(true);
        rig.set(&[("Depth A", "4 kbps")]);
        rig.start(48_000, 400);
        // One stream may need less time than two.
        let latency = rig.latency();
        let input = vec![input.clone(); inputs];
        let mut out = rig.play(&input, latency, std::iter::repeat(400), &[]);
        out.iter_mut().for_each(|plane| drop(plane.drain(..latency)));
        out
    };
    let (stereo, mono, wide) = (run(0, 2, 2), run(1, 1, 1), run(2, 1, 2));
    assert_eq!((stereo.len(), mono.len(), wide.len()), (2, 1, 2));
    assert!(mono[0].iter().any(|x| x.abs() > 0.01));
    assert!(wide[0] == mono[0] && wide[1] == mono[0]);
    assert!(stereo[0] == mono[0] && stereo[1] == mono[0]);
}

/// Samples that are NaN, infinite, huge or denormal do not make the output infinite or NaN.
#[test]
fn non_finite_input_gives_finite_output() {
    let mut rig = ClapRig::offline(48_000, 512);
    let mut plane = noise(9, 10_000, 0.5);
    plane[100] = f32::NAN;
    plane[5000] = f32::INFINITY;
    plane[5001] = -1e38;
    plane[7000..8000].fill(1e-42);
    let latency = rig.latency();
    let out = rig.play(&[plane.clone(), plane], latency, std::iter::repeat(512), &[]);
    assert!(out.iter().flatten().all(|x| x.is_finite()));
}
