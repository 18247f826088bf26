//! What is heard: sources, mix, crossfades.

use residue_engine::live::{ListeningSource, PortConfig, PortSettings, SOURCE_FADE};

use super::support::{Identity, db, difference, noise, offline, play, voice};

/// At the model's own rate nothing is lost on the way: what a model that changes nothing leaves
/// behind is silence.
#[test]
fn dry_minus_a_of_an_identity_is_silence() {
    let model = Identity::new(48_000, 2, 3840);
    for source in [ListeningSource::DryMinusA, ListeningSource::DryMinusB, ListeningSource::AMinusB]
    {
        let mut config = PortConfig::new(48_000, 2, 480);
        config.settings.source = source;
        let (mut port, _control) = offline(&config, &model);
        let input = [noise(1, 48_000, 1.0), voice(48_000, 48_000)];
        let out = play(&mut port, &input, 10_000, std::iter::repeat(480));
        let peak = out.iter().flatten().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(db(peak) < -120.0, "{source:?}: {} dBFS", db(peak));
    }
}

/// Dry is the input, bit for bit, odd values included, whatever the model does.
#[test]
fn dry_is_bit_exact() {
    let model = Identity::new(24_000, 1, 480).with(|_, audio| {
        audio.fill(0.7);
        Ok(())
    });
    let mut config = PortConfig::new(44_100, 2, 256);
    config.settings.source = ListeningSource::Dry;
    let (mut port, _control) = offline(&config, &model);
    let latency = port.latency().total();
    let mut input = noise(3, 30_000, 4.0);
    input[100..104].copy_from_slice(&[-0.0, 1e-40, -1e-40, f32::MAX]);
    let out = play(&mut port, &[input.clone(), input.clone()], latency, std::iter::repeat(256));
    for plane in out {
        let same = plane[latency..].iter().zip(&input).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same);
    }
}

/// A change between sources that carry the same signal is not heard at all, and any change takes the
/// stated time, without a step.
#[test]
fn source_changes_crossfade_with_equal_gain() {
    let rate = 48_000;
    let fade = (SOURCE_FADE.as_secs_f64() * f64::from(rate)) as usize;
    let tone: Vec<f32> = (0..rate as usize).map(|n| 0.5 * (n as f32 * 0.02).sin()).collect();
    let model = Identity::new(rate, 1, 480);
    let (mut port, _control) = offline(&PortConfig::new(rate, 1, 64), &model);
    let latency = port.latency().total();
    let mut out = Vec::new();
    for (piece, source) in tone.chunks(5000).zip([
        ListeningSource::A,
        ListeningSource::Dry,
        ListeningSource::B,
        ListeningSource::DryMinusA,
        ListeningSource::A,
        ListeningSource::Dry,
    ]) {
        port.set(&PortSettings { source, ..*port.settings() });
        out.extend(play(&mut port, &[piece.to_vec()], 0, std::iter::repeat(64)).remove(0));
    }
    let delayed: Vec<f32> =
        (0..out.len()).map(|n| if n < latency { 0.0 } else { tone[n - latency] }).collect();
    assert!(difference(&out[..15_000], &delayed[..15_000]) < 1e-6, "A, dry and B are the same");
    assert!(out[15_000 + fade..20_000].iter().all(|x| *x == 0.0), "silent after {fade} samples");
    assert!(out[15_000 + fade / 2..15_000 + fade].iter().any(|x| *x != 0.0));
    let step = out[latency..].windows(2).fold(0.0f32, |most, x| most.max((x[1] - x[0]).abs()));
    assert!(step < 0.012, "{step}");
}

/// The mix goes from dry to the source.
#[test]
fn the_mix_blends_towards_dry() {
    let model = Identity::new(24_000, 1, 480).with(|_, audio| {
        audio.iter_mut().for_each(|x| *x *= -1.0);
        Ok(())
    });
    for (mix, expected) in [(1.0, -1.0), (0.75, -0.5), (0.5, 0.0), (0.0, 1.0), (f32::NAN, -1.0)] {
        let mut config = PortConfig::new(24_000, 1, 100);
        config.settings.mix = mix;
        let (mut port, _control) = offline(&config, &model);
        let latency = port.latency().total();
        let input = noise(5, 3000, 0.5);
        let out = play(&mut port, std::slice::from_ref(&input), latency, std::iter::repeat(100));
        let out = out[0].clone();
        let scaled: Vec<f32> = input.iter().map(|x| x * expected).collect();
        assert!(difference(&out[latency..], &scaled) < 1e-6, "mix {mix}");
    }
}

/// The lanes of each block, put together, are what was played, numbered like the codes, without the
/// silence before a stream.
#[test]
fn the_last_block_holds_its_lanes() {
    let model = Identity::new(24_000, 1, 480).with(|_, audio| {
        let lane_b = audio.len() / 2;
        audio[lane_b..].iter_mut().for_each(|x| *x *= -1.0);
        Ok(())
    });
    let mut config = PortConfig::new(24_000, 2, 256);
    config.settings.source = ListeningSource::AMinusB;
    let (mut port, _control) = offline(&config, &model);
    let latency = port.latency().total();
    let mut next = 0;
    for stream in 0..2 {
        let input = [noise(7 + stream, 3000, 0.5), noise(17 + stream, 3000, 0.5)];
        let mut lanes: Vec<Vec<f32>> = vec![Vec::new(); 8];
        let mut silent = 0;
        let padded = input.clone().map(|mut plane| {
            plane.resize(3000 + latency, 0.0);
            plane
        });
        for at in (0..3000 + latency).step_by(200) {
            let end = (at + 200).min(3000 + latency);
            let piece = [padded[0][at..end].to_vec(), padded[1][at..end].to_vec()];
            play(&mut port, &piece, 0, std::iter::repeat(200));
            let block = port.last_block();
            silent += end - at - block.len();
            if !block.is_empty() {
                assert!(lanes[0].len() as u64 + next == block.first());
            }
            for channel in 0..2 {
                let planes = [
                    block.dry(channel),
                    block.lane(0, channel),
                    block.lane(1, channel),
                    block.heard(channel),
                ];
                for (kind, plane) in planes.iter().enumerate() {
                    lanes[2 * kind + channel].extend_from_slice(plane);
                }
            }
        }
        assert_eq!(silent, latency);
        for channel in 0..2 {
            let scaled = |by: f32| input[channel].iter().map(|x| x * by).collect::<Vec<_>>();
            assert!(lanes[channel] == input[channel]);
            assert!(lanes[2 + channel] == input[channel]);
            assert!(lanes[4 + channel] == scaled(-1.0));
            assert!(lanes[6 + channel] == scaled(2.0));
        }
        port.reset();
        next += (3000 + latency) as u64;
    }
}
