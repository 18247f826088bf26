//! Running devices with a function between input and output, or before the output alone.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, FromSample, I24, InputCallbackInfo, OutputCallbackInfo, SampleFormat, SizedSample,
    StreamConfig, U24,
};

use residue_engine::live::{GuardCounts, LevelGuard};

use super::bridge::{BridgeCounts, BridgeInput, BridgeOutput, bridge};
use super::choose::{ChosenDevice, StreamPlan, StreamShape};
use super::convert;
use super::direction::Direction;
use super::error::DeviceError;
use super::faults::{self, FaultReceiver, FaultSender};
use super::silent_input::SilentInput;

/// Time that a device may stand still before it is given up.
const PATIENCE: Duration = Duration::from_secs(3);
/// The function gets blocks of at most this many frames, or of the buffer's size where that is
/// larger; a device that asks for more is served in pieces.
const LARGEST_BLOCK: usize = 1024;

/// Ceiling of the output: a device plays nothing louder, whatever its sample format can hold.
const FULL_SCALE: f32 = 1.0;

/// Time that closing devices may take. A sound server that stands still never answers.
const CLOSING: Duration = Duration::from_secs(2);

/// Input, function and output, running until closed or dropped; closing is the one that cannot
/// hang.
pub struct DeviceStream {
    input: Option<RunningDevice>,
    silent_input: Option<SilentInput>,
    output: RunningDevice,
    bridge: Arc<BridgeCounts>,
    output_counts: Arc<OutputCounts>,
}

/// Counts of the output's thread.
#[derive(Default)]
struct OutputCounts {
    frames: AtomicU64,
    limited: AtomicU64,
    muted: AtomicU64,
}

/// A device that runs.
struct RunningDevice {
    direction: Direction,
    name: String,
    reports: FaultReceiver,
    /// Frames it had moved when it was last seen to move.
    frames: u64,
    moved: Instant,
    delay: Delay,
    stream: cpal::Stream,
}

/// The delay that a device reported last, in nanoseconds.
#[derive(Clone, Default)]
struct Delay(Arc<AtomicU64>);

impl Delay {
    /// Realtime-safe.
    fn set(&self, delay: Duration) {
        // A device that says nonsense is not believed: no buffer is a minute long.
        let nanoseconds = if delay < Duration::from_secs(60) { delay.as_nanos() as u64 } else { 0 };
        self.0.store(nanoseconds, Relaxed);
    }

    fn get(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

/// Dropouts and delays since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Dropouts that the input reported.
    pub input_xruns: u64,
    /// Dropouts that the output reported.
    pub output_xruns: u64,
    /// Times that drift between the clocks of input and output was made good.
    pub slips: u64,
    /// Times that the input was late and silence was played.
    pub starved: u64,
    /// Input frames lost because the output stood still.
    pub lost_frames: u64,
    /// Output frames that were lowered to the device's full scale, or muted, as their level can only be
    /// a fault.
    pub guarded: GuardCounts,
    /// Frames in hand between input and output: latency that the two devices add to their own.
    pub in_hand: usize,
    /// From the air to the input's thread, as the input last said; zero if it says nothing.
    pub input_delay: Duration,
    /// From the output's thread to the air, as the output last said; zero if it says nothing.
    pub output_delay: Duration,
}

impl StreamPlan {
    /// The most frames that the function gets at once.
    pub fn largest_block(&self) -> usize {
        LARGEST_BLOCK.max(self.shape.buffer as usize)
    }

