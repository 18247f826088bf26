//! The control: opens a port, changes its model, and reads its status and telemetry.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, unbounded};

use residue_core::audio::MonoTreatment;

use super::chain::Chain;
use super::error::{MAX_ALLOWANCE, MAX_BLOCK, OpenError, ProcessorError};
use super::frame_times::{TimedFrames, time_frames};
use super::history::{History, history};
use super::lane_reader::LaneReader;
use super::latency::{Allowance, Latency, automatic_allowance};
use super::marked_ring::marked_ring;
use super::model::{DECODED_LANES, LiveModel};
use super::port::{AudioPort, PortParts};
use super::settings::PortSettings;
use super::status::{PortHealth, PortStatus, SharedStatus};
use super::telemetry::{CODES_CAPACITY, CODES_WIDTH, CodesReader, LANES_WIDTH, LanesReader};
use super::worker::Worker;

/// Capacity of the rings of marks: changes of settings while the worker is behind.
const MARKS: usize = 1024;
/// Frames timed for an automatic allowance, after one of warm-up.
const TIMED_FRAMES: usize = 6;
/// Lane samples kept for views, in seconds.
const LANE_HISTORY_SECONDS: f64 = 0.5;

/// Configuration of a port, given by the host before audio runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortConfig {
    /// Sample rate in hertz, 1000 to 1,536,000.
    pub rate: u32,
    /// Channels, 1 or 2.
    pub channels: usize,
    /// Largest usual block, in samples. Larger ones are processed in pieces of this size.
    pub max_block: usize,
    /// Time for the codec.
    pub allowance: Allowance,
    /// Routing of stereo through a mono model.
    pub treatment: MonoTreatment,
    /// Initial settings.
    pub settings: PortSettings,
}

impl PortConfig {
    /// Returns a configuration with an automatic allowance and default settings.
    pub fn new(rate: u32, channels: usize, max_block: usize) -> Self {
        Self {
            rate,
            channels,
            max_block,
            allowance: Allowance::Auto,
            treatment: MonoTreatment::default(),
            settings: PortSettings::default(),
        }
    }
}

/// Opens a port that runs `model`; returns its two ends. For an automatic allowance it times the model
/// first. Not realtime-safe.
///
/// Ports that are given the same model share its weights.
///
/// # Errors
/// If rate, channels, block or allowance are out of range, the model fails, or the worker cannot be
/// started.
pub fn open_port(
    config: &PortConfig,
    model: &dyn LiveModel,
) -> Result<(AudioPort, PortControl), OpenError> {
    if !(1..=2).contains(&config.channels) {
        return Err(OpenError::Channels(config.channels));
    }
    if !(1..=MAX_BLOCK).contains(&config.max_block) {
        return Err(OpenError::Block(config.max_block));
    }
    let (chain, latency) = catch_panic(|| build(config, model))?;
    let (channels, max_block) = (config.channels, config.max_block);
    let frame_ratio = chain.timing().frame_ratio();

    // The worker may be held up for the latency and half a second before input is dropped; lanes wait
    // in their ring for at most a latency, and the frames of one call of the model.
    let capacity = latency.total() + 2 * max_block + config.rate as usize / 2;
    let (to_worker, input) = marked_ring(channels, capacity, MARKS);
    let (to_port, lanes) =
        marked_ring(DECODED_LANES * channels, capacity + 8 * latency.frame, MARKS);
    let shared = Arc::new(SharedStatus::default());
    shared.set_health(PortHealth::Running, 0);
    let (codes_writer, codes) = history(CODES_WIDTH, CODES_CAPACITY);
    let kept = (f64::from(config.rate) * LANE_HISTORY_SECONDS) as usize + 2 * max_block;
    let (lane_history, lanes_history) = history(LANES_WIDTH, kept);
    let (models, from_control) = unbounded();
    let worker = Worker {
        shared: Arc::clone(&shared),
        input,
        lanes: to_port,
        models: from_control,
        codes: codes_writer,
        channels,
        rate: config.rate,
    };
    models.send(Box::new(chain)).expect("the worker holds the other end");
    let thread = std::thread::Builder::new()
        .name("residue-live".into())
        .spawn(move || worker.run())
        .map_err(OpenError::Thread)?;

    let port = AudioPort::new(PortParts {
        rate: config.rate,
        channels,
        max_block,
        latency,
        frame_ratio,
        settings: config.settings,
        shared: Arc::clone(&shared),
        to_worker,
        lanes: LaneReader::new(lanes, Arc::clone(&shared), channels, max_block),
        lane_history,
    });
    let control = PortControl {
        config: *config,
        latency,
        shared,
        models,
        codes,
        lanes: lanes_history,
        thread: Some(thread),
    };
    Ok((port, control))
}

