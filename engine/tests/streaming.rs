//! Any sequence of chunk sizes gives the result of the whole signal at once.

mod support;

use proptest::prelude::*;
use residue_engine::codec::{
    Codec, CodecBackend, CodecConfig, CodecOptions, Decoder, Encoder, InputError, Precision,
};
use residue_engine::tokens::Codes;
use support::{BACKENDS, CASES, assert_same, codec, codec_on, difference, folder, signal, slices};

fn encode(encoder: &mut Encoder, audio: &[Vec<f32>], frame: usize, chunks: &[usize]) -> Codes {
    let mut parts = Vec::new();
    let mut start = 0;
    for chunk in chunks {
        let end = start + chunk * frame;
        let planes: Vec<&[f32]> = audio.iter().map(|plane| &plane[start..end]).collect();
        parts.push(encoder.encode(&planes, 4).unwrap().remove(0));
        start = end;
    }
    assert_eq!(start, audio[0].len(), "the chunks cover the signal");
    Codes::concat(4, &parts)
}

fn decode(decoder: &mut Decoder, codes: &Codes, depth: usize, chunks: &[usize]) -> Vec<Vec<f32>> {
    let mut audio: Vec<Vec<f32>> = Vec::new();
    let mut start = 0;
    for chunk in chunks {
        let part = codes.slice(start..start + chunk);
        let next = decoder.decode(&[(&part, depth)]).unwrap().remove(0);
        audio.resize(next.len(), Vec::new());
        audio.iter_mut().zip(next).for_each(|(plane, next)| plane.extend(next));
        start += chunk;
    }
    audio
}

fn runs() -> impl Iterator<Item = (CodecBackend, &'static str)> {
    BACKENDS.into_iter().flat_map(|backend| CASES.map(|case| (backend.clone(), case)))
}

/// Frames that fill every window of the miniature models several times over.
const FRAMES: usize = 60;

fn offline(codec: &Codec, audio: &[Vec<f32>]) -> (Codes, Vec<Vec<f32>>) {
    let codes = codec.encoder(1).encode(&slices(audio), 4).unwrap().remove(0);
    let decoded = codec.decoder(1).decode(&[(&codes, 4)]).unwrap().remove(0);
    (codes, decoded)
}

fn test_signal(codec: &Codec) -> Vec<Vec<f32>> {
    let config = codec.config();
    signal(config.channels, FRAMES * config.frame_samples, 7)
}

#[test]
fn every_chunk_size_gives_the_offline_result() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let audio = test_signal(&codec);
        let (codes, decoded) = offline(&codec, &audio);
        for size in [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30] {
            let chunks = vec![size; FRAMES / size];
            let ours = encode(&mut codec.encoder(1), &audio, codec.config().frame_samples, &chunks);
            assert_eq!(ours, codes, "{backend:?}, {case} in chunks of {size}");
            let ours = decode(&mut codec.decoder(1), &codes, 4, &chunks);
            println!("{backend:?}, {case} in chunks of {size}");
            assert_same(&backend, &ours, &decoded);
        }
    }
}

#[test]
fn threads_and_chunks_do_not_change_a_bit() {
    for (case, precision) in CASES.into_iter().flat_map(|c| Precision::ALL.map(|p| (c, p))) {
        let audio = test_signal(&codec(case));
        let load = |threads| {
            let options = CodecOptions { threads, precision, ..CodecOptions::default() };
            Codec::load(&folder(case), &options).unwrap()
        };
        let alone = load(1);
        let frame = alone.config().frame_samples;
        let latents = alone.encoder(1).latents(&slices(&audio)).unwrap().remove(0).data;
        let (codes, decoded) = offline(&alone, &audio);
        for threads in [2, 5] {
            let codec = load(threads);
            assert_eq!(codec.threads(), threads);
            let mut encoder = codec.encoder(1);
            let mut ours = Vec::new();
            for start in (0..FRAMES).step_by(5) {
                let planes: Vec<&[f32]> =
                    audio.iter().map(|plane| &plane[start * frame..(start + 5) * frame]).collect();
                ours.extend(encoder.latents(&planes).unwrap().remove(0).data);
            }
            assert_same(&CodecBackend::Native, &[ours], std::slice::from_ref(&latents));
            let ours = decode(&mut codec.decoder(1), &codes, 4, &[3; FRAMES / 3]);
            assert_same(&CodecBackend::Native, &ours, &decoded);
        }
    }
}

