//! The worker: the thread that runs the codec.
//!
//! Each turn it installs a new model if one has come, takes input, processes frames, and sends lanes
//! as the ring has room; where there is nothing to do it sleeps.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::chain::{Chain, LaneSamples};
use super::error::ProcessorError;
use super::history::HistoryWriter;
use super::marked_ring::{MarkedReader, MarkedWriter, RingItem};
use super::marks::{InputMark, LaneMark};
use super::model::DECODED_LANES;
use super::settings::FrameEffects;
use super::status::{PortHealth, SharedStatus};
use super::telemetry::push_codes;
use residue_core::RaisedPriority;

/// Most frames of one call of the model: more are more efficient, fewer are done sooner. The gain beyond eight is small
/// also for the shortest frames.
const MAX_FRAMES: usize = 8;
/// Sample frames taken from the input at a time, and most such pieces a turn: a host that is faster
/// than the worker must not keep it from its other work.
const INPUT_PIECE: usize = 1024;
const MAX_PIECES: usize = 32;
/// Recent frame times, of which the shortest is the estimate.
const FRAME_TIMES: usize = 8;
/// Longest sleep without work.
const IDLE_SLEEP: Duration = Duration::from_millis(4);
/// Sleep while an offline port waits, and turns without work after which it seems to have stopped.
const OFFLINE_SLEEP: Duration = Duration::from_micros(20);
const OFFLINE_TURNS: u32 = 2000;

/// The worker's ends of everything it shares.
pub(super) struct Worker {
    pub shared: Arc<SharedStatus>,
    pub input: MarkedReader<InputMark>,
    pub lanes: MarkedWriter<LaneMark>,
    pub models: Receiver<Box<Chain>>,
    pub codes: HistoryWriter,
    pub channels: usize,
    pub rate: u32,
}

/// State between turns.
#[derive(Default)]
struct WorkerState {
    chain: Option<Box<Chain>>,
    /// Position of the next input sample.
    position: u64,
    /// Position of the stream's first input sample.
    origin: u64,
    /// Position of the chain's first input sample, at or after the origin.
    start: u64,
    settings: FrameEffects,
    /// Lane samples, of which the first `sent` have been sent.
    out: LaneSamples,
    sent: usize,
    /// Position after the last lane sample sent.
    delivered: u64,
    /// Recent compute times of a frame in seconds, the latest first.
    frame_times: [f32; FRAME_TIMES],
    /// Turns without work.
    idle: u32,
    /// Threads that free old chains.
    retired: Vec<JoinHandle<()>>,
}

impl WorkerState {
    /// Restarts the lanes at input position `start`; unsent old ones are dropped.
    fn restart(&mut self, start: u64) {
        self.start = start;
        self.out = LaneSamples { starts_at: Some(0), ..LaneSamples::default() };
        self.sent = 0;
    }
}

/// Tells the port that no lanes will come, also where the worker ends by a panic: an offline port would wait for
/// them for ever.
struct StopOnDrop(Arc<SharedStatus>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
        self.0.lanes_from.store(u64::MAX, Ordering::Release);
    }
}

impl Worker {
    /// Runs until the control asks it to stop.
    pub fn run(mut self) {
        let _stop = StopOnDrop(Arc::clone(&self.shared));
        let _priority = RaisedPriority::of_current_thread();
        let mut state =
            WorkerState { frame_times: [f32::MAX; FRAME_TIMES], ..WorkerState::default() };
        let mut piece = vec![0.0; INPUT_PIECE * self.channels];
        while !self.shared.stop.load(Ordering::Relaxed) {
            let turn = AssertUnwindSafe(|| self.turn(&mut state, &mut piece));
            match catch_unwind(turn) {
                Ok(true) => state.idle = 0,
                Ok(false) => {
                    state.idle = state.idle.saturating_add(1);
                    std::thread::sleep(self.sleep_time(&state));
                }
                Err(panic) => self.fail(&mut state, &ProcessorError::from_panic(&*panic)),
            }
        }
        // No code of a plugin may run once its host has unloaded it.
        drop(state.chain);
        state.retired.into_iter().for_each(|thread| drop(thread.join()));
    }