/// Turns a panic of the model into an error, so that it does not unwind into the host.
fn catch_panic<T>(build: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(build))
        .unwrap_or_else(|panic| Err(OpenError::Model(ProcessorError::from_panic(&*panic))))
}

/// Returns a chain that is ready to run, and the latency it needs.
fn build(config: &PortConfig, model: &dyn LiveModel) -> Result<(Chain, Latency), OpenError> {
    let mut chain = Chain::new(model, config.rate, config.channels, config.treatment)?;
    let timing = chain.timing().clone();
    let allowance = match config.allowance {
        Allowance::Measured(samples) | Allowance::Samples(samples) if samples > MAX_ALLOWANCE => {
            return Err(OpenError::Allowance(samples));
        }
        Allowance::Measured(samples) | Allowance::Samples(samples) => samples,
        Allowance::Auto => {
            let seconds = frame_time(&mut chain, config)?;
            automatic_allowance(&timing, config.max_block, seconds)
        }
    };
    Ok((chain, Latency::new(&timing, allowance)))
}

/// Returns the median compute time of a frame, in seconds, on noise.
fn frame_time(chain: &mut Chain, config: &PortConfig) -> Result<f64, OpenError> {
    let frames = TimedFrames { warm_up: 1, passes: TIMED_FRAMES, together: 1 };
    let mut times =
        time_frames(chain, config.channels, frames, &mut |_| ControlFlow::Continue(()))?;
    chain.reset(config.settings.frames);
    times.sort();
    Ok(times[times.len() / 2].as_secs_f64())
}

/// The end of a port for all threads but the audio thread. Dropping it ends the worker, after the frames
/// it processes; a port that outlives it plays dry.
pub struct PortControl {
    config: PortConfig,
    latency: Latency,
    shared: Arc<SharedStatus>,
    models: Sender<Box<Chain>>,
    codes: History,
    lanes: History,
    thread: Option<JoinHandle<()>>,
}

impl PortControl {
    /// Returns the delay from input to output.
    pub fn latency(&self) -> Latency {
        self.latency
    }

    /// Returns the configuration that the port was opened with.
    pub fn config(&self) -> &PortConfig {
        &self.config
    }

    /// Returns a snapshot of the port, and restarts its peaks.
    pub fn status(&self) -> PortStatus {
        self.shared.snapshot()
    }

    /// Returns whether lanes A and B are delivered: the part of [`PortControl::status`] that any number of
    /// threads may ask for.
    pub fn health(&self) -> PortHealth {
        self.shared.health()
    }

    /// Returns which of lanes A and B are muted now, as the field of [`PortStatus`] of the same name: for
    /// any number of threads.
    pub fn muted_lanes(&self) -> [bool; 2] {
        self.shared.muted_lanes()
    }

    /// Changes to another model while audio runs: the old one continues until this one is ready; then,
    /// for about one latency, the lanes are dry.
    ///
    /// Takes as long as the model takes to prepare; call it from a thread that may wait.
    ///
    /// Compute time is not measured again: a model that is too slow for the latency shows as load and
    /// late frames.
    ///
    /// # Errors
    /// If the model fails, or its frame alone needs a longer latency than was reported
    /// ([`OpenError::Latency`]): the old model then continues.
    pub fn change_model(&self, model: &dyn LiveModel) -> Result<(), OpenError> {
        let PortConfig { rate, channels, treatment, .. } = self.config;
        let chain = catch_panic(|| Chain::new(model, rate, channels, treatment))?;
        let allowance = match self.config.allowance {
            // The time of another model is not known. Its blocks are.
            Allowance::Auto | Allowance::Measured(_) => self.config.max_block,
            Allowance::Samples(samples) => samples,
        };
        let needed = Latency::new(chain.timing(), allowance).total();
        let reported = self.latency.total();
        if needed > reported {
            return Err(OpenError::Latency { needed, reported });
        }
        self.models.send(Box::new(chain)).map_err(|_| OpenError::Ended)
    }

    /// Returns a reader of the codes that are decoded from now on.
    pub fn codes(&self) -> CodesReader {
        CodesReader(self.codes.reader())
    }

    /// As [`PortControl::codes`], from the oldest frame kept: 5 s at 50 frames a second, if there has been
    /// another reader all the while. For a recorder: frames are decoded before they are heard.
    pub fn codes_with_history(&self) -> CodesReader {
        CodesReader(self.codes.reader_from_oldest())
    }

    /// Returns a reader of the lanes that are played from now on.
    pub fn lanes(&self) -> LanesReader {
        LanesReader(self.lanes.reader())
    }
}

impl Drop for PortControl {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
