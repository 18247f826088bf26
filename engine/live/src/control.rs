//! Everybody else's side: opening a port, choosing models, looking.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Instant;

use crossbeam_channel::{Sender, unbounded};

use super::chain::{Chain, LaneSamples};
use super::error::{MAX_ALLOWANCE, MAX_BLOCK, OpenError};
use super::history::{History, history};
use super::lane_reader::LaneReader;
use super::latency::{Allowance, Latency, automatic};
use super::model::{DECODED_LANES, LiveModel};
use super::port::{AudioPort, PortParts};
use super::settings::PortSettings;
use super::status::{PortHealth, PortStatus, SharedStatus};
use super::stream::stream;
use super::telemetry::{CODES_KEPT, CODES_WIDTH, CodesReader, LanesReader, TAP_WIDTH};
use super::worker::{Worker, panic_message};
use residue_core::audio::MonoTreatment;

/// Marks that may wait for the worker: changes of settings within its delay.
const MARKS: usize = 1024;
/// Frames timed for an automatic allowance, after one to warm up.
const TIMED: usize = 6;
/// Seconds of lane samples kept for views.
const TAP_SECONDS: f64 = 0.5;

/// What a host says before audio runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortConfig {
    /// Samples a second, 1000 to 1,536,000.
    pub rate: u32,
    /// Channels, 1 or 2.
    pub channels: usize,
    /// Largest block that is usual, in samples. Larger ones are processed in pieces of this size.
    pub max_block: usize,
    /// Time for the codec.
    pub allowance: Allowance,
    /// How stereo goes through a mono model.
    pub treatment: MonoTreatment,
    /// What holds at the start.
    pub settings: PortSettings,
}

impl PortConfig {
    /// An automatic allowance and default settings.
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

/// Opens a port that runs `model`: its audio end and everything else. Runs the model for a moment
/// to warm it up and, for an automatic allowance, to time it; not realtime-safe.
///
/// Ports that are given the same model share its weights.
///
/// # Errors
/// If rate, channels, block or allowance are out of range, the model cannot run, or the worker
/// cannot be started.
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
    let (chain, latency) = contained(|| build(config, model))?;
    let (channels, max_block) = (config.channels, config.max_block);
    let frame_ticks = chain.timing().frame_ratio();

    // The worker may be held up for as long as the latency and half a second without losing input;
    // lanes wait in their ring for at most a latency, plus the frames of one turn of the worker.
    let depth = latency.total() + 2 * max_block + config.rate as usize / 2;
    let (to_worker, input) = stream(channels, depth, MARKS);
    let (to_port, lanes) = stream(DECODED_LANES * channels, depth + 8 * latency.frame, MARKS);
    let shared = Arc::new(SharedStatus::default());
    shared.set_health(PortHealth::Running, 0);
    let (codes_writer, codes) = history(CODES_WIDTH, CODES_KEPT);
    let kept = (f64::from(config.rate) * TAP_SECONDS) as usize + 2 * max_block;
    let (tap, lanes_history) = history(TAP_WIDTH, kept);
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
        frame_ticks,
        settings: config.settings,
        shared: Arc::clone(&shared),
        to_worker,
        lanes: LaneReader::new(lanes, Arc::clone(&shared), channels, max_block),
        tap,
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

/// What a model's own panic says, as an error: it must not take the host's thread.
fn contained<T>(build: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|panic| {
        Err(OpenError::Model(format!("it panicked: {}", panic_message(&*panic))))
    })
}

/// A chain ready to run, and the latency it needs.
fn build(config: &PortConfig, model: &dyn LiveModel) -> Result<(Chain, Latency), OpenError> {
    let mut chain = Chain::new(model, config.rate, config.channels, config.treatment)?;
    let timing = chain.timing().clone();
    let allowance = match config.allowance {
        Allowance::Samples(samples) if samples > MAX_ALLOWANCE => {
            return Err(OpenError::Allowance(samples));
        }
        Allowance::Samples(samples) => samples,
        Allowance::Auto => {
            let seconds = frame_time(&mut chain, config)?;
            automatic(&timing, config.max_block, seconds)
        }
    };
    Ok((chain, Latency::new(&timing, allowance)))
}

/// The median time the chain takes for a frame, in seconds, on noise.
fn frame_time(chain: &mut Chain, config: &PortConfig) -> Result<f64, OpenError> {
    let ticks = chain.timing().lookahead() + 1;
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    chain.rehearse();
    let mut times = Vec::new();
    while times.len() <= TIMED {
        let input: Vec<f32> = (0..ticks * config.channels).map(|_| noise()).collect();
        chain.push(&input);
        let began = Instant::now();
        let count = chain.process(1, &mut LaneSamples::default()).map_err(OpenError::Model)?;
        if count > 0 {
            times.push(began.elapsed().as_secs_f64());
        }
    }
    chain.reset(config.settings.frames);
    times.remove(0);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Everything about a port that is not the audio thread's. Dropping it ends the worker, after the
/// frame it is at; a port that lives on plays dry.
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
    /// The delay from input to output.
    pub fn latency(&self) -> Latency {
        self.latency
    }

    /// What the port was opened with.
    pub fn config(&self) -> &PortConfig {
        &self.config
    }

    /// How the port does. Peaks start anew with each call.
    pub fn status(&self) -> PortStatus {
        self.shared.status()
    }

    /// Whether lanes A and B come: a part of [`PortControl::status`] that any number of threads may ask for.
    pub fn health(&self) -> PortHealth {
        self.shared.health()
    }

    /// Changes to another model while audio runs: the old one goes on until this one is ready; then,
    /// for about one latency, the lanes are dry.
    ///
    /// Takes as long as the model takes to get ready; call it from a thread that may wait.
    ///
    /// The time it takes to compute is not asked again: a model that is too slow for the latency
    /// shows as load and late frames.
    ///
    /// # Errors
    /// If the model cannot run, or its frame alone needs a longer latency than was reported
    /// ([`OpenError::Latency`]): the old model then goes on.
    pub fn change_model(&self, model: &dyn LiveModel) -> Result<(), OpenError> {
        let PortConfig { rate, channels, treatment, .. } = self.config;
        let chain = contained(|| Chain::new(model, rate, channels, treatment))?;
        let allowance = match self.config.allowance {
            Allowance::Auto => self.config.max_block,
            Allowance::Samples(samples) => samples,
        };
        let needed = Latency::new(chain.timing(), allowance).total();
        let reported = self.latency.total();
        if needed > reported {
            return Err(OpenError::Latency { needed, reported });
        }
        self.models.send(Box::new(chain)).map_err(|_| OpenError::Ended)
    }

    /// A view of the codes that are decoded from now on.
    pub fn codes(&self) -> CodesReader {
        CodesReader(self.codes.reader())
    }

    /// As [`PortControl::codes`], with the last frames that are kept from before: those of 5 s at 50 frames
    /// a second, if somebody else has been reading codes all the while. For a recorder: frames are
    /// decoded before they are heard.
    pub fn codes_with_kept(&self) -> CodesReader {
        CodesReader(self.codes.reader_of_kept())
    }

    /// A view of the lanes that are played from now on.
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
        self.shared.lanes_from.store(u64::MAX, Ordering::Release);
    }
}