    /// Does the work there is; false if there was none.
    fn turn(&mut self, state: &mut WorkerState, piece: &mut [f32]) -> bool {
        if let Ok(chain) = self.models.try_recv() {
            self.install(state, chain);
        }
        let took = self.take_input(state, piece);
        let made = self.make_lanes(state);
        let sent = self.send(state);
        took || made || sent
    }

    /// Installs a new model, which starts with the next input sample; the port plays dry until its
    /// lanes arrive.
    fn install(&mut self, state: &mut WorkerState, mut chain: Box<Chain>) {
        chain.reset(state.settings);
        state.restart(state.position);
        state.frame_times = [f32::MAX; FRAME_TIMES];
        let old = state.chain.replace(chain);
        self.retire(state, old);
        self.shared.set_health(PortHealth::Running, state.start);
    }

    /// Frees a chain on a thread of its own: gigabytes take long.
    fn retire(&self, state: &mut WorkerState, chain: Option<Box<Chain>>) {
        state.retired.retain(|thread| !thread.is_finished());
        // Where no thread can be had, the chain is freed here.
        let thread = std::thread::Builder::new().name("residue-free".into());
        if let Some(Ok(thread)) = chain.map(|chain| thread.spawn(move || drop(chain))) {
            state.retired.push(thread);
        }
    }

    /// Stops using a failed model: no lanes until another is installed.
    fn fail(&mut self, state: &mut WorkerState, error: &ProcessorError) {
        let old = state.chain.take();
        self.retire(state, old);
        self.shared.load.store(0, Ordering::Relaxed);
        self.shared.set_health(PortHealth::Failed(error.to_string()), u64::MAX);
    }

    /// Takes input; false if there was none. Frames that wait may pile up: the port's ring bounds
    /// them, and a reset further on must be seen.
    fn take_input(&mut self, state: &mut WorkerState, piece: &mut [f32]) -> bool {
        let mut took = false;
        for _ in 0..MAX_PIECES {
            match self.input.next() {
                RingItem::Empty => break,
                RingItem::Mark(mark) => self.apply_mark(state, &mark),
                RingItem::SampleFrames(count) => {
                    let count = count.min(INPUT_PIECE);
                    let interleaved = &mut piece[..count * self.channels];
                    self.input.read(interleaved);
                    state.position += count as u64;
                    if let Some(chain) = &mut state.chain {
                        chain.push(interleaved);
                    }
                }
            }
            took = true;
        }
        took
    }

    fn apply_mark(&mut self, state: &mut WorkerState, mark: &InputMark) {
        let restarts = mark.origin != state.origin;
        let missing = mark.position.saturating_sub(state.position);
        state.position = mark.position;
        state.origin = mark.origin;
        let changed = mark.settings != state.settings;
        state.settings = mark.settings;
        if restarts {
            state.restart(mark.origin);
        }
        let Some(chain) = &mut state.chain else { return };
        if restarts {
            chain.reset(mark.settings);
            // The stream's first samples may be among those that found no room.
            chain.push_silence(mark.position - mark.origin);
            self.shared.lanes_from.store(state.start, Ordering::Release);
            return;
        }
        chain.push_silence(missing);
        if changed {
            chain.set(mark.position - state.start, mark.settings);
        }
    }