    /// Starts the devices. `work` runs on the output's thread, in place on as many planes as the
    /// shape has channels, and must be realtime-safe. Without an input the planes come silent.
    ///
    /// # Errors
    /// If a device does not start.
    pub fn start<F>(self, work: F) -> Result<DeviceStream, DeviceError>
    where
        F: FnMut(&mut [&mut [f32]]) + Send + 'static,
    {
        let largest = self.largest_block();
        let Self { shape, input, output } = self;
        let (feeder, drain, bridge) = bridge(shape.channels, shape.rate, largest);
        let output_counts = Arc::<OutputCounts>::default();
        let player = OutputRenderer {
            drain: input.is_some().then_some(drain),
            work,
            planes: vec![0.0; largest * shape.channels],
            channels: shape.channels,
            largest,
            width: usize::from(output.width),
            guard: LevelGuard::new(FULL_SCALE, shape.rate),
            counts: Arc::clone(&output_counts),
        };
        let (reporter, reports) = faults::channel();
        let delay = Delay::default();
        let played = output
            .play(&shape, player, reporter, delay.clone())
            .map_err(start_error(Direction::Output, &shape.output))?;
        let output = RunningDevice::new(Direction::Output, &shape.output, played, reports, delay);
        let record = |(chosen, name): (ChosenDevice, &String)| {
            let (reporter, reports) = faults::channel();
            let delay = Delay::default();
            let recorded = chosen
                .record(&shape, feeder, reporter, delay.clone())
                .map_err(start_error(Direction::Input, name))?;
            Ok(RunningDevice::new(Direction::Input, name, recorded, reports, delay))
        };
        let input = input.zip(shape.input.as_ref()).map(record).transpose()?;
        // Other systems refuse a microphone in words.
        let silent_input = input
            .as_ref()
            .filter(|_| cfg!(target_os = "macos"))
            .map(|side| SilentInput::new(&side.name, shape.rate));
        let stream = DeviceStream { input, silent_input, output, bridge, output_counts };
        for side in [&stream.output].into_iter().chain(&stream.input) {
            side.stream.play().map_err(start_error(side.direction, &side.name))?;
        }
        Ok(stream)
    }
}

fn start_error(direction: Direction, device: &str) -> impl Fn(cpal::Error) -> DeviceError {
    move |problem| DeviceError::Start {
        direction,
        device: device.to_owned(),
        problem: problem.to_string(),
    }
}

impl DeviceStream {
    /// Dropouts and delays since the start.
    pub fn counts(&self) -> StreamCounts {
        let bridge = &self.bridge;
        StreamCounts {
            input_xruns: self.input.as_ref().map_or(0, |side| side.reports.xruns()),
            output_xruns: self.output.reports.xruns(),
            slips: bridge.slips.load(Relaxed),
            starved: bridge.starved.load(Relaxed),
            lost_frames: bridge.lost_frames.load(Relaxed),
            guarded: GuardCounts {
                limited: self.output_counts.limited.load(Relaxed),
                muted: self.output_counts.muted.load(Relaxed),
            },
            in_hand: bridge.in_hand.load(Relaxed),
            input_delay: self.input.as_ref().map_or(Duration::ZERO, |side| side.delay.get()),
            output_delay: self.output.delay.get(),
        }
    }

    /// Ends the devices and frees the function, on a thread of its own; returns when that is done,
    /// or after two seconds without it.
    pub fn close(self) {
        let (done, closed) = mpsc::channel();
        let close = move || {
            drop(self);
            let _ = done.send(());
        };
        if thread::Builder::new().name("residue-close".into()).spawn(close).is_ok() {
            let _ = closed.recv_timeout(CLOSING);
        }
    }

    /// Looks after the devices; to be called a few times a second. Returns what they remarked and
    /// can live with.
    ///
    /// # Errors
    /// If a device is gone or stands still. The stream is then to be closed.
    pub fn check(&mut self) -> Result<Vec<String>, DeviceError> {
        let mut remarks = Vec::new();
        if let Some(input) = &mut self.input {
            remarks = input.messages()?;
            input.moves(self.bridge.input_frames.load(Relaxed))?;
        }
        if let Some(silent) = &mut self.silent_input {
            let (frames, heard) = (&self.bridge.input_frames, &self.bridge.heard);
            remarks.extend(silent.remark(frames.load(Relaxed), heard.load(Relaxed)));
        }
        remarks.extend(self.output.messages()?);
        self.output.moves(self.output_counts.frames.load(Relaxed))?;
        Ok(remarks)
    }
}

impl RunningDevice {
    fn new(
        direction: Direction,
        name: &str,
        stream: cpal::Stream,
        reports: FaultReceiver,
        delay: Delay,
    ) -> Self {
        let moved = Instant::now();
        Self { direction, name: name.to_owned(), reports, frames: 0, moved, delay, stream }
    }

    fn messages(&mut self) -> Result<Vec<String>, DeviceError> {
        let mut remarks = Vec::new();
        while let Some(error) = self.reports.next() {
            if faults::is_fatal(&error) {
                return Err(DeviceError::Lost {
                    direction: self.direction,
                    device: self.name.clone(),
                    problem: error.to_string(),
                });
            }
            remarks.push(format!("{} device {}: {error}", self.direction, self.name));
        }
        Ok(remarks)
    }

