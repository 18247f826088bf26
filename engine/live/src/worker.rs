//! The thread that runs the codec.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use thread_priority::{ThreadPriority, set_current_thread_priority};

use super::chain::{Chain, LaneSamples};
use super::history::HistoryWriter;
use super::settings::FrameEffects;
use super::status::{PortHealth, SharedStatus};
use super::stream::{Next, Reader, Writer};
use super::telemetry;

/// What holds for the input from a sample on. Every mark says everything, so that one that found no
/// room does no harm once the next gets through.
#[derive(Clone, Copy)]
pub(super) struct InputMark {
    /// Number of the sample since the port was opened.
    pub position: u64,
    /// Number of the sample that the stream starts at.
    pub origin: u64,
    pub settings: FrameEffects,
}

/// What holds for lane samples from one on.
#[derive(Clone, Copy)]
pub(super) struct LaneMark {
    /// Number of the lane sample, counted like the input's.
    pub position: u64,
    /// The origin of the stream it belongs to.
    pub origin: u64,
}

/// Most frames at a time: more at once is more efficient, fewer come sooner.
const MOST_FRAMES: usize = 4;
/// Ticks taken from the input at a time, and most pieces in one turn: a host that is faster than the
/// worker must not keep it from everything else.
const PIECE: usize = 1024;
const PIECES: usize = 32;
/// Recent frame times of which the shortest says what is possible.
const TIMES: usize = 8;
/// Priority from 0 to 99 among ordinary threads, where the system grants any: nice -11 on Linux. Not
/// a realtime class: a codec that falls behind would take the machine with it, and helpers of
/// ordinary priority would keep it waiting.
const PRIORITY: u8 = 75;
/// Longest sleep where nothing happens.
const IDLE: Duration = Duration::from_millis(4);
/// Sleep while the port waits, and turns without work after which it seems to have stopped.
const OFFLINE: Duration = Duration::from_micros(20);
const OFFLINE_TURNS: u32 = 2000;

pub(super) struct Worker {
    pub shared: Arc<SharedStatus>,
    pub input: Reader<InputMark>,
    pub lanes: Writer<LaneMark>,
    pub models: Receiver<Box<Chain>>,
    pub codes: HistoryWriter,
    pub channels: usize,
    pub rate: u32,
}

/// Where the worker is in the stream.
#[derive(Default)]
struct State {
    chain: Option<Box<Chain>>,
    /// Number of the next input sample.
    position: u64,
    /// The stream's first input sample.
    origin: u64,
    /// The first input sample of the chain, at or after the origin.
    start: u64,
    settings: FrameEffects,
    /// Lane samples that did not fit the ring yet.
    out: LaneSamples,
    sent: usize,
    /// The lane sample after the last one sent.
    delivered: u64,
    times: [f32; TIMES],
    /// Turns without work.
    idle: u32,
    /// Threads that free old chains.
    retired: Vec<JoinHandle<()>>,
}

impl State {
    /// Lanes start anew at input sample `start`; what was not sent of the old ones is dropped.
    fn restart(&mut self, start: u64) {
        self.start = start;
        self.out = LaneSamples { starts_at: Some(0), ..LaneSamples::default() };
        self.sent = 0;
    }
}

impl Worker {
    pub fn run(mut self) {
        // Where it is not granted, the codec runs as everything else does.
        if let Ok(priority) = PRIORITY.try_into() {
            let _ = set_current_thread_priority(ThreadPriority::Crossplatform(priority));
        }
        let mut state = State { times: [f32::MAX; TIMES], ..State::default() };
        let mut ticks = vec![0.0; PIECE * self.channels];
        while !self.shared.stop.load(Ordering::Relaxed) {
            let turn = AssertUnwindSafe(|| self.turn(&mut state, &mut ticks));
            match catch_unwind(turn) {
                Ok(true) => state.idle = 0,
                Ok(false) => {
                    state.idle = state.idle.saturating_add(1);
                    std::thread::sleep(self.pause(&state));
                }
                Err(panic) => {
                    let reason = format!("it panicked: {}", panic_message(&*panic));
                    self.fail(&mut state, reason);
                }
            }
        }
        // Nothing of a plugin may run once its host has let it go.
        drop(state.chain);
        state.retired.into_iter().for_each(|thread| drop(thread.join()));
    }

    /// Does what there is to do; false if that was nothing.
    fn turn(&mut self, state: &mut State, ticks: &mut [f32]) -> bool {
        if let Ok(chain) = self.models.try_recv() {
            self.adopt(state, chain);
        }
        let took = self.take_input(state, ticks);
        let made = self.make_lanes(state);
        let sent = self.send(state);
        took || made || sent
    }

    /// A new model starts with the next input sample; the port plays dry until its lanes come.
    fn adopt(&mut self, state: &mut State, mut chain: Box<Chain>) {
        chain.reset(state.settings);
        state.restart(state.position);
        state.times = [f32::MAX; TIMES];
        let old = state.chain.replace(chain);
        self.retire(state, old);
        self.shared.set_health(PortHealth::Running, state.start);
    }

    /// Freeing gigabytes takes long: elsewhere.
    fn retire(&self, state: &mut State, chain: Option<Box<Chain>>) {
        state.retired.retain(|thread| !thread.is_finished());
        // Where no thread can be had, the chain is freed here.
        let thread = std::thread::Builder::new().name("residue-free".into());
        if let Some(Ok(thread)) = chain.map(|chain| thread.spawn(move || drop(chain))) {
            state.retired.push(thread);
        }
    }

