//! Offline, the result is the command line's, whatever the blocks.

use std::ops::ControlFlow;

use residue_engine::audio::MonoTreatment;
use residue_engine::live::{FrameEffects, ListeningSource, PortConfig, PortSettings};
use residue_engine::offline::{decode, encode};

use super::effects::{codec, model};
use super::support::{audio, offline, play, voice};

fn settings(depth: usize, source: ListeningSource) -> PortSettings {
    let frames = FrameEffects { depths: [depth, 2], ..FrameEffects::default() };
    PortSettings { source, frames, ..PortSettings::default() }
}

/// Lane A of the live path against a file through the codec at the same depth, bit for bit.
#[test]
fn lane_a_is_what_roundtrip_writes() {
    let mut progress = |_| ControlFlow::Continue(());
    for (rate, channels, treatment) in [
        (24_000, 1, MonoTreatment::Dual),
        (24_000, 2, MonoTreatment::Dual),
        (44_100, 2, MonoTreatment::Mid),
        (48_000, 1, MonoTreatment::Dual),
        (96_000, 2, MonoTreatment::Dual),
        (22_050, 1, MonoTreatment::Dual),
    ] {
        let length = rate as usize / 2 + 123;
        let input: Vec<Vec<f32>> =
            (0..channels).map(|c| voice(rate, length + 999 * c)[999 * c..].to_vec()).collect();
        let file = audio(rate, input.clone());
        let encoded = encode(codec(), &file, 32, treatment, 3, &mut progress).unwrap();
        let expected = decode(codec(), &encoded, &[8], 3, &mut progress).unwrap().remove(0);
        for blocks in [vec![1024], vec![1, 333, 64, 7], vec![20_000]] {
            let config = PortConfig {
                treatment,
                settings: settings(8, ListeningSource::A),
                ..PortConfig::new(rate, channels, 16_384)
            };
            let (mut port, _control) = offline(&config, &model());
            let latency = port.latency().total();
            let out = play(&mut port, &input, latency, blocks.iter().copied().cycle());
            for (channel, (out, expected)) in out.iter().zip(&expected.channels).enumerate() {
                let out = &out[latency..];
                let wrong = out.iter().zip(expected).position(|(a, b)| a.to_bits() != b.to_bits());
                assert_eq!(
                    (out.len(), wrong),
                    (expected.len(), None),
                    "{rate} Hz, channel {channel} of {channels}, {treatment:?}, blocks of {blocks:?}"
                );
            }
        }
    }
}

/// Changes of everything at fixed samples give the same whatever the blocks between them.
#[test]
fn automation_does_not_depend_on_the_blocks() {
    let rate = 48_000;
    let input = vec![voice(rate, 48_000); 2];
    let run = |size: usize| {
        let (mut port, _control) = offline(&PortConfig::new(rate, 2, 4096), &model());
        let mut out = vec![Vec::new(); 2];
        for (piece, at) in (0..48_000).step_by(6000).enumerate() {
            let mut next = settings(1 << (piece % 6), ListeningSource::ALL[piece % 6]);
            next.mix = 1.0 - 0.1 * piece as f32;
            next.frames.match_loudness = piece % 3 == 1;
            next.frames.freeze = piece == 4;
            next.frames.muted_layers = if piece == 6 { 0b101 } else { 0 };
            next.frames.loss.rate = if piece == 5 { 0.3 } else { 0.0 };
            port.set(&next);
            let piece: Vec<Vec<f32>> = input.iter().map(|x| x[at..at + 6000].to_vec()).collect();
            let played = play(&mut port, &piece, 0, std::iter::repeat(size));
            out.iter_mut().zip(played).for_each(|(out, played)| out.extend(played));
        }
        out
    };
    let whole = run(6000);
    assert!(whole[0].iter().any(|x| x.abs() > 0.01));
    for size in [1, 100, 4096, 1777] {
        assert!(run(size) == whole, "blocks of {size}");
    }
}

/// After a reset a port is as new.
#[test]
fn a_reset_port_is_as_new() {
    let input = vec![voice(48_000, 20_000)];
    let config =
        PortConfig { settings: settings(4, ListeningSource::A), ..PortConfig::new(48_000, 1, 512) };
    let (mut fresh, _control) = offline(&config, &model());
    let expected = play(&mut fresh, &input, 3000, std::iter::repeat(512));
    let (mut port, _control) = offline(&config, &model());
    play(&mut port, &[voice(48_000, 33_333)[5..].to_vec()], 0, std::iter::repeat(300));
    port.reset();
    assert!(play(&mut port, &input, 3000, std::iter::repeat(512)) == expected);
}

/// Ports of one process share a model's weights and threads, and do not hear each other.
#[test]
fn ports_that_share_a_model_are_independent() {
    let play_alone = |seed: usize| {
        let config = PortConfig {
            settings: settings(seed + 1, ListeningSource::A),
            ..PortConfig::new(24_000, 1, 512)
        };
        let (mut port, _control) = offline(&config, &model());
        let input = vec![voice(24_000, 24_000 + seed * 4800)[seed * 4800..].to_vec()];
        play(&mut port, &input, 2000, std::iter::repeat(512))
    };
    let expected: Vec<_> = (0..4).map(play_alone).collect();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|seed| scope.spawn(move || play_alone(seed))).collect();
        for (run, expected) in runs.into_iter().zip(expected) {
            assert!(run.join().unwrap() == expected);
        }
    });
}
