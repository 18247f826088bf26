//! Codes of somebody else's making, heard as they arrive.

use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::live::{
    FrameEffects, ListeningSource, NO_CODE, PortConfig, PortSettings, open_port, playback, tokens,
};
use residue_engine::tokens::Codes;

use super::effects::codec;
use super::support::{offline, play, voice};

const RATE: u32 = 24_000;
const FRAME: usize = 240;

fn codes(frames: usize) -> Codes {
    let audio = voice(RATE, (frames + 20) * FRAME)[20 * FRAME..].to_vec();
    codec().encoder(1).encode(&[&audio], 32).unwrap().remove(0)
}

fn config(channels: usize, depths: [usize; 2], source: ListeningSource) -> PortConfig {
    let frames = FrameEffects { depths, ..FrameEffects::default() };
    let settings = PortSettings { source, frames, ..PortSettings::default() };
    PortConfig { settings, ..PortConfig::new(RATE, channels, 480) }
}

fn decoded(codes: &Codes, depth: usize) -> Vec<f32> {
    codec().decoder(1).decode(&[(codes, depth)]).unwrap().remove(0).remove(0)
}

/// Frames that are there are played one after the other, at both depths, and nothing of the input is
/// heard; a stereo port hears the one stream on both sides.
#[test]
fn codes_are_heard_at_any_depth() {
    let codes = codes(30);
    for (source, depth) in [(ListeningSource::A, 16), (ListeningSource::B, 2)] {
        let (feed, model) = tokens(codec().clone(), 0);
        (0..30).for_each(|frame| feed.push(codes.frame(frame)).unwrap());
        let (mut port, _control) = offline(&config(2, [16, 2], source), &model);
        let latency = port.latency().total();
        let input = vec![voice(RATE, 40 * FRAME); 2];
        let out = play(&mut port, &input, latency, std::iter::repeat(480));
        let expected = decoded(&codes, depth);
        for plane in out {
            assert!(plane[latency..][..30 * FRAME] == expected);
            assert!(plane[latency + 30 * FRAME..][..10 * FRAME].iter().all(|x| *x == 0.0));
        }
        assert_eq!((feed.heard(), feed.waiting()), (30, 0));
    }
}

/// A stream that pauses is silent, goes on where it stopped, and is counted; it starts again when
/// enough is there, or when it is known that no more will come.
#[test]
fn a_gap_is_silence_and_the_decoder_waits() {
    let codes = codes(12);
    let (feed, model) = tokens(codec().clone(), 3);
    let (mut port, control) = offline(&config(1, [8, 1], ListeningSource::A), &model);
    let mut seen = control.codes();
    let latency = port.latency().total();
    let mut out = Vec::new();
    let mut frames = |count: usize, out: &mut Vec<f32>| {
        let silence = vec![vec![0.0; count * FRAME]];
        out.extend(play(&mut port, &silence, 0, std::iter::repeat(480)).remove(0));
    };
    let push = |range: std::ops::Range<usize>| {
        range.for_each(|frame| feed.push(codes.frame(frame)).unwrap());
    };
    push(0..2);
    frames(5, &mut out);
    assert_eq!(feed.heard(), 0, "two are fewer than three");
    push(2..6);
    frames(10, &mut out);
    assert_eq!((feed.heard(), feed.gaps()), (6, 1));
    push(6..8);
    feed.finish();
    frames(10, &mut out);
    assert_eq!((feed.heard(), feed.gaps()), (8, 1));
    frames(latency.div_ceil(FRAME), &mut out);

    let mut shown = Vec::new();
    seen.read(|frame| shown.push(frame.codes[0]));
    let played: Vec<usize> = (0..shown.len()).filter(|&n| shown[n] != NO_CODE).collect();
    assert_eq!(played.len(), 8);
    let expected = decoded(&codes.slice(0..8), 8);
    for (n, &at) in played.iter().enumerate() {
        let audio = &out[latency + at * FRAME..][..FRAME];
        assert!(audio == &expected[n * FRAME..][..FRAME], "frame {n} at {at}");
        assert_eq!(shown[at], codes.get(0, n));
    }
}

/// Timing the model for an automatic allowance takes no frame away.
#[test]
fn a_rehearsal_takes_no_codes() {
    let codes = codes(5);
    let (feed, model) = tokens(codec().clone(), 0);
    (0..5).for_each(|frame| feed.push(codes.frame(frame)).unwrap());
    let (mut port, _control) = open_port(&config(1, [8, 1], ListeningSource::A), &model).unwrap();
    assert_eq!((feed.heard(), feed.waiting()), (0, 5));
    port.set_offline(true);
    let latency = port.latency().total();
    let out = play(&mut port, &[vec![0.0; 5 * FRAME]], latency, std::iter::repeat(100)).remove(0);
    assert!(out[latency..] == decoded(&codes, 8));
}

/// Fewer layers than the model has are heard as they are, and nonsense is refused by name.
#[test]
fn partial_frames_are_heard_and_nonsense_is_refused() {
    let codes = codes(10).truncated(4);
    let (feed, model) = tokens(codec().clone(), 0);
    (0..10).for_each(|frame| feed.push(codes.frame(frame)).unwrap());
    let (mut port, _control) = offline(&config(1, [32, 1], ListeningSource::A), &model);
    let latency = port.latency().total();
    let out = play(&mut port, &[vec![0.0; 10 * FRAME]], latency, std::iter::repeat(333)).remove(0);
    assert!(out[latency..] == decoded(&codes, 4));

    assert!(feed.push(vec![0; 33]).unwrap_err().to_string().contains("33 layers"));
    assert!(feed.push(vec![1024]).unwrap_err().to_string().contains("1024"));
    assert!(feed.push(Vec::new()).is_err());
    drop(port);
    drop(model);
}

/// Codes that are all there are played from any frame on, again after each reset.
#[test]
fn a_playback_starts_where_it_is_told() {
    let codes = codes(20);
    let (playback, model) = playback(codec().clone(), codes.clone()).unwrap();
    let (mut port, _control) = offline(&config(1, [8, 1], ListeningSource::A), &model);
    let latency = port.latency().total();
    for start in [0, 12, 19] {
        playback.start_at(start as u64);
        port.reset();
        let silence = vec![vec![0.0; 22 * FRAME]];
        let out = play(&mut port, &silence, latency, std::iter::repeat(480)).remove(0);
        let expected = decoded(&codes.slice(start..20), 8);
        let (played, after) = out[latency..].split_at(expected.len());
        assert!(played == expected, "from frame {start}");
        assert!(after.iter().all(|x| *x == 0.0));
    }
}

/// The same codes can be taken to the same model in another precision, and to no smaller one.
#[test]
fn codes_go_to_another_codec_that_has_them() {
    let codes = codes(6);
    let (_, model) = playback(codec().clone(), codes.clone()).unwrap();
    let model = model.with_codec(codec().clone()).unwrap();
    let (mut port, _control) = offline(&config(1, [32, 1], ListeningSource::A), &model);
    let latency = port.latency().total();
    let out = play(&mut port, &[vec![0.0; 6 * FRAME]], latency, std::iter::repeat(480)).remove(0);
    assert!(out[latency..] == decoded(&codes, 32));

    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    let small = Codec::load(&folder, &CodecOptions::default()).unwrap();
    assert!(small.config().quantizer.layers < 32);
    let (_feed, fed) = tokens(codec().clone(), 0);
    for model in [model, fed] {
        let error = model.with_codec(small.clone()).err().unwrap();
        assert!(error.to_string().contains("32 layers"), "{error}");
    }
    assert!(playback(small, codes).is_err());
}
