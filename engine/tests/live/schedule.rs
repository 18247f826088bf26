//! Any schedule of blocks, changes and resets: as many samples out as in, and every one of them the
//! delayed input, or what stands in for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use residue_engine::live::{
    Allowance, AudioPort, Concealment, ListeningSource, PortConfig, PortSettings, open_port,
};

use super::support::{Identity, noise, offline};

const RATE: u32 = 24_000;
const FRAME: usize = 480;
const MAX_BLOCK: usize = 300;
/// Samples that a join changes: 5 ms.
const JOIN: usize = 120;

#[derive(Clone, Debug)]
enum Step {
    /// A block of so many samples, also larger than was announced.
    Play(usize),
    Reset,
    Source(usize),
    Depth(usize),
    /// The next block has something in it that is no number.
    NonFinite,
    Swap,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4 * MAX_BLOCK).prop_map(Step::Play),
        1 => Just(Step::Reset),
        1 => (0..6usize).prop_map(Step::Source),
        1 => (0..40usize).prop_map(Step::Depth),
        1 => Just(Step::NonFinite),
        1 => Just(Step::Swap),
    ]
}

/// A stretch of output, from one sample to another, of which a join may change so many.
struct Excuse {
    from: usize,
    to: usize,
    left: usize,
}

fn excused(excuses: &mut [Excuse], n: usize) -> bool {
    let excuse = excuses.iter_mut().find(|e| (e.from..e.to).contains(&n) && e.left > 0);
    excuse.map(|excuse| excuse.left -= 1).is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default() })]

    /// Offline every sample of every lane is the delayed input, except around the joins of a depth
    /// that changes at a frame, and of a model that takes over.
    #[test]
    fn offline_every_lane_is_the_delayed_input(steps in prop::collection::vec(step(), 1..60)) {
        let model = Identity::new(RATE, 1, FRAME);
        let (mut port, control) = offline(&PortConfig::new(RATE, 1, MAX_BLOCK), &model);
        let latency = port.latency().total();
        let mut lanes = control.lanes();
        // Since the last reset.
        let mut input: Vec<f32> = Vec::new();
        let mut excuses: [Vec<Excuse>; 2] = Default::default();
        let (mut seed, mut odd) = (0, false);
        for step in steps {
            match step {
                Step::Play(count) => {
                    seed += 1;
                    let start = input.len();
                    let mut block = noise(seed, count, 0.7);
                    input.extend_from_slice(&block);
                    if odd && count > 0 {
                        block[count / 2] = f32::NAN;
                        input[start + count / 2] = 0.0;
                        odd = false;
                    }
                    port.process(&mut [&mut block]);
                    let mut n = start;
                    let mut wrong = None;
                    let lost = lanes.read(|[dry, a, b]| {
                        let expected = n.checked_sub(latency).map_or(0.0, |at| input[at]);
                        let a = a == expected || excused(&mut excuses[0], n);
                        let b = b == expected || excused(&mut excuses[1], n);
                        if dry != expected || !a || !b {
                            wrong.get_or_insert((n, dry == expected, a, b));
                        }
                        n += 1;
                    });
                    prop_assert_eq!((lost, n), (0, input.len()));
                    prop_assert_eq!(wrong, None);
                }
                Step::Reset => {
                    port.reset();
                    input.clear();
                    excuses = Default::default();
                }
                Step::Source(source) => {
                    let source = ListeningSource::ALL[source];
                    port.set(&PortSettings { source, ..*port.settings() });
                }
                Step::Depth(depth) => {
                    let mut settings = *port.settings();
                    settings.frames.depths[0] = depth;
                    port.set(&settings);
                    let from = input.len().next_multiple_of(FRAME) + latency;
                    excuses[0].push(Excuse { from, to: from + JOIN, left: JOIN });
                }
                Step::NonFinite => odd = true,
                Step::Swap => {
                    control.change_model(&model).expect("it is the same");
                    // A block that completes a frame is back only once the worker has turned to it:
                    // after three of them it has taken the new model. Frames count from where that
                    // was, and from the reset again.
                    let (mut n, mut wrong) = (input.len(), 0);
                    for _ in 0..3 {
                        seed += 1;
                        let mut block = noise(seed, FRAME, 0.7);
                        input.extend_from_slice(&block);
                        port.process(&mut [&mut block]);
                    }
                    lanes.read(|[dry, a, _]| {
                        let expected = n.checked_sub(latency).map_or(0.0, |at| input[at]);
                        wrong += usize::from(dry != expected || a != expected);
                        n += 1;
                    });
                    // The joins with dry, and perhaps one of a depth that was about to change.
                    prop_assert!(wrong <= 3 * JOIN, "a new model changes {} samples", wrong);
                    port.reset();
                    input.clear();
                    excuses = Default::default();
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Beat {
    Play(usize),
    Sleep(u64),
    /// The codec takes so many microseconds a frame from now on: real time is 20,000.
    Slow(u64),
    Reset,
}

fn beat() -> impl Strategy<Value = Beat> {
    prop_oneof![
        10 => (1..3 * MAX_BLOCK).prop_map(Beat::Play),
        6 => (0..8u64).prop_map(Beat::Sleep),
        2 => prop::sample::select(vec![0, 0, 2000, 30_000]).prop_map(Beat::Slow),
        1 => Just(Beat::Reset),
    ]
}

/// What a stream put in and got out: noise, and a constant that shows what is going on.
#[derive(Default)]
struct Stream {
    input: Vec<f32>,
    out: [Vec<f32>; 2],
}

impl Stream {
    fn play(&mut self, port: &mut AudioPort, seed: u64, count: usize) {
        let mut noise = noise(seed, count, 0.7);
        let mut constant = vec![0.5; count];
        self.input.extend_from_slice(&noise);
        port.process(&mut [&mut noise, &mut constant]);
        self.out[0].extend(noise);
        self.out[1].extend(constant);
    }

    /// The number of samples that were heard, or the first one that is neither heard, nor silent, nor
    /// within a join of both.
    fn check(&self, latency: usize) -> Result<usize, usize> {
        let [noise, constant] = &self.out;
        let (mut heard, mut joined) = (0, None);
        for n in 0..noise.len() {
            let next = constant.get(n + 1).copied().unwrap_or(-1.0);
            if (constant[n] != 0.0 && constant[n] != 0.5) || next != constant[n] {
                joined = Some(n);
            }
            if joined.is_some_and(|at| n < at + JOIN) {
                continue;
            }
            let delayed = n.checked_sub(latency).map(|at| self.input[at]);
            match (constant[n], delayed) {
                (0.0, _) if noise[n] == 0.0 => {}
                (0.5, Some(delayed)) if noise[n] == delayed => heard += 1,
                _ => return Err(n),
            }
        }
        Ok(heard)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..ProptestConfig::default() })]

    /// With a codec that is at times too slow, what is heard of a lane is the delayed input or
    /// silence, and never anything that belongs elsewhere.
    #[test]
    fn in_real_time_no_lane_ever_shifts(beats in prop::collection::vec(beat(), 1..80)) {
        let time = Arc::new(AtomicU64::new(0));
        let inner = Arc::clone(&time);
        let model = Identity::new(RATE, 1, FRAME).with(move |frames, _| {
            let micros = inner.load(Ordering::Relaxed) * frames.count as u64;
            std::thread::sleep(Duration::from_micros(micros));
            Ok(())
        });
        let mut config = PortConfig::new(RATE, 2, MAX_BLOCK);
        config.allowance = Allowance::Samples(2 * FRAME);
        config.settings.concealment = Concealment::Silence;
        let (mut port, control) = open_port(&config, &model).expect("the port opens");
        let latency = port.latency().total();
        let mut streams = vec![Stream::default()];
        for (seed, beat) in beats.into_iter().enumerate() {
            match beat {
                Beat::Play(count) => {
                    streams.last_mut().expect("one at least").play(&mut port, seed as u64, count);
                }
                Beat::Sleep(millis) => std::thread::sleep(Duration::from_millis(millis)),
                Beat::Slow(micros) => time.store(micros, Ordering::Relaxed),
                Beat::Reset => {
                    port.reset();
                    streams.push(Stream::default());
                }
            }
        }
        // In the end the codec is quick, and whatever comes is heard again.
        time.store(0, Ordering::Relaxed);
        let stream = streams.last_mut().expect("one at least");
        let mut heard = 0;
        for seed in 1000..3000 {
            stream.play(&mut port, seed, FRAME);
            std::thread::sleep(Duration::from_millis(1));
            if seed % 20 == 0 {
                heard = stream.check(latency).unwrap_or(0);
                if heard > 0 {
                    break;
                }
            }
        }
        prop_assert!(heard > 0, "{:?}", control.status());
        for stream in &streams {
            prop_assert!(stream.check(latency).is_ok(), "{:?}", stream.check(latency));
        }
    }
}
