//! Devices without a sound card: for tests, and for looking at a window where nothing can be heard.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::devices::{
    AudioCallback, BackendError, BackendInfo, DefaultDevices, DeviceBackend, DeviceCapabilities,
    DeviceInfo, DeviceRequest, PlannedStream, RunningStream,
};
use crate::device::{StreamCounts, StreamShape};

/// Name of the audio backend.
const HOST: &str = "Simulated";
/// Longest time that is made up for after a hold-up in real time.
const MOST_BEHIND: Duration = Duration::from_millis(500);

/// An audio backend with a microphone and a pair of headphones.
///
/// Time passes only in [`SimulatedBackend::play`], which runs the audio function on the thread that calls,
/// as fast as the codec computes; nothing is ever late, so that the same calls give the same samples.
/// Or it passes on its own, after [`SimulatedBackend::run_in_real_time`]. Clones are the same devices.
#[derive(Clone)]
pub struct SimulatedBackend(Arc<Mutex<SimulatedState>>);

struct SimulatedState {
    rate: u32,
    buffer: u32,
    /// Channels of the microphone and of the headphones.
    channels: [usize; 2],
    names: [String; 2],
    present: bool,
    realtime: bool,
    work: Option<AudioCallback>,
    shape: Option<StreamShape>,
    /// Counts streams, so that an old one does not end a new one.
    stream: u64,
    /// Samples that the microphone will record, by channel.
    fed: [Vec<f32>; 2],
    heard: [Vec<f32>; 2],
}

