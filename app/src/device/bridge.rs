//! Between the input's thread and the output's: a ring that keeps a little in hand.
//!
//! Both sides work in blocks, of which the larger is the *unit* here. The output starts once two
//! units are in hand beyond the block it takes, so that neither side's order within a period, nor a
//! delay of one period, starves it.
//!
//! Clocks of two devices drift apart (tens of parts per million are common). What is in hand after
//! each block is watched, and its least over half a second tells drift from jitter. When that
//! leaves the band of one to three units, one block is crossfaded with itself some samples later or
//! earlier, which drops or doubles those samples and brings it back towards the middle: a *slip*.
//! On one clock there is none. At 50 ppm, 48 kHz and blocks of 256 there is about one a minute.
//!
//! Both ends are realtime-safe: they neither allocate, lock nor wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use cpal::FromSample;
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::convert;

/// Units in hand when the output starts.
const START_UNITS: usize = 2;
/// Share of a second for which the fill level is watched before a slip.
const WINDOWS_A_SECOND: usize = 2;

/// Counts of both ends, for any thread to read.
#[derive(Debug, Default)]
pub struct BridgeCounts {
    /// Frames that the input gave.
    pub input_frames: AtomicU64,
    /// Whether any of its samples was not digital silence.
    pub heard: AtomicBool,
    /// Times the clocks' drift was made good.
    pub slips: AtomicU64,
    /// Times the input was late and silence was played.
    pub starved: AtomicU64,
    /// Input frames lost because the output stood still.
    pub lost_frames: AtomicU64,
    /// Frames in hand before the last block was taken: what the bridge adds to the latency.
    pub in_hand: AtomicUsize,
    /// The input's largest block.
    largest_input: AtomicUsize,
}

/// The input's end.
pub struct BridgeInput {
    ring: HeapProd<f32>,
    channels: usize,
    counts: Arc<BridgeCounts>,
}

/// The output's end.
pub struct BridgeOutput {
    ring: HeapCons<f32>,
    channels: usize,
    counts: Arc<BridgeCounts>,
    /// Interleaved frames on their way to the planes: up to two blocks.
    frames: Vec<f32>,
    flow: Flow,
    /// The output's largest block.
    largest_output: usize,
    /// Frames after which what is in hand is judged.
    window: usize,
    /// Frames seen of the window.
    seen: usize,
    /// The least in hand after a block since the window began.
    least: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Until the first frames are in hand.
    Waiting,
    /// Until there is enough in hand again.
    Starved,
    Running,
}

/// A bridge for `channels` channels at `rate` Hz, whose output takes blocks of up to `max_block`
/// frames.
pub fn bridge(
    channels: usize,
    rate: u32,
    max_block: usize,
) -> (BridgeInput, BridgeOutput, Arc<BridgeCounts>) {
    // A second of room: only an output that stands still fills it.
    let room = (rate as usize).max(8 * max_block);
    let (producer, consumer) = HeapRb::new(room * channels).split();
    let counts = Arc::new(BridgeCounts::default());
    let feeder = BridgeInput { ring: producer, channels, counts: Arc::clone(&counts) };
    let drain = BridgeOutput {
        ring: consumer,
        channels,
        counts: Arc::clone(&counts),
        frames: vec![0.0; 2 * max_block * channels],
        flow: Flow::Waiting,
        largest_output: 0,
        window: rate as usize / WINDOWS_A_SECOND,
        seen: 0,
        least: usize::MAX,
    };
    (feeder, drain, counts)
}

impl BridgeInput {
    /// Takes interleaved frames of `width` channels, of which the first ones pass. What finds no
    /// room is lost and counted. Realtime-safe.
    pub fn feed<T: Copy>(&mut self, interleaved: &[T], width: usize)
    where
        f32: FromSample<T>,
    {
        let frames = interleaved.len() / width;
        let room = self.ring.vacant_len() / self.channels;
        let taken = frames.min(room);
        let channels = self.channels;
        let samples = interleaved[..taken * width]
            .chunks_exact(width)
            .flat_map(|frame| frame[..channels].iter().map(|&x| convert::from_device(x)));
        self.ring.push_iter(samples);
        let counts = &self.counts;
        if !counts.heard.load(Relaxed)
            && interleaved.iter().any(|&x| convert::from_device(x) != 0.0)
        {
            counts.heard.store(true, Relaxed);
        }
        counts.largest_input.fetch_max(frames, Relaxed);
        counts.input_frames.fetch_add(frames as u64, Relaxed);
        counts.lost_frames.fetch_add((frames - taken) as u64, Relaxed);
    }
}