#[test]
fn a_reset_stream_is_a_new_one() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let audio = test_signal(&codec);
        let frame = codec.config().frame_samples;
        let (codes, decoded) = offline(&codec, &audio);
        let mut encoder = codec.encoder(1);
        let mut decoder = codec.decoder(1);
        let other = signal(codec.config().channels, 5 * frame, 99);
        for _ in 0..2 {
            let others = encode(&mut encoder, &other, frame, &[2, 3]);
            decode(&mut decoder, &others, 3, &[5]);
            encoder.reset();
            decoder.reset();
            assert_eq!(
                encode(&mut encoder, &audio, frame, &[1; FRAMES]),
                codes,
                "{backend:?}, {case}"
            );
            assert_same(&backend, &decode(&mut decoder, &codes, 4, &[1; FRAMES]), &decoded);
        }
    }
}

/// Attention is relative where positions are rotary alone, so hour ten must sound as second one.
#[test]
fn ten_hours_in_a_stream_is_as_exact_as_at_its_start() {
    for (backend, case) in runs().filter(|(_, case)| *case != "gated") {
        let codec = codec_on(&backend, case);
        let audio = test_signal(&codec);
        let frame = codec.config().frame_samples;
        let (codes, decoded) = offline(&codec, &audio);
        let ten_hours = (36_000.0 * codec.config().frame_rate()) as u64;
        let mut encoder = codec.encoder(1);
        encoder.start_at(ten_hours);
        assert_eq!(
            encode(&mut encoder, &audio, frame, &[4; FRAMES / 4]),
            codes,
            "{backend:?}, {case}"
        );
        let mut decoder = codec.decoder(1);
        decoder.start_at(ten_hours);
        let error = difference(&decode(&mut decoder, &codes, 4, &[4; FRAMES / 4]), &decoded);
        println!("{backend:?}, {case} after ten hours: audio within {error:.1e}");
        // Angles are rounded to f32 after their exact products, so not the same bits here.
        assert!(error < 1e-5, "{backend:?}, {case}: {error}");
    }
}

/// Once the window is full, what lies before it is forgotten: a stream's output depends on nothing
/// older than the windows of all layers in a row.
#[test]
fn the_past_beyond_all_windows_does_not_matter() {
    let codec = codec("v2");
    let frame = codec.config().frame_samples;
    let audio = test_signal(&codec);
    // The encoder's deepest path back: two stages of two layers at most, each a window of frames.
    let reach = 40;
    let mut changed = audio.clone();
    for plane in &mut changed {
        plane[..(FRAMES - reach - 1) * frame].iter_mut().for_each(|x| *x = -*x * 0.5);
    }
    let last = |codes: &Codes| codes.slice(FRAMES - 1..FRAMES);
    let first = |codes: &Codes| codes.slice(0..1);
    let (codes, _) = offline(&codec, &audio);
    let (other, _) = offline(&codec, &changed);
    assert_ne!(first(&codes), first(&other), "the change reaches the codes");
    assert_eq!(last(&codes), last(&other), "and is forgotten in the end");
}

