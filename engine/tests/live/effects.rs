//! Frame effects (depth, packet loss, freeze, muted layers), and the views of codes and lanes.

use std::ops::ControlFlow;
use std::sync::OnceLock;

use residue_engine::audio::MonoTreatment;
use residue_engine::codec::{Codec, CodecOptions, LayerSelection};
use residue_engine::live::{
    CodecModel, FrameEffects, ListeningSource, LiveModel, LossConcealment, PortConfig,
    PortSettings, SingleLaneModel,
};
use residue_engine::models::embedded;
use residue_engine::offline::encode;
use residue_engine::tokens::Codes;

use super::support::{audio, noise, offline, play, voice};

const RATE: u32 = 24_000;
const FRAME: usize = 240;

pub fn codec() -> &'static Codec {
    static CODEC: OnceLock<Codec> = OnceLock::new();
    CODEC.get_or_init(|| {
        let options = CodecOptions { threads: 1, ..CodecOptions::default() };
        let model = embedded();
        Codec::load_from_memory(model.config, model.weights, &options).expect("it is sound")
    })
}

/// The codec as a model of the live path.
pub fn model() -> CodecModel {
    CodecModel(codec().clone())
}

/// Plays a voice with settings that change at the samples given; returns lane A, aligned, and the codes
/// that were decoded.
fn run(schedule: &[(usize, FrameEffects)], frames: usize) -> (Vec<f32>, Codes) {
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 480), &model());
    let mut reader = control.codes();
    let latency = port.latency().total();
    let mut input = noisy_voice(frames);
    input.resize(frames * FRAME + latency, 0.0);
    let (mut out, mut codes) = (Vec::new(), Vec::new());
    for (i, (at, settings)) in schedule.iter().enumerate() {
        port.set(&PortSettings { frames: *settings, ..PortSettings::default() });
        let end = schedule.get(i + 1).map_or(input.len(), |next| next.0);
        for piece in input[*at..end].chunks(2000) {
            out.extend(play(&mut port, &[piece.to_vec()], 0, std::iter::repeat(77)).remove(0));
            let missed = reader.read(|frame| {
                assert_eq!((frame.streams, frame.layers), (1, 32));
                assert_eq!(frame.position as usize, codes.len() * FRAME);
                codes.push(frame.codes.to_vec());
            });
            assert_eq!(missed, 0);
        }
    }
    codes.truncate(frames);
    (out[latency..][..frames * FRAME].to_vec(), Codes::from_frames(&codes).unwrap())
}

/// Returns a voice over noise, so that no frame has the codes of silence by itself.
fn noisy_voice(frames: usize) -> Vec<f32> {
    let noise = noise(1, frames * FRAME, 0.05);
    voice(RATE, frames * FRAME).iter().zip(noise).map(|(voice, noise)| voice + noise).collect()
}

fn encoded(frames: usize) -> Codes {
    let file = audio(RATE, vec![noisy_voice(frames)]);
    let mut progress = |_| ControlFlow::Continue(());
    let treatment = MonoTreatment::Dual;
    encode(codec(), &file, 32, treatment, 8, &mut progress).unwrap().streams.remove(0)
}

fn decoded(codes: &Codes, layers: impl Into<LayerSelection> + Copy) -> Vec<f32> {
    codec().decoder(1).decode(&[(codes, layers)]).unwrap().remove(0).remove(0)
}

fn at_depth(depth: usize) -> FrameEffects {
    FrameEffects { depths: [depth, 1], ..FrameEffects::default() }
}

#[test]
fn views_see_the_codes_that_are_heard() {
    let (heard, codes) = run(&[(0, at_depth(8))], 40);
    assert_eq!(codes, encoded(40));
    assert!(heard == decoded(&codes, 8));
}

/// A depth takes effect with the first frame that starts at the sample it was set before, or later.
#[test]
fn depth_changes_at_a_frame_boundary_without_a_click() {
    let frames = 60;
    let (codes, mut decoder) = (encoded(frames), codec().decoder(1));
    let (change, first) = (20 * FRAME + 1, 21);
    let (heard, _) = run(&[(0, at_depth(32)), (change, at_depth(2))], frames);
    let mut expected = Vec::new();
    for (range, depth) in [(0..first, 32), (first..frames, 2)] {
        let part = codes.slice(range);
        expected.extend(decoder.decode(&[(&part, depth)]).unwrap().remove(0).remove(0));
    }
    let (join, end) = (first * FRAME, first * FRAME + 120);
    assert!(heard[..join] == expected[..join]);
    assert!(heard[end..] == expected[end..], "only 5 ms differ");
    // At the join the lane's difference from the input is continuous.
    let input = noisy_voice(frames);
    let error = |n: usize| heard[n] - input[n];
    assert!((error(join) - error(join - 1)).abs() < 1e-6);
    assert!((heard[end] - heard[end - 1] - (expected[end] - expected[end - 1])).abs() < 1e-3);
    // On the boundary itself it takes effect there.
    let (exact, _) = run(&[(0, at_depth(32)), (first * FRAME, at_depth(2))], frames);
    assert!(exact == heard);
}

#[test]
fn freezing_holds_the_codes_of_the_last_frame() {
    let frozen = FrameEffects { freeze: true, ..at_depth(16) };
    let schedule = [(0, at_depth(16)), (15 * FRAME, frozen), (30 * FRAME, at_depth(16))];
    let (_, codes) = run(&schedule, 40);
    let plain = encoded(40);
    for frame in 0..40 {
        let expected = if (15..30).contains(&frame) { 14 } else { frame };
        assert_eq!(codes.frame(frame), plain.frame(expected), "frame {frame}");
    }
}