impl BridgeOutput {
    /// Fills the planes, of equal length up to the largest block, with the next frames; with
    /// silence where there are none. Realtime-safe.
    pub fn read(&mut self, planes: &mut [&mut [f32]]) {
        let block = planes[0].len();
        let in_hand = self.ring.occupied_len() / self.channels;
        self.counts.in_hand.store(in_hand, Relaxed);
        self.largest_output = self.largest_output.max(block);
        if self.flow != Flow::Running && !self.start(block, in_hand) {
            planes.iter_mut().for_each(|plane| plane.fill(0.0));
        } else if in_hand < block {
            self.starve(planes, in_hand);
        } else {
            self.run(planes);
        }
    }

    /// Whether there is enough in hand to start; what is older than that is dropped.
    fn start(&mut self, block: usize, in_hand: usize) -> bool {
        let needed = block + START_UNITS * self.unit();
        if in_hand == 0 || in_hand < needed {
            return false;
        }
        self.ring.skip((in_hand - needed) * self.channels);
        self.seen = 0;
        self.least = usize::MAX;
        true
    }

    /// The larger side's block.
    fn unit(&self) -> usize {
        self.largest_output.max(self.counts.largest_input.load(Relaxed))
    }

    /// Plays out what there is, fading, and waits for more.
    fn starve(&mut self, planes: &mut [&mut [f32]], in_hand: usize) {
        self.take(in_hand, in_hand);
        for (channel, plane) in planes.iter_mut().enumerate() {
            let (sound, silence) = plane.split_at_mut(in_hand);
            for (n, x) in sound.iter_mut().enumerate() {
                *x = self.frames[n * self.channels + channel] * (1.0 - ramp(n, in_hand));
            }
            silence.fill(0.0);
        }
        self.flow = Flow::Starved;
        self.counts.starved.fetch_add(1, Relaxed);
    }

    fn run(&mut self, planes: &mut [&mut [f32]]) {
        let block = planes[0].len();
        let in_hand = self.ring.occupied_len() / self.channels;
        self.least = self.least.min(in_hand - block);
        self.seen += block;
        let slip = if self.seen < self.window { Slip::None } else { self.judge(block, in_hand) };
        match slip {
            Slip::None => self.take(block, block),
            Slip::Drop(by) => self.take(block + by, block + by),
            Slip::Double(by) => self.take(block, block - by),
        }
        let fade_in = self.flow == Flow::Starved;
        self.flow = Flow::Running;
        let frames = &self.frames;
        for (channel, plane) in planes.iter_mut().enumerate() {
            let at = |n: usize| frames[n * self.channels + channel];
            for (n, x) in plane.iter_mut().enumerate() {
                *x = match slip {
                    Slip::None => at(n),
                    Slip::Drop(by) => mix(at(n), at(n + by), ramp(n, block)),
                    Slip::Double(by) if n < by => at(n),
                    Slip::Double(by) => mix(at(n), at(n - by), ramp(n - by, block - by)),
                };
                if fade_in {
                    *x *= ramp(n, block);
                }
            }
        }
    }

    /// Looks at the window that has ended, and begins the next.
    fn judge(&mut self, block: usize, in_hand: usize) -> Slip {
        let least = std::mem::replace(&mut self.least, usize::MAX);
        self.seen = 0;
        let unit = self.unit();
        let middle = 2 * unit;
        let slip = if least > 3 * unit {
            Slip::Drop((least - middle).min(block).min(in_hand - block))
        } else if least < unit {
            Slip::Double((middle - least).min(block / 2))
        } else {
            Slip::None
        };
        match slip {
            Slip::None | Slip::Drop(0) | Slip::Double(0) => Slip::None,
            slip => {
                self.counts.slips.fetch_add(1, Relaxed);
                slip
            }
        }
    }