    /// Processes frames, if any are complete and the last ones have been sent; false if not.
    fn make_lanes(&mut self, state: &mut WorkerState) -> bool {
        if state.sent < state.out.interleaved.len() {
            return false;
        }
        let Some(chain) = &mut state.chain else { return false };
        if chain.ready() == 0 {
            return false;
        }
        let (mut most, mut due) = (MAX_FRAMES, None);
        if !self.shared.offline.load(Ordering::Relaxed) {
            let playing = self.shared.playing.load(Ordering::Relaxed);
            let played = playing.saturating_sub(state.start);
            // The shortest of the last times: a single long one was a preemption, and does not predict
            // the next.
            let fastest = state.frame_times.into_iter().fold(f32::MAX, f32::min);
            let known = fastest < f32::MAX;
            let time = if known { (fastest * self.rate as f32) as u64 } else { 0 };
            skip_late(chain, played, time);
            most = frames_before_deadline(chain, played, time);
            let left = Duration::from_secs_f64(due_in(chain, played) as f64 / f64::from(self.rate));
            due = Some(Instant::now() + left);
        }
        // A start that is still to be announced stays; samples that were sent are removed.
        state.out.interleaved.clear();
        state.sent = 0;
        let began = Instant::now();
        let count = match chain.process(most, due, &mut state.out) {
            Ok(count) => count,
            Err(error) => {
                self.fail(state, &error);
                return true;
            }
        };
        let computed = began.elapsed().saturating_sub(chain.held());
        let seconds = computed.as_secs_f64() / count.max(1) as f64;
        let load = (seconds / chain.timing().frame_seconds()) as f32;
        self.shared.load.store(load.to_bits(), Ordering::Relaxed);
        self.shared.peak_load.raise(load);
        self.shared.frames.fetch_add(count as u64, Ordering::Relaxed);
        self.shared.non_finite[1].fetch_add(chain.take_non_finite(), Ordering::Relaxed);
        self.shared.publish_guards(chain.take_guard_counts(), chain.muted_lanes());
        state.frame_times.rotate_right(1);
        state.frame_times[0] = seconds as f32;
        if self.codes.has_readers() && !chain.codes().is_empty() {
            let first = chain.next_frame() - count as u64;
            let (streams, layers) = (chain.streams(), chain.format().layers);
            for t in 0..count {
                let position = state.start + chain.timing().frame_start(first + t as u64);
                let codes = chain.codes().iter().skip(t).step_by(count).copied();
                push_codes(&mut self.codes, position, streams, layers, codes);
            }
        }
        true
    }

    /// Sends lane samples as the ring has room; false if there were none or there is no room.
    fn send(&mut self, state: &mut WorkerState) -> bool {
        let width = DECODED_LANES * self.channels;
        let unsent = &state.out.interleaved[state.sent..];
        if unsent.is_empty() {
            return false;
        }
        if let Some(first) = state.out.starts_at {
            let mark = LaneMark { position: state.start + first, origin: state.origin };
            if !self.lanes.mark(mark) {
                return false;
            }
            state.out.starts_at = None;
            state.delivered = mark.position;
        }
        let count = self.lanes.room().min(unsent.len() / width);
        self.lanes.write(&unsent[..count * width]);
        state.sent += count * width;
        state.delivered += count as u64;
        self.shared.delivered.store(state.delivered, Ordering::Release);
        count > 0
    }

    /// Returns how long to sleep without work: until about when the next frame is complete.
    fn sleep_time(&self, state: &WorkerState) -> Duration {
        if self.shared.offline.load(Ordering::Relaxed) {
            return if state.idle < OFFLINE_TURNS { OFFLINE_SLEEP } else { IDLE_SLEEP / 4 };
        }
        let Some(chain) = &state.chain else { return IDLE_SLEEP };
        let complete = state.start + chain.timing().frame_start(chain.next_frame() + 1);
        let missing = complete.saturating_sub(state.position);
        let half = Duration::from_secs_f64(0.5 * missing as f64 / f64::from(self.rate));
        half.clamp(IDLE_SLEEP / 8, IDLE_SLEEP)
    }
}

/// Leaves out frames that would be too late, so that the codec catches up at once after it was held
/// up: those that end before they could be ready, `time` host samples from now. The newest is always
/// processed, so that the load is known even if nothing is ever in time.
fn skip_late(chain: &mut Chain, played: u64, time: u64) {
    let newest = chain.next_frame() + chain.ready() as u64 - 1;
    let mut frame = chain.next_frame();
    while frame < newest && chain.timing().frame_start(frame + 1) <= played + time {
        frame += 1;
    }
    chain.skip_to(frame);
}

/// Returns the host samples until the next frame's lanes are played.
fn due_in(chain: &Chain, played: u64) -> u64 {
    chain.timing().frame_start(chain.next_frame()).saturating_sub(played)
}

/// Returns how many frames to process at once so that the others do not make the first late, at
/// `time` host samples of compute time a frame.
fn frames_before_deadline(chain: &Chain, played: u64, time: u64) -> usize {
    (due_in(chain, played) / time.max(1)).clamp(1, MAX_FRAMES as u64) as usize
}