    /// The model failed: no lanes until another comes.
    fn fail(&mut self, state: &mut State, reason: String) {
        let old = state.chain.take();
        self.retire(state, old);
        self.shared.load.store(0, Ordering::Relaxed);
        self.shared.set_health(PortHealth::Failed(reason), u64::MAX);
    }

    /// Takes input; false if there was none. Frames that wait may pile up: the port's ring bounds
    /// them, and a reset further on must be seen.
    fn take_input(&mut self, state: &mut State, ticks: &mut [f32]) -> bool {
        let mut took = false;
        for _ in 0..PIECES {
            match self.input.next() {
                Next::Nothing => break,
                Next::Mark(mark) => self.obey(state, &mark),
                Next::Ticks(count) => {
                    let count = count.min(PIECE);
                    let ticks = &mut ticks[..count * self.channels];
                    self.input.read(ticks);
                    state.position += count as u64;
                    if let Some(chain) = &mut state.chain {
                        chain.push(ticks);
                    }
                }
            }
            took = true;
        }
        took
    }

    fn obey(&mut self, state: &mut State, mark: &InputMark) {
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
            chain.push_gap(mark.position - mark.origin);
            self.shared.lanes_from.store(state.start, Ordering::Release);
            return;
        }
        chain.push_gap(missing);
        if changed {
            chain.set(mark.position - state.start, mark.settings);
        }
    }

    /// Processes frames, if any are ready and the last ones have been sent.
    fn make_lanes(&mut self, state: &mut State) -> bool {
        if state.sent < state.out.interleaved.len() {
            return false;
        }
        let Some(chain) = &mut state.chain else { return false };
        if chain.ready() == 0 {
            return false;
        }
        let mut most = MOST_FRAMES;
        if !self.shared.offline.load(Ordering::Relaxed) {
            let playing = self.shared.playing.load(Ordering::Relaxed);
            let played = playing.saturating_sub(state.start);
            // The shortest of the last times: a single long one was a hold-up and says nothing of
            // the next.
            let fastest = state.times.into_iter().fold(f32::MAX, f32::min);
            let known = fastest < f32::MAX;
            let time = if known { (fastest * self.rate as f32) as u64 } else { 0 };
            skip_late(chain, played, time);
            most = before_due(chain, played, time);
        }
        // A start that waits to be announced stays; what was sent makes room.
        state.out.interleaved.clear();
        state.sent = 0;
        let began = Instant::now();
        let count = match chain.process(most, &mut state.out) {
            Ok(count) => count,
            Err(reason) => {
                self.fail(state, reason);
                return true;
            }
        };
        let seconds = began.elapsed().as_secs_f64() / count.max(1) as f64;
        let frame = seconds / chain.timing().frame_seconds();
        self.shared.load.store((frame as f32).to_bits(), Ordering::Relaxed);
        self.shared.peak_load.raise(frame as f32);
        self.shared.frames.fetch_add(count as u64, Ordering::Relaxed);
        self.shared.non_finite[1].fetch_add(chain.take_non_finite(), Ordering::Relaxed);
        state.times.rotate_right(1);
        state.times[0] = seconds as f32;
        if self.codes.watched() && !chain.codes().is_empty() {
            let first = chain.next_frame() - count as u64;
            let (streams, layers) = (chain.streams(), chain.format().layers);
            for t in 0..count {
                let position = state.start + chain.timing().start(first + t as u64);
                let codes = chain.codes().iter().skip(t).step_by(count).copied();
                self.codes.push(telemetry::frame_codes(position, streams, layers, codes));
            }
        }
        true
    }

    /// Sends lane samples as the ring has room; false if there was nothing to send or no room.
    fn send(&mut self, state: &mut State) -> bool {
        let width = super::model::DECODED_LANES * self.channels;
        let left = &state.out.interleaved[state.sent..];
        if left.is_empty() {
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
        let ticks = self.lanes.room().min(left.len() / width);
        self.lanes.write(&left[..ticks * width]);
        state.sent += ticks * width;
        state.delivered += ticks as u64;
        self.shared.delivered.store(state.delivered, Ordering::Release);
        ticks > 0
    }

    /// How long to sleep when there is nothing to do: until about when the next frame is complete.
    fn pause(&self, state: &State) -> Duration {
        if self.shared.offline.load(Ordering::Relaxed) {
            return if state.idle < OFFLINE_TURNS { OFFLINE } else { IDLE / 4 };
        }
        let Some(chain) = &state.chain else { return IDLE };
        let complete = state.start + chain.timing().start(chain.next_frame() + 1);
        let missing = complete.saturating_sub(state.position);
        let half = Duration::from_secs_f64(0.5 * missing as f64 / f64::from(self.rate));
        half.clamp(IDLE / 8, IDLE)
    }
}

/// Leaves out frames that nobody would hear, so that the codec catches up at once after it was held
/// up: those that end before they could be ready, `time` ticks from now. The newest is always
/// processed: the load is known even if nothing is ever in time.
fn skip_late(chain: &mut Chain, played: u64, time: u64) {
    let newest = chain.next_frame() + chain.ready() as u64 - 1;
    let mut frame = chain.next_frame();
    while frame < newest && chain.timing().start(frame + 1) <= played + time {
        frame += 1;
    }
    chain.skip_to(frame);
}

/// How many frames to process at once so that the first is not late because of the others, if one
/// takes `time` ticks.
fn before_due(chain: &Chain, played: u64, time: u64) -> usize {
    let due = chain.timing().start(chain.next_frame()).saturating_sub(played);
    (due / time.max(1)).clamp(1, MOST_FRAMES as u64) as usize
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}