#[test]
fn lost_frames_repeat_or_fall_silent_the_same_under_a_seed() {
    let plain = encoded(60);
    let silent = codec().encoder(1).encode(&[&[0.0; FRAME]], 32).unwrap().remove(0).frame(0);
    let lossy = |fill, seed| {
        let mut settings = at_depth(16);
        settings.loss.rate = 0.3;
        settings.loss.burst = 3.0;
        settings.loss.fill = fill;
        settings.loss.seed = seed;
        run(&[(0, settings)], 60)
    };
    let (heard, silenced) = lossy(LossConcealment::Silence, 5);
    let lost: Vec<usize> =
        (0..60).filter(|&frame| silenced.frame(frame) != plain.frame(frame)).collect();
    assert!((5..35).contains(&lost.len()), "{lost:?}");
    assert!(lost.iter().all(|&frame| silenced.frame(frame) == silent));
    assert!(heard == decoded(&silenced, 16));
    assert!(lossy(LossConcealment::Silence, 5) == (heard, silenced.clone()));
    assert!(lossy(LossConcealment::Silence, 6).1 != silenced);

    let (_, repeated) = lossy(LossConcealment::Repeat, 5);
    let mut last = silent;
    for frame in 0..60 {
        if !lost.contains(&frame) {
            last = plain.frame(frame);
        }
        assert_eq!(repeated.frame(frame), last, "frame {frame}");
    }
}

#[test]
fn muted_layers_are_left_out() {
    let codes = encoded(20);
    let (mute, solo) = (1 << 3, !(1u64 << 3));
    for muted_layers in [mute, solo, u64::MAX] {
        let settings = FrameEffects { muted_layers, ..at_depth(16) };
        let (heard, _) = run(&[(0, settings)], 20);
        assert!(heard == decoded(&codes, LayerSelection { depth: 16, muted: muted_layers }));
    }
    assert!(decoded(&codes, LayerSelection { depth: 16, muted: mute }) != decoded(&codes, 16));
}

/// Lanes with the gain on are as loud as the original; without it the lower depth is not.
#[test]
fn loudness_is_matched_when_asked_for() {
    let power = |matched: bool, source| {
        let mut config = PortConfig::new(RATE, 1, 480);
        config.settings.frames = FrameEffects { depths: [2, 1], ..at_depth(2) };
        config.settings.frames.match_loudness = matched;
        config.settings.source = source;
        let (mut port, _control) = offline(&config, &model());
        let input = voice(RATE, 5 * RATE as usize);
        let out = play(&mut port, &[input], 0, std::iter::repeat(480)).remove(0);
        let end = &out[3 * RATE as usize..];
        10.0 * (end.iter().map(|x| x * x).sum::<f32>() / end.len() as f32).log10()
    };
    let dry = power(false, ListeningSource::Dry);
    for source in [ListeningSource::A, ListeningSource::B] {
        let (off, on) = (power(false, source) - dry, power(true, source) - dry);
        assert!(off < -1.5, "{source:?} is quieter by itself: {off} dB");
        assert!(on.abs() < 2.0, "{source:?}: {on} dB");
    }
}

/// The three lanes, as they are played, aligned.
#[test]
fn views_see_the_lanes_that_are_played() {
    let (mut port, control) = offline(&PortConfig::new(RATE, 1, 480), &model());
    port.set(&PortSettings {
        source: ListeningSource::Dry,
        frames: at_depth(8),
        ..PortSettings::default()
    });
    let latency = port.latency().total();
    let input = voice(RATE, 3 * RATE as usize)[RATE as usize..].to_vec();
    let mut reader = control.lanes();
    let (mut lanes, mut dry) = ([const { Vec::new() }; 3], Vec::new());
    for piece in input.chunks(4800) {
        dry.extend(play(&mut port, &[piece.to_vec()], 0, std::iter::repeat(480)).remove(0));
        let missed = reader.read(|samples| {
            lanes.iter_mut().zip(samples).for_each(|(lane, x)| lane.push(x));
        });
        assert_eq!(missed, 0);
    }
    assert!(lanes[0] == dry);
    let codes = encoded_all(&input);
    for (lane, depth) in [(1, 8), (2, 1)] {
        let expected = decoded(&codes, depth);
        assert!(lanes[lane][latency..] == expected[..input.len() - latency]);
    }
}

fn encoded_all(input: &[f32]) -> Codes {
    codec().encoder(1).encode(&[input], 32).unwrap().remove(0)
}

/// A model that leaves out lane A or B gives the other as it is beside it, through losses and changes of depth.
#[test]
fn a_single_lane_is_the_lane_of_two() {
    let input = voice(RATE, 3 * RATE as usize);
    let run = |model: &dyn LiveModel, source: ListeningSource| {
        let mut config = PortConfig::new(RATE, 1, 512);
        config.settings.source = source;
        config.settings.frames.depths = [20, 3];
        config.settings.frames.loss.rate = 0.2;
        let (mut port, _control) = offline(&config, model);
        let mut played = Vec::new();
        for (n, block) in input.chunks(512).enumerate() {
            if n == 40 {
                let mut settings = *port.settings();
                settings.frames.depths = [5, 9];
                port.set(&settings);
            }
            let mut block = block.to_vec();
            port.process(&mut [&mut block]);
            played.extend(block);
        }
        played
    };
    for (lane, sources) in [
        (0, [ListeningSource::A, ListeningSource::DryMinusA]),
        (1, [ListeningSource::B, ListeningSource::DryMinusB]),
    ] {
        for source in sources {
            let single = SingleLaneModel { codec: codec().clone(), lane };
            let (both, single) = (run(&model(), source), run(&single, source));
            assert!(both == single && both.iter().any(|x| x.abs() > 0.01), "{source:?}");
        }
    }
}
