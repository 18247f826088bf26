//! Ports of one process that run one model: each gives what it would give alone, whatever the others do.

mod support;

use std::sync::Barrier;
use std::time::{Duration, Instant};

use residue_engine::codec::{Codec, CodecOptions, Precision};
use residue_engine::dsp::SplitMix64;
use residue_engine::live::{
    CodecModel, DecodedFrames, FrameBatch, FrameEffects, FrameProcessor, LiveModel, PacketLoss,
    SharedCodecModel, SharedPasses,
};
use support::{folder, signal, slices};

fn load(case: &str, precision: Precision) -> Codec {
    let options = CodecOptions { precision, threads: 2, ..CodecOptions::default() };
    Codec::load(&folder(case), &options).unwrap()
}

/// An instance's streams, its input, and the events at its frames.
struct Script {
    streams: usize,
    audio: Vec<Vec<f32>>,
    /// Frames of each call, with the settings, and whether the stream starts anew before it.
    calls: Vec<(usize, FrameEffects, bool)>,
}

impl Script {
    fn new(codec: &Codec, seed: u64) -> Self {
        let config = codec.config();
        let mut random = SplitMix64::new(seed);
        let streams = 1 + random.below(2);
        let call = |_| {
            let loss = PacketLoss { rate: 0.2, seed, ..PacketLoss::default() };
            let depths = [1 + random.below(4), 1 + random.below(4)];
            let effects = FrameEffects { depths, loss, ..FrameEffects::default() };
            (1 + random.below(4), effects, random.below(8) == 0)
        };
        let calls: Vec<_> = (0..16).map(call).collect();
        let frames: usize = calls.iter().map(|call| call.0).sum();
        let samples = frames * config.frame_samples;
        Self { streams, audio: signal(streams * config.channels, samples, seed as u32), calls }
    }

    /// Runs the script on a processor; returns the bits of audio, and the codes. `pause` is called before each call.
    fn run(
        &self,
        processor: &mut dyn FrameProcessor,
        frame: usize,
        mut pause: impl FnMut() -> Option<Instant>,
    ) -> (Vec<u32>, Vec<u32>) {
        let (mut bits, mut codes) = (Vec::new(), Vec::new());
        let mut out = DecodedFrames::default();
        let (mut from, mut first_frame) = (0, 0);
        for (count, settings, restarts) in &self.calls {
            if *restarts {
                processor.reset();
                first_frame = 0;
            }
            let planes: Vec<&[f32]> = slices(&self.audio)
                .into_iter()
                .map(|plane| &plane[from * frame..(from + count) * frame])
                .collect();
            let frames = FrameBatch {
                first_frame,
                count: *count,
                planes: &planes,
                settings,
                timing_only: false,
                due: pause(),
            };
            processor.process(&frames, &mut out).unwrap();
            bits.extend(out.audio.iter().map(|x| x.to_bits()));
            codes.extend(&out.codes);
            from += count;
            first_frame += *count as u64;
        }
        (bits, codes)
    }
}

/// Instances of different shapes that come and go at random times.
fn check(case: &str, precision: Precision, seed: u64) {
    let shared = load(case, precision);
    let alone = load(case, precision);
    let frame = shared.config().frame_samples;
    let scripts: Vec<Script> = (0..5).map(|i| Script::new(&shared, seed + i)).collect();
    let barrier = Barrier::new(scripts.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = scripts
            .iter()
            .zip(seed..)
            .map(|(script, seed)| {
                let (shared, barrier) = (&shared, &barrier);
                scope.spawn(move || {
                    let mut random = SplitMix64::new(seed);
                    let mut all = Vec::new();
                    barrier.wait();
                    for _ in 0..2 {
                        let model = SharedCodecModel(shared.clone());
                        let mut processor = model.processor(script.streams).unwrap();
                        all.push(script.run(&mut *processor, frame, || {
                            std::thread::sleep(Duration::from_micros(random.below(500) as u64));
                            let ahead = Duration::from_millis(random.below(8) as u64);
                            (random.below(3) > 0).then(|| Instant::now() + ahead)
                        }));
                    }
                    all
                })
            })
            .collect();
        for (i, (thread, script)) in threads.into_iter().zip(&scripts).enumerate() {
            let mut processor = CodecModel(alone.clone()).processor(script.streams).unwrap();
            let expected = script.run(&mut *processor, frame, || None);
            assert!(expected.0.iter().any(|bits| f32::from_bits(*bits).abs() > 1e-4));
            for found in thread.join().unwrap() {
                assert!(found == expected, "{case} {precision}: instance {i}");
            }
        }
    });
}

#[test]
fn instances_give_what_each_gives_alone() {
    for (case, seed) in ["v1", "v2", "nano"].into_iter().zip([1, 20, 300]) {
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            check(case, precision, seed);
        }
    }
}

/// An instance whose input is refused fails alone, and can go on.
#[test]
fn a_failing_instance_disturbs_no_other() {
    let shared = load("v1", Precision::F32);
    let frame = shared.config().frame_samples;
    let scripts: Vec<Script> = (0..3).map(|i| Script::new(&shared, 40 + i)).collect();
    let expected: Vec<_> = scripts
        .iter()
        .map(|script| {
            let alone = load("v1", Precision::F32);
            let mut processor = CodecModel(alone).processor(script.streams).unwrap();
            script.run(&mut *processor, frame, || None)
        })
        .collect();
    std::thread::scope(|scope| {
        let model = SharedCodecModel(shared.clone());
        let mut bad = model.processor(1).unwrap();
        scope.spawn(move || {
            let (nan, fine) = (vec![f32::NAN; frame], vec![0.1; frame]);
            let mut out = DecodedFrames::default();
            let settings = FrameEffects::default();
            for n in 0..100 {
                let planes: [&[f32]; 1] = if n % 2 == 0 { [&nan] } else { [&fine] };
                let frames = FrameBatch {
                    first_frame: n,
                    count: 1,
                    planes: &planes,
                    settings: &settings,
                    timing_only: false,
                    due: Some(Instant::now()),
                };
                assert_eq!(bad.process(&frames, &mut out).is_err(), n % 2 == 0, "{n}");
            }
        });
        for (script, expected) in scripts.iter().zip(&expected) {
            let model = SharedCodecModel(shared.clone());
            scope.spawn(move || {
                let mut processor = model.processor(script.streams).unwrap();
                let found = script.run(&mut *processor, frame, || Some(Instant::now()));
                assert!(found == *expected);
            });
        }
    });
}

#[test]
fn all_users_of_a_codec_share_one_companion() {
    let codec = load("v1", Precision::F32);
    let one = codec.companion::<SharedPasses<u8>>().unwrap();
    let other = codec.clone().companion::<SharedPasses<u8>>().unwrap();
    assert!(std::sync::Arc::ptr_eq(&one, &other));
    assert!(codec.companion::<SharedPasses<u16>>().is_none(), "one type for each codec");
    assert!(SharedCodecModel(codec).processor(1).is_err(), "and an error where it is another");
}