impl SimulatedBackend {
    /// Stereo devices at `rate` Hz with blocks of `buffer` frames.
    pub fn new(rate: u32, buffer: u32) -> Self {
        Self(Arc::new(Mutex::new(SimulatedState {
            rate,
            buffer,
            channels: [2, 2],
            names: ["Simulated microphone".into(), "Simulated headphones".into()],
            present: true,
            realtime: false,
            work: None,
            shape: None,
            stream: 0,
            fed: Default::default(),
            heard: Default::default(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, SimulatedState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Channels of microphone and headphones, from the next stream on.
    pub fn set_channels(&self, input: usize, output: usize) {
        self.state().channels = [input, output];
    }

    /// Another rate, from the next stream on.
    pub fn set_rate(&self, rate: u32) {
        self.state().rate = rate;
    }

    /// Pulls the plug, or puts it in again.
    pub fn set_present(&self, present: bool) {
        self.state().present = present;
    }

    /// Makes other devices the system's default.
    pub fn set_default_names(&self, input: &str, output: &str) {
        self.state().names = [input.to_owned(), output.to_owned()];
    }

    /// Adds what the microphone will hear on each channel; silence follows.
    pub fn feed(&self, channels: &[&[f32]]) {
        let mut state = self.state();
        for (fed, channel) in state.fed.iter_mut().zip(channels) {
            fed.extend_from_slice(channel);
        }
    }

    /// Takes the samples that were played since the last call, by channel.
    pub fn take_heard(&self) -> [Vec<f32>; 2] {
        std::mem::take(&mut self.state().heard)
    }

    /// Whether a stream runs.
    pub fn is_open(&self) -> bool {
        self.state().work.is_some()
    }

    /// The shape of the running stream.
    pub fn shape(&self) -> Option<StreamShape> {
        self.state().shape.clone()
    }

    /// Lets at least `frames` frames pass, in whole blocks; returns how many did. None pass while no
    /// stream runs or the plug is out.
    pub fn play(&self, frames: usize) -> usize {
        let mut state = self.state();
        let mut played = 0;
        while played < frames && state.block() {
            played += state.buffer as usize;
        }
        played
    }

    /// Lets time pass as it does elsewhere, on a thread that ends with the last clone. What comes out
    /// is not kept. For all streams from now on.
    pub fn run_in_real_time(&self) {
        self.state().realtime = true;
        let weak = Arc::downgrade(&self.0);
        let clock = move || {
            let mut next = Instant::now();
            while let Some(state) = weak.upgrade() {
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                state.block();
                state.heard = Default::default();
                next += Duration::from_secs_f64(f64::from(state.buffer) / f64::from(state.rate));
                drop(state);
                let now = Instant::now();
                next = next.max(now.checked_sub(MOST_BEHIND).unwrap_or(now));
                thread::sleep(next.saturating_duration_since(now));
            }
        };
        // A computer without a thread to spare has no use for a simulation.
        let _ = thread::Builder::new().name("residue-simulated".into()).spawn(clock);
    }
}

impl SimulatedState {
    /// One block; false if there is no stream.
    fn block(&mut self) -> bool {
        let (Some(work), Some(shape), true) = (&mut self.work, &self.shape, self.present) else {
            return false;
        };
        let frames = self.buffer as usize;
        let mut planes: Vec<Vec<f32>> = vec![vec![0.0; frames]; shape.channels];
        if shape.input.is_some() {
            for (plane, fed) in planes.iter_mut().zip(&mut self.fed) {
                let count = fed.len().min(frames);
                plane[..count].copy_from_slice(&fed[..count]);
                fed.drain(..count);
            }
        }
        let mut borrowed: Vec<&mut [f32]> = planes.iter_mut().map(Vec::as_mut_slice).collect();
        work(&mut borrowed);
        for (channel, heard) in self.heard.iter_mut().enumerate() {
            heard.extend_from_slice(&planes[channel.min(planes.len() - 1)]);
        }
        true
    }

    fn side(&self, channels: usize) -> DeviceCapabilities {
        DeviceCapabilities {
            default: true,
            rates: vec![(self.rate, self.rate)],
            channels: vec![channels as u16],
            buffer: Some((self.buffer, self.buffer)),
            formats: vec!["f32".into()],
        }
    }
}

impl DeviceBackend for SimulatedBackend {
    fn list(&self) -> Vec<BackendInfo> {
        let state = self.state();
        let device = |direction: usize| {
            let side = Some(state.side(state.channels[direction]));
            let (input, output) = if direction == 0 { (side, None) } else { (None, side) };
            let name = state.names[direction].clone();
            DeviceInfo { id: name.clone(), name, input, output }
        };
        let devices = if state.present { vec![device(0), device(1)] } else { Vec::new() };
        vec![BackendInfo { name: HOST, default: true, problem: None, devices }]
    }

    fn defaults(&self, _host: Option<&str>) -> DefaultDevices {
        let state = self.state();
        let [input, output] = state.names.clone();
        if state.present {
            DefaultDevices { input: Some(input), output: Some(output) }
        } else {
            DefaultDevices::default()
        }
    }

    fn plan(
        &self,
        choice: &DeviceRequest,
        with_input: bool,
    ) -> Result<Box<dyn PlannedStream>, BackendError> {
        let state = self.state();
        let [input, output] = state.names.clone();
        for (asked, name) in [(&choice.input, &input), (&choice.output, &output)] {
            let unknown = |asked: &&String| !name.contains(asked.as_str());
            if let Some(asked) = asked.as_ref().filter(unknown) {
                return Err(BackendError::NoSimulatedDevice(asked.clone()));
            }
        }
        if !state.present {
            return Err(BackendError::Unplugged);
        }
        let most =
            if with_input { state.channels[0].min(state.channels[1]) } else { state.channels[1] };
        let shape = StreamShape {
            host: HOST,
            input: with_input.then_some(input),
            output,
            rate: choice.rate.unwrap_or(state.rate),
            buffer: choice.buffer.unwrap_or(state.buffer),
            channels: choice.channels.unwrap_or(2).min(most),
        };
        let (offline, devices) = (!state.realtime, self.clone());
        Ok(Box::new(SimulatedPlan { shape, offline, devices }))
    }
}

struct SimulatedPlan {
    shape: StreamShape,
    offline: bool,
    devices: SimulatedBackend,
}

impl PlannedStream for SimulatedPlan {
    fn shape(&self) -> &StreamShape {
        &self.shape
    }

    fn is_offline(&self) -> bool {
        self.offline
    }

    fn start(self: Box<Self>, work: AudioCallback) -> Result<Box<dyn RunningStream>, BackendError> {
        let mut state = self.devices.state();
        state.rate = self.shape.rate;
        state.buffer = self.shape.buffer;
        state.work = Some(work);
        state.shape = Some(self.shape);
        state.stream += 1;
        let number = state.stream;
        drop(state);
        Ok(Box::new(SimulatedStream { number, devices: self.devices }))
    }
}

struct SimulatedStream {
    number: u64,
    devices: SimulatedBackend,
}

impl RunningStream for SimulatedStream {
    fn check(&mut self) -> Result<Vec<String>, BackendError> {
        if self.devices.state().present { Ok(Vec::new()) } else { Err(BackendError::PulledPlug) }
    }

    fn counts(&self) -> StreamCounts {
        StreamCounts::default()
    }

    fn close(self: Box<Self>) {}
}

impl Drop for SimulatedStream {
    fn drop(&mut self) {
        let mut state = self.devices.state();
        if state.stream == self.number {
            let work = state.work.take();
            state.shape = None;
            drop(state);
            drop(work);
        }
    }
}