    fn moves(&mut self, frames: u64) -> Result<(), DeviceError> {
        if self.frames != frames {
            (self.frames, self.moved) = (frames, Instant::now());
        } else if self.moved.elapsed() > PATIENCE {
            return Err(DeviceError::Stalled {
                direction: self.direction,
                device: self.name.clone(),
                seconds: PATIENCE.as_secs(),
            });
        }
        Ok(())
    }
}

/// The output's side: pulls from the bridge, works, converts.
struct OutputRenderer<F> {
    /// The input's end of the bridge, if there is an input.
    drain: Option<BridgeOutput>,
    work: F,
    /// The planes, one after the other, each of the largest block.
    planes: Vec<f32>,
    channels: usize,
    largest: usize,
    width: usize,
    guard: LevelGuard,
    counts: Arc<OutputCounts>,
}

impl<F: FnMut(&mut [&mut [f32]])> OutputRenderer<F> {
    /// Fills one block of the device's. Realtime-safe as far as `work` is.
    fn fill<T: SizedSample + FromSample<f32>>(&mut self, out: &mut [T]) {
        for piece in out.chunks_mut(self.largest * self.width) {
            let frames = piece.len() / self.width;
            let (left, right) = self.planes.split_at_mut(self.largest);
            let left = &mut left[..frames];
            if self.channels == 1 {
                read(&mut self.drain, &mut [left]);
                (self.work)(&mut [left]);
                self.guard.process(&mut [&mut *left]);
                convert::interleave(&[left], piece, self.width);
            } else {
                let right = &mut right[..frames];
                read(&mut self.drain, &mut [left, right]);
                (self.work)(&mut [left, right]);
                self.guard.process(&mut [&mut *left, &mut *right]);
                convert::interleave(&[left, right], piece, self.width);
            }
            let guarded = self.guard.take_counts();
            self.counts.limited.fetch_add(guarded.limited, Relaxed);
            self.counts.muted.fetch_add(guarded.muted, Relaxed);
            self.counts.frames.fetch_add(frames as u64, Relaxed);
        }
    }
}

/// The next input, silence if there is none. Realtime-safe.
fn read(drain: &mut Option<BridgeOutput>, planes: &mut [&mut [f32]]) {
    match drain {
        Some(drain) => drain.read(planes),
        None => planes.iter_mut().for_each(|plane| plane.fill(0.0)),
    }
}

/// Calls a method with the Rust type of a sample format.
macro_rules! with_sample_type {
    ($format:expr, $chosen:ident.$method:ident($($argument:expr),*)) => {
        match $format {
            SampleFormat::I8 => $chosen.$method::<i8>($($argument),*),
            SampleFormat::I16 => $chosen.$method::<i16>($($argument),*),
            SampleFormat::I24 => $chosen.$method::<I24>($($argument),*),
            SampleFormat::I32 => $chosen.$method::<i32>($($argument),*),
            SampleFormat::I64 => $chosen.$method::<i64>($($argument),*),
            SampleFormat::U8 => $chosen.$method::<u8>($($argument),*),
            SampleFormat::U16 => $chosen.$method::<u16>($($argument),*),
            SampleFormat::U24 => $chosen.$method::<U24>($($argument),*),
            SampleFormat::U32 => $chosen.$method::<u32>($($argument),*),
            SampleFormat::U64 => $chosen.$method::<u64>($($argument),*),
            SampleFormat::F32 => $chosen.$method::<f32>($($argument),*),
            SampleFormat::F64 => $chosen.$method::<f64>($($argument),*),
            _ => Err(cpal::ErrorKind::UnsupportedConfig.into()),
        }
    };
}

impl ChosenDevice {
    fn config(&self, shape: &StreamShape) -> StreamConfig {
        StreamConfig {
            channels: self.width,
            sample_rate: shape.rate,
            buffer_size: BufferSize::Fixed(shape.buffer),
        }
    }

    fn record(
        &self,
        shape: &StreamShape,
        feeder: BridgeInput,
        reporter: FaultSender,
        delay: Delay,
    ) -> Result<cpal::Stream, cpal::Error> {
        with_sample_type!(self.format, self.record_as(shape, feeder, reporter, delay))
    }

