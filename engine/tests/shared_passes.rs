//! States that share passes give the results that each gives alone, bit for bit.

mod support;

use proptest::prelude::*;
use residue_engine::codec::{
    Codec, CodecOptions, DecodeRequest, Decoder, EncodeRequest, Encoder, LayerSelection, Precision,
};
use residue_engine_testing::SeededNoise;
use support::{folder, signal};

const CASES: [&str; 4] = ["v1", "v2", "nano", "gated"];
const DEPTH: usize = 4;

fn load(case: &str, precision: Precision, threads: usize) -> Codec {
    let options = CodecOptions { precision, threads, ..CodecOptions::default() };
    Codec::load(&folder(case), &options).unwrap()
}

/// A stream of audio that is encoded, and decoded in some lanes.
struct Stream {
    encoder: Encoder,
    decoder: Decoder,
    streams: usize,
    lanes: Vec<LayerSelection>,
    /// Planes of all streams.
    audio: Vec<Vec<f32>>,
    /// Frame that comes next.
    next: usize,
}

/// A chunk of a stream: its planes, and room for codes and audio.
struct Chunk<'a> {
    planes: Vec<&'a [f32]>,
    frames: usize,
    codes: Vec<u32>,
    decoded: Vec<f32>,
}

const FRAMES: usize = 40;

impl Stream {
    fn new(codec: &Codec, streams: usize, lanes: &[usize], seed: u32) -> Self {
        let config = codec.config();
        let lanes: Vec<LayerSelection> = lanes.iter().map(|depth| (*depth).into()).collect();
        let mut encoder = codec.encoder(streams);
        let mut decoder = codec.decoder(lanes.len());
        // Each at its own position.
        encoder.start_at(u64::from(seed) * 1000);
        decoder.start_at(u64::from(seed) * 1000);
        let audio = signal(streams * config.channels, FRAMES * config.frame_samples, seed + 1);
        Self { encoder, decoder, streams, lanes, audio, next: 0 }
    }
}

/// Returns the next `frames` of the stream's audio.
fn chunk<'a>(
    audio: &'a [Vec<f32>],
    (next, frames): (usize, usize),
    (streams, lanes): (usize, usize),
    codec: &Codec,
) -> Chunk<'a> {
    let frame = codec.config().frame_samples;
    let part = next * frame..(next + frames) * frame;
    Chunk {
        planes: audio.iter().map(|plane| &plane[part.clone()]).collect(),
        frames,
        codes: vec![0; streams * DEPTH * frames],
        decoded: vec![0.0; lanes * codec.config().channels * frames * frame],
    }
}

/// Encodes and decodes the next frames of the streams together; the results are appended to `out`.
fn run(codec: &Codec, streams: &mut [(&mut Stream, usize)], out: &mut [(Vec<u32>, Vec<u32>)]) {
    let audio: Vec<Vec<Vec<f32>>> = streams.iter().map(|(s, _)| s.audio.clone()).collect();
    let mut chunks: Vec<Chunk<'_>> = streams
        .iter()
        .zip(&audio)
        .map(|((s, frames), audio)| {
            chunk(audio, (s.next, *frames), (s.streams, s.lanes.len()), codec)
        })
        .collect();
    let mut requests: Vec<_> = streams
        .iter_mut()
        .zip(&mut chunks)
        .map(|((s, _), chunk)| {
            let (encoder, planes) = (&mut s.encoder, &chunk.planes[..]);
            EncodeRequest { encoder, planes, depth: DEPTH, codes: &mut chunk.codes }
        })
        .collect();
    Encoder::encode_together(&mut requests).into_iter().for_each(Result::unwrap);
    // Lanes take the streams in turn.
    let lanes: Vec<Vec<(Vec<u32>, LayerSelection)>> = streams
        .iter()
        .zip(&chunks)
        .map(|((s, _), chunk)| {
            let of_stream = |lane: usize| {
                let mut codes = chunk.codes.chunks_exact(DEPTH * chunk.frames);
                codes.nth(lane % s.streams).unwrap().to_vec()
            };
            s.lanes.iter().enumerate().map(|(i, layers)| (of_stream(i), *layers)).collect()
        })
        .collect();
    let lanes: Vec<Vec<(&[u32], LayerSelection)>> = lanes
        .iter()
        .map(|lanes| lanes.iter().map(|(codes, layers)| (&codes[..], *layers)).collect())
        .collect();
    let mut requests: Vec<_> = streams
        .iter_mut()
        .zip(&mut chunks)
        .zip(&lanes)
        .map(|(((s, frames), chunk), lanes)| DecodeRequest {
            decoder: &mut s.decoder,
            lanes,
            frames: *frames,
            audio: &mut chunk.decoded,
        })
        .collect();
    Decoder::decode_together(&mut requests).into_iter().for_each(Result::unwrap);
    for (((s, frames), chunk), (codes, decoded)) in streams.iter_mut().zip(&chunks).zip(out) {
        s.next += *frames;
        codes.extend(&chunk.codes);
        decoded.extend(chunk.decoded.iter().map(|x| x.to_bits()));
    }
}