#[test]
fn lanes_in_one_batch_are_the_lanes_one_by_one() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let audio = test_signal(&codec);
        let (codes, _) = offline(&codec, &audio);
        let depths = [1, 4, 2];
        let mut together = codec.decoder(depths.len());
        let mut lanes: Vec<Vec<Vec<f32>>> = vec![Vec::new(); depths.len()];
        for start in (0..FRAMES).step_by(3) {
            let part = codes.slice(start..start + 3);
            let next = together.decode(&depths.map(|depth| (&part, depth))).unwrap();
            for (lane, next) in lanes.iter_mut().zip(next) {
                lane.resize(next.len(), Vec::new());
                lane.iter_mut().zip(next).for_each(|(plane, next)| plane.extend(next));
            }
        }
        for (lane, depth) in lanes.iter().zip(depths) {
            let alone = codec.decoder(1).decode(&[(&codes, depth)]).unwrap().remove(0);
            assert_same(&backend, lane, &alone);
        }
        assert!(difference(&lanes[0], &lanes[1]) > 1e-3, "{backend:?}, {case}: depth matters");
    }
}

/// In all precisions, with blocks that lanes and threads share: rows of three lanes of Nano.
#[test]
fn lanes_are_the_same_in_every_precision_and_for_any_threads() {
    let depths = [8, 1, 3];
    for precision in Precision::ALL {
        let mut all: Option<Vec<Vec<Vec<f32>>>> = None;
        for threads in [1, 3] {
            let options = CodecOptions { precision, threads, ..CodecOptions::default() };
            let codec = Codec::random(CodecConfig::nano(), 5, &options).unwrap();
            let audio = signal(2, 4 * codec.config().frame_samples, 3);
            let codes = codec.encoder(1).encode(&slices(&audio), 8).unwrap().remove(0);
            let alone = depths
                .map(|depth| codec.decoder(1).decode(&[(&codes, depth)]).unwrap().remove(0))
                .to_vec();
            let mut together = codec.decoder(depths.len());
            let mut lanes = vec![vec![Vec::new(); 2]; depths.len()];
            for part in [0..1, 1..4].map(|frames| codes.slice(frames)) {
                let next = together.decode(&depths.map(|depth| (&part, depth))).unwrap();
                for (lane, next) in lanes.iter_mut().zip(next) {
                    lane.iter_mut().zip(next).for_each(|(plane, next)| plane.extend(next));
                }
            }
            assert!(lanes == alone, "{precision}, {threads} threads: lanes");
            assert!(all.get_or_insert(alone) == &lanes, "{precision}: threads");
        }
    }
}

#[test]
fn streams_in_one_batch_are_the_streams_one_by_one() {
    let codec = codec("v1");
    let frame = codec.config().frame_samples;
    let left = signal(1, 12 * frame, 1);
    let right = signal(1, 12 * frame, 2);
    let both = codec.encoder(2).encode(&[&left[0], &right[0]], 4).unwrap();
    let latents = codec.encoder(2).latents(&[&left[0], &right[0]]).unwrap();
    for (i, plane) in [&left[0], &right[0]].into_iter().enumerate() {
        assert_eq!(both[i], codec.encoder(1).encode(&[plane], 4).unwrap()[0]);
        let alone = codec.encoder(1).latents(&[plane]).unwrap();
        assert_same(&CodecBackend::Native, &[latents[i].data.clone()], &[alone[0].data.clone()]);
    }
    assert_ne!(both[0], both[1]);
}

/// Depth changes on a running lane act on the frames they are given for and on nothing before.
#[test]
fn depth_changes_at_a_frame_boundary() {
    let codec = codec("nano");
    let frame = codec.config().frame_samples;
    let audio = test_signal(&codec);
    let (codes, _) = offline(&codec, &audio);
    let full = codec.decoder(1).decode(&[(&codes, 4)]).unwrap().remove(0);
    let mut decoder = codec.decoder(1);
    let head = decoder.decode(&[(&codes.slice(0..20), 4)]).unwrap().remove(0);
    let tail = decoder.decode(&[(&codes.slice(20..FRAMES), 1)]).unwrap().remove(0);
    let before: Vec<Vec<f32>> = full.iter().map(|plane| plane[..20 * frame].to_vec()).collect();
    let after: Vec<Vec<f32>> = full.iter().map(|plane| plane[20 * frame..].to_vec()).collect();
    assert_same(&CodecBackend::Native, &head, &before);
    assert!(difference(&tail, &after) > 1e-3);
}