    fn play<F>(
        &self,
        shape: &StreamShape,
        player: OutputRenderer<F>,
        reporter: FaultSender,
        delay: Delay,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        F: FnMut(&mut [&mut [f32]]) + Send + 'static,
    {
        with_sample_type!(self.format, self.play_as(shape, player, reporter, delay))
    }

    fn record_as<T: SizedSample>(
        &self,
        shape: &StreamShape,
        mut feeder: BridgeInput,
        mut reporter: FaultSender,
        delay: Delay,
    ) -> Result<cpal::Stream, cpal::Error>
    where
        f32: FromSample<T>,
    {
        let width = usize::from(self.width);
        self.device.build_input_stream::<T, _, _>(
            self.config(shape),
            move |block, info: &InputCallbackInfo| {
                let time = info.timestamp();
                delay.set(time.callback.saturating_duration_since(time.capture));
                feeder.feed(block, width);
            },
            move |error| reporter.report(error),
            None,
        )
    }

    fn play_as<T: SizedSample + FromSample<f32>>(
        &self,
        shape: &StreamShape,
        mut player: OutputRenderer<impl FnMut(&mut [&mut [f32]]) + Send + 'static>,
        mut reporter: FaultSender,
        delay: Delay,
    ) -> Result<cpal::Stream, cpal::Error> {
        self.device.build_output_stream::<T, _, _>(
            self.config(shape),
            move |block, info: &OutputCallbackInfo| {
                let time = info.timestamp();
                delay.set(time.playback.saturating_duration_since(time.callback));
                player.fill(block);
            },
            move |error| reporter.report(error),
            None,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Floats go past full scale, and JACK hands them on: they are held to it like integers.
    #[test]
    fn a_device_of_floats_gets_nothing_beyond_full_scale() {
        for (level, heard) in [(0.9, 0.9), (1.0, 1.0), (8.0, 1.0), (1e4, 0.0), (f32::NAN, 0.0)] {
            let mut player = OutputRenderer {
                drain: None,
                work: move |planes: &mut [&mut [f32]]| planes[0].fill(level),
                planes: vec![0.0; 64],
                channels: 1,
                largest: 64,
                width: 2,
                guard: LevelGuard::new(FULL_SCALE, 48_000),
                counts: Arc::default(),
            };
            let mut out = [9.0_f32; 400];
            residue_engine_testing::allocation::without_allocation(|| player.fill(&mut out));
            assert!(out.iter().all(|x| *x == heard), "{level}: {out:?}");
            let (limited, muted) = (&player.counts.limited, &player.counts.muted);
            assert_eq!(limited.load(Relaxed), if level == 8.0 { 200 } else { 0 });
            assert_eq!(muted.load(Relaxed), if heard == 0.0 { 200 } else { 0 });
        }
    }

    #[test]
    fn a_block_of_any_size_is_served_in_pieces_without_the_allocator() {
        let (mut feeder, drain, _counts) = bridge(2, 48_000, 64);
        let mut player = OutputRenderer {
            drain: Some(drain),
            work: |planes: &mut [&mut [f32]]| {
                assert!(planes.iter().all(|plane| (1..=64).contains(&plane.len())));
                planes.iter_mut().flat_map(|plane| plane.iter_mut()).for_each(|x| *x *= 2.0);
            },
            planes: vec![0.0; 128],
            channels: 2,
            largest: 64,
            width: 3,
            guard: LevelGuard::new(FULL_SCALE, 48_000),
            counts: Arc::default(),
        };
        // A device's blocks of 200 frames: three pieces of 64 and one of 8.
        let input: Vec<f32> = (0..2000).flat_map(|n| [n as f32 / 1e4, -0.25]).collect();
        let mut out = vec![9_i16; 3 * 2000];
        residue_engine_testing::allocation::without_allocation(|| {
            for (input, out) in input.chunks(400).zip(out.chunks_mut(600)) {
                feeder.feed(input, 2);
                player.fill(out);
            }
        });
        assert_eq!(player.counts.limited.load(Relaxed) + player.counts.muted.load(Relaxed), 0);
        assert_eq!(player.counts.frames.load(Relaxed), 2000);
        let frames = out.as_chunks::<3>().0;
        // Starts when 64 + 2 x 200 frames are in hand, with the newest of them: in the third block,
        // which finds 600.
        let (silence, sound) = frames.split_at(400);
        assert!(silence.iter().all(|frame| *frame == [0; 3]));
        for (n, frame) in sound.iter().enumerate() {
            let expected = ((n + 600 - 464) as f32 / 1e4 * 2.0 * 32_768.0) as i16;
            assert_eq!(*frame, [expected, -16_384, 0], "{n}");
        }
    }
}