/// Shapes of the streams in the tests: streams, depths of the lanes.
const SHAPES: [(usize, &[usize]); 5] =
    [(1, &[4]), (2, &[4, 1, 2]), (1, &[3, 4]), (2, &[1, 1, 4, 4]), (1, &[2])];

/// Runs chunks of random sizes of random subsets of the streams, and compares with each stream alone.
fn check_schedule(case: &str, precision: Precision, threads: usize, seed: u32) {
    let codec = load(case, precision, threads);
    let make = |i: usize| Stream::new(&codec, SHAPES[i].0, SHAPES[i].1, i as u32);
    let mut random = SeededNoise::new(seed);
    let mut below =
        |n: usize| ((random.sample() * 0.5 + 0.5) * n as f32).min(n as f32 - 1.0) as usize;
    let mut together: Vec<Stream> = (0..SHAPES.len()).map(make).collect();
    let mut found = vec![(Vec::new(), Vec::new()); SHAPES.len()];
    let mut schedules = vec![Vec::new(); SHAPES.len()];
    while together.iter().any(|stream| stream.next < FRAMES) {
        let mut taking = Vec::new();
        let mut out = Vec::new();
        let mut taken = Vec::new();
        for (i, stream) in together.iter_mut().enumerate() {
            // More frames than a pass has, now and then.
            let most = if below(6) == 0 { 20 } else { 4 };
            let frames = (1 + below(most)).min(FRAMES - stream.next);
            if below(3) > 0 && frames > 0 {
                schedules[i].push(frames);
                taking.push((stream, frames));
                out.push(std::mem::take(&mut found[i]));
                taken.push(i);
            }
        }
        run(&codec, &mut taking, &mut out);
        taken.into_iter().zip(out).for_each(|(i, out)| found[i] = out);
    }
    for (i, schedule) in schedules.iter().enumerate() {
        let mut alone = make(i);
        let mut expected: (Vec<u32>, Vec<u32>) = Default::default();
        for frames in schedule {
            let audio = alone.audio.clone();
            let shape = (alone.streams, alone.lanes.len());
            let mut chunk = chunk(&audio, (alone.next, *frames), shape, &codec);
            alone.encoder.encode_into(&chunk.planes, DEPTH, &mut chunk.codes).unwrap();
            let of_stream: Vec<&[u32]> = chunk.codes.chunks_exact(DEPTH * frames).collect();
            let lanes = alone.lanes.iter().enumerate();
            let lanes: Vec<_> =
                lanes.map(|(lane, layers)| (of_stream[lane % alone.streams], *layers)).collect();
            alone.decoder.decode_into(&lanes, *frames, &mut chunk.decoded).unwrap();
            alone.next += frames;
            expected.0.extend(&chunk.codes);
            expected.1.extend(chunk.decoded.iter().map(|x| x.to_bits()));
        }
        assert!(found[i].0 == expected.0, "{case} {precision}: codes of stream {i}");
        assert!(found[i].1 == expected.1, "{case} {precision}: audio of stream {i}");
        assert!(found[i].1.iter().any(|bits| f32::from_bits(*bits).abs() > 1e-4));
    }
}