#[test]
fn bad_input_is_an_error_and_leaves_the_stream_where_it_was() {
    let codec = codec("v2");
    let frame = codec.config().frame_samples;
    let audio = signal(2, 4 * frame, 3);
    let expected = codec.encoder(1).encode(&slices(&audio), 3).unwrap();

    let mut encoder = codec.encoder(1);
    let got =
        encode(&mut encoder, &[audio[0][..frame].into(), audio[1][..frame].into()], frame, &[1]);
    let rest: Vec<&[f32]> = audio.iter().map(|plane| &plane[frame..]).collect();
    let mut broken = rest[1].to_vec();
    broken[5] = f32::NAN;
    let cases: [(Vec<&[f32]>, usize, InputError); 6] = [
        (vec![rest[0]], 3, InputError::Planes { expected: 2, found: 1 }),
        (
            vec![rest[0], &rest[1][1..]],
            3,
            InputError::Length { plane: 1, found: 3 * frame - 1, frame },
        ),
        (
            vec![&rest[0][..frame - 1], &rest[1][..frame - 1]],
            3,
            InputError::Length { plane: 0, found: frame - 1, frame },
        ),
        (vec![rest[0], &broken], 3, InputError::NonFinite { plane: 1, sample: 5 }),
        (rest.clone(), 0, InputError::Depth { available: 6, found: 0 }),
        (rest.clone(), 7, InputError::Depth { available: 6, found: 7 }),
    ];
    for (planes, depth, error) in cases {
        let found = encoder.encode(&planes, depth).unwrap_err();
        assert_eq!(found.to_string(), error.to_string());
    }
    assert_eq!(encoder.encode(&[&[], &[]], 3).unwrap()[0].frames(), 0, "no frames are fine");
    let tail = encoder.encode(&rest, 4).unwrap().remove(0);
    let got = Codes::concat(4, &[got, tail]);
    let prefix = Codes::new(3, 4, got.data()[..12].to_vec());
    assert_eq!(prefix, expected[0]);

    let mut decoder = codec.decoder(2);
    let one = got.slice(0..1);
    let outside = Codes::new(1, 1, vec![1 << 20]);
    let size = codec.config().quantizer.codebook_size;
    let cases: [(Vec<(&Codes, usize)>, InputError); 4] = [
        (vec![(&one, 1)], InputError::Lanes { expected: 2, found: 1 }),
        (vec![(&one, 1), (&got, 1)], InputError::Frames { lane: 1, expected: 1, found: 4 }),
        (vec![(&one, 1), (&one, 5)], InputError::Depth { available: 4, found: 5 }),
        (
            vec![(&one, 1), (&outside, 1)],
            InputError::Code { layer: 0, frame: 0, found: 1 << 20, size },
        ),
    ];
    for (lanes, error) in cases {
        assert_eq!(decoder.decode(&lanes).unwrap_err().to_string(), error.to_string());
    }
    let audio = decoder.decode(&[(&one, 1), (&one, 4)]).unwrap();
    let fresh = codec.decoder(2).decode(&[(&one, 1), (&one, 4)]).unwrap();
    assert_eq!(audio, fresh, "the failed calls left no trace");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_chunk_sequences_give_the_offline_result(
        backend in prop::sample::select(&BACKENDS[..]),
        case in prop::sample::select(&CASES[..]),
        cuts in prop::collection::vec(0..FRAMES, 0..12),
    ) {
        let codec = codec_on(&backend, case);
        let audio = test_signal(&codec);
        let (codes, decoded) = offline(&codec, &audio);
        let mut edges = cuts;
        edges.extend([0, FRAMES]);
        edges.sort_unstable();
        // Equal neighbours are chunks of no frames at all.
        let chunks: Vec<usize> = edges.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let frame = codec.config().frame_samples;
        prop_assert_eq!(encode(&mut codec.encoder(1), &audio, frame, &chunks), codes.clone());
        assert_same(&backend, &decode(&mut codec.decoder(1), &codes, 4, &chunks), &decoded);
    }
}