    /// Copies the next `copied` frames, which are there, to the start of `frames`, and moves on by
    /// `passed`.
    fn take(&mut self, copied: usize, passed: usize) {
        self.ring.peek_slice(&mut self.frames[..copied * self.channels]);
        self.ring.skip(passed * self.channels);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slip {
    None,
    /// So many frames less.
    Drop(usize),
    /// So many frames twice.
    Double(usize),
}

/// Rises over `length` samples, above 0 at the first and below 1 at the last.
fn ramp(n: usize, length: usize) -> f32 {
    (n + 1) as f32 / (length + 1) as f32
}

/// Equal gain: both sides are the same signal.
fn mix(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two devices whose blocks come in turn by their clocks, with a signal that knows its place.
    struct Devices {
        feeder: BridgeInput,
        drain: BridgeOutput,
        counts: Arc<BridgeCounts>,
        /// Frames a block and seconds a frame.
        input: (usize, f64),
        output: (usize, f64),
        fed: u64,
        signal: fn(u64) -> f32,
    }

    impl Devices {
        fn new(input: (usize, f64), output: (usize, f64), signal: fn(u64) -> f32) -> Self {
            let (feeder, drain, counts) = bridge(2, 48_000, output.0);
            Self { feeder, drain, counts, input, output, fed: 0, signal }
        }

        /// Returns the output of so many seconds, on both channels.
        fn play(&mut self, seconds: f64) -> [Vec<f32>; 2] {
            let mut played = [Vec::new(), Vec::new()];
            let (mut in_time, mut out_time) = (0.0, 0.0);
            let mut planes = [vec![0.0; self.output.0], vec![0.0; self.output.0]];
            while out_time < seconds {
                if in_time <= out_time {
                    let frames = self.fed..self.fed + self.input.0 as u64;
                    let interleaved: Vec<f32> =
                        frames.flat_map(|n| [(self.signal)(n), -(self.signal)(n)]).collect();
                    self.feeder.feed(&interleaved, 2);
                    self.fed += self.input.0 as u64;
                    in_time += self.input.0 as f64 * self.input.1;
                } else {
                    let [left, right] = &mut planes;
                    self.drain.read(&mut [left, right]);
                    played[0].extend_from_slice(&planes[0]);
                    played[1].extend_from_slice(&planes[1]);
                    out_time += self.output.0 as f64 * self.output.1;
                }
            }
            played
        }

        fn slips(&self) -> u64 {
            self.counts.slips.load(Relaxed)
        }

        fn starved(&self) -> u64 {
            self.counts.starved.load(Relaxed)
        }
    }

    const CLOCK: f64 = 1.0 / 48_000.0;

    #[test]
    fn digital_silence_is_told_from_sound() {
        let (mut feeder, _drain, counts) = bridge(1, 48_000, 64);
        feeder.feed(&[128_u8; 64], 2);
        feeder.feed(&[0.0_f32, -0.0], 1);
        assert!(!counts.heard.load(Relaxed), "the middle of each format is silence");
        feeder.feed(&[0_i16, 1], 2);
        assert!(counts.heard.load(Relaxed), "also in a channel that does not pass");
    }

    #[test]
    fn one_clock_is_exact_for_any_blocks() {
        for (input, output) in [(256, 256), (64, 480), (480, 64), (1, 333), (1024, 17), (441, 512)]
        {
            let mut devices = Devices::new((input, CLOCK), (output, CLOCK), |n| (n + 1) as f32);
            let [left, right] = devices.play(20.0);
            let start = left.iter().position(|&x| x != 0.0).unwrap();
            assert!(start <= 4 * input.max(output), "{input} {output}: starts after {start}");
            let first = left[start];
            for (n, (&left, &right)) in left[start..].iter().zip(&right[start..]).enumerate() {
                assert_eq!(
                    (left, right),
                    (first + n as f32, -first - n as f32),
                    "{input} {output}"
                );
            }
            assert_eq!((devices.slips(), devices.starved()), (0, 0), "{input} {output}");
        }
    }

    fn tone(n: u64) -> f32 {
        (n as f64 * 100.0 * std::f64::consts::TAU * CLOCK).sin() as f32
    }

    /// The largest step from one sample to the next; that of `tone` itself is 0.0131.
    fn largest_step(samples: &[f32]) -> f32 {
        samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn drift_is_made_good_by_slips_without_clicks() {
        for (drift, seconds) in [(50e-6, 400.0), (-50e-6, 400.0), (1e-3, 40.0), (-1e-3, 40.0)] {
            let mut devices = Devices::new((256, CLOCK * (1.0 + drift)), (256, CLOCK), tone);
            let [left, right] = devices.play(seconds);
            assert_eq!(devices.starved(), 0, "{drift}");
            let frames = f64::abs(drift) * seconds * 48_000.0;
            // The fill level changes by at most three units before the first, and each makes good
            // between a quarter of a unit and one.
            let slips = devices.slips() as f64;
            assert!(slips >= ((frames - 768.0) / 256.0).ceil().max(1.0), "{drift}: {slips} slips");
            assert!(slips <= (frames / 64.0).ceil(), "{drift}: {slips} slips");
            let start = left.iter().position(|&x| x != 0.0).unwrap() + 1;
            let step = largest_step(&left[start..]);
            assert!(step < 0.03, "{drift}: a step of {step}");
            assert!(left.iter().zip(&right).all(|(left, right)| *left == -right), "{drift}");
            let in_hand = devices.counts.in_hand.load(Relaxed);
            assert!((256..=256 * 5).contains(&in_hand), "{drift}: {in_hand} in hand");
        }
    }

    #[test]
    fn an_input_that_pauses_leaves_silence_and_comes_back() {
        let mut devices = Devices::new((256, CLOCK), (256, CLOCK), tone);
        let mut played = devices.play(1.0)[0].clone();
        let mut planes = [vec![9.0; 256], vec![9.0; 256]];
        for _ in 0..40 {
            let [left, right] = &mut planes;
            devices.drain.read(&mut [left, right]);
            played.extend_from_slice(&planes[0]);
        }
        assert_eq!(devices.starved(), 1);
        assert!(planes.iter().flatten().all(|&x| x == 0.0));
        played.extend(devices.play(1.0)[0].iter());
        assert_eq!(devices.starved(), 1);
        assert!(played[played.len() - 4800..].iter().any(|x| x.abs() > 0.9));
        let start = played.iter().position(|&x| x != 0.0).unwrap();
        let step = largest_step(&played[start..]);
        assert!(step < 0.03, "a step of {step}");
    }

    #[test]
    fn an_output_that_stands_still_loses_input_and_says_so() {
        let (mut feeder, mut drain, counts) = bridge(1, 8_000, 64);
        let block: Vec<i16> = vec![100; 128];
        for _ in 0..100 {
            feeder.feed(&block, 2);
        }
        assert_eq!(counts.input_frames.load(Relaxed), 6400);
        assert_eq!(counts.lost_frames.load(Relaxed), 0);
        for _ in 0..100 {
            feeder.feed(&block, 2);
        }
        assert_eq!(counts.lost_frames.load(Relaxed), 12_800 - 8_000);
        // Samples that are too old are dropped when the output moves again.
        let mut plane = vec![0.0; 64];
        drain.read(&mut [&mut plane]);
        assert!(plane.iter().all(|&x| x == 100.0 / 32_768.0));
        drain.read(&mut [&mut plane]);
        assert_eq!(counts.in_hand.load(Relaxed), 128);
    }

    #[test]
    fn both_ends_leave_the_allocator_alone() {
        let mut devices = Devices::new((256, CLOCK), (256, CLOCK), tone);
        let mut planes = [vec![0.0; 256], vec![0.0; 256]];
        let block = vec![0.5_f32; 512];
        let [left, right] = &mut planes;
        let before = devices.slips();
        residue_engine_testing::allocation::without_allocation(|| {
            // Ahead, behind, starved and full.
            for (fed, read) in [(400, 390), (300, 310), (0, 20), (1000, 0), (10, 400)] {
                for n in 0..fed.max(read) {
                    if n < fed {
                        devices.feeder.feed(&block, 2);
                    }
                    if n < read {
                        devices.drain.read(&mut [left, right]);
                    }
                }
            }
        });
        assert!(devices.slips() > before && devices.starved() > 0);
        assert!(devices.counts.lost_frames.load(Relaxed) > 0);
    }
}