#[test]
fn shared_passes_do_not_change_a_bit() {
    for (case, precision) in CASES.into_iter().flat_map(|c| Precision::ALL.map(|p| (c, p))) {
        check_schedule(case, precision, 2, 5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    #[test]
    fn nor_does_any_schedule(
        case in prop::sample::select(&CASES[..]),
        precision in prop::sample::select(&Precision::ALL[..]),
        threads in 1usize..4,
        seed in any::<u32>(),
    ) {
        check_schedule(case, precision, threads, seed);
    }
}

#[test]
fn more_rows_than_a_pass_takes_are_computed_in_several() {
    let codec = load("nano", Precision::F32, 2);
    let count = 40;
    let make = |i: usize| Stream::new(&codec, 2, &[4, 2, 1, 3], i as u32 % 3);
    let mut streams: Vec<Stream> = (0..count).map(make).collect();
    let mut out = vec![(Vec::new(), Vec::new()); count];
    let mut parts: Vec<_> = streams.iter_mut().map(|stream| (stream, 7)).collect();
    run(&codec, &mut parts, &mut out);
    for i in 3..count {
        assert!(out[i] == out[i % 3], "stream {i}");
    }
    assert!(out[0] != out[1] && out[1] != out[2]);
}

#[test]
fn a_request_that_is_refused_leaves_the_others_and_its_own_state_alone() {
    let codec = load("v1", Precision::F32, 1);
    let frame = codec.config().frame_samples;
    let audio = signal(1, 2 * frame, 3).remove(0);
    let mut broken = audio.clone();
    broken[frame + 7] = f32::NAN;
    let mut encoders = [0; 3].map(|_| codec.encoder(1));
    let mut codes = [0; 3].map(|_| vec![0u32; DEPTH * 2]);
    let mut go = |planes: [&[f32]; 3]| -> Vec<bool> {
        let planes = planes.map(|plane| [plane]);
        let mut requests: Vec<_> = encoders
            .iter_mut()
            .zip(&planes)
            .zip(&mut codes)
            .map(|((encoder, planes), codes)| EncodeRequest {
                encoder,
                planes,
                depth: DEPTH,
                codes,
            })
            .collect();
        Encoder::encode_together(&mut requests).iter().map(Result::is_ok).collect()
    };
    assert_eq!(go([&audio, &broken, &audio]), [true, false, true]);
    assert_eq!(go([&audio, &audio, &audio[..frame]]), [true, true, false]);
    let mut alone = codec.encoder(1);
    let mut expected = vec![0; DEPTH * 2];
    alone.encode_into(&[&audio], DEPTH, &mut expected).unwrap();
    assert_eq!(codes[1], expected, "the first frames of the stream that was refused");
    alone.encode_into(&[&audio], DEPTH, &mut expected).unwrap();
    assert_eq!(codes[0], expected);

    let mut decoders = [0; 2].map(|_| codec.decoder(1));
    let mut decoded = [0; 2].map(|_| vec![0f32; 2 * frame]);
    let wrong = vec![u32::MAX; DEPTH * 2];
    let lanes = [&wrong, &expected].map(|codes| [(&codes[..], LayerSelection::from(DEPTH))]);
    let mut requests: Vec<_> = decoders
        .iter_mut()
        .zip(&lanes)
        .zip(&mut decoded)
        .map(|((decoder, lanes), audio)| DecodeRequest { decoder, lanes, frames: 2, audio })
        .collect();
    let results = Decoder::decode_together(&mut requests);
    assert!(results[0].is_err() && results[1].is_ok(), "{results:?}");
    let mut alone = vec![0f32; 2 * frame];
    codec.decoder(1).decode_into(&lanes[1], 2, &mut alone).unwrap();
    assert_eq!(decoded[1], alone);
    assert!(decoded[0].iter().all(|x| *x == 0.0));
}
