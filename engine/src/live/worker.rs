//! The thread that runs the codec.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use thread_priority::{ThreadPriority, set_current_thread_priority};

use super::chain::{Chain, LaneSamples};
use super::history::HistoryWriter;
use super::settings::FrameSettings;
use super::status::{Health, Shared};
use super::stream::{Next, Reader, Writer};
use super::telemetry;

/// What holds for the input from a sample on. Every mark says everything, so that losing one to a
/// full ring does no harm once the next gets through.
#[derive(Clone, Copy)]
pub(super) struct InputMark {
    /// Number of the sample since the port was opened.
    pub position: u64,
    /// Number of the sample that the stream starts at.
    pub origin: u64,
    pub settings: FrameSettings,
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
/// Ticks taken from the input at a time.
const PIECE: usize = 1024;
/// Recent frame times of which the shortest says what is possible.
const TIMES: usize = 8;
/// Priority from 0 to 99 among ordinary threads, where the system grants any: nice -11 on Linux. Not
/// a realtime class: a codec that falls behind would take the machine with it, and helpers of
/// ordinary priority would keep it waiting.
const PRIORITY: u8 = 75;
/// Longest sleep where nothing happens.
const IDLE: Duration = Duration::from_millis(4);
/// Sleep while the port waits.
const OFFLINE: Duration = Duration::from_micros(20);

pub(super) struct Worker {
    pub shared: Arc<Shared>,
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
    settings: FrameSettings,
    /// Lane samples that did not fit the ring yet.
    out: LaneSamples,
    sent: usize,
    times: [f32; TIMES],
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
            if let Ok(chain) = self.models.try_recv() {
                self.adopt(&mut state, chain);
            }
            let took = self.take_input(&mut state, &mut ticks);
            let made = self.make_lanes(&mut state);
            let sent = self.send(&mut state);
            if !(took || made || sent) {
                std::thread::sleep(self.pause(&state));
            }
        }
    }

    /// A new model starts with the next input sample; the port plays dry until its lanes come.
    fn adopt(&mut self, state: &mut State, mut chain: Box<Chain>) {
        chain.reset(state.settings);
        state.start = state.position;
        state.times = [f32::MAX; TIMES];
        state.out = LaneSamples { starts_at: Some(0), ..LaneSamples::default() };
        state.sent = 0;
        self.retire(state.chain.replace(chain));
        self.shared.set_health(Health::Running, state.start);
    }

    /// Freeing gigabytes takes long: elsewhere.
    fn retire(&self, chain: Option<Box<Chain>>) {
        if let Some(chain) = chain {
            std::thread::spawn(move || drop(chain));
        }
    }

    /// The model failed: no lanes until another comes.
    fn fail(&mut self, state: &mut State, reason: String) {
        self.retire(state.chain.take());
        self.shared.set_health(Health::Failed(reason), u64::MAX);
    }

    /// Takes all input there is; false if there was none.
    fn take_input(&mut self, state: &mut State, ticks: &mut [f32]) -> bool {
        let mut took = false;
        // Offline no input is ever dropped, so that it may wait in the ring; the frames it makes
        // must not pile up here.
        while state.chain.as_ref().is_none_or(|chain| chain.ready() < 2 * MOST_FRAMES)
            || !self.shared.offline.load(Ordering::Relaxed)
        {
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
            state.start = mark.origin;
            state.out = LaneSamples { starts_at: Some(0), ..LaneSamples::default() };
            state.sent = 0;
        }
        let Some(chain) = &mut state.chain else { return };
        if restarts {
            chain.reset(mark.settings);
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
        if !self.shared.offline.load(Ordering::Relaxed) {
            let playing = self.shared.playing.load(Ordering::Relaxed);
            let played = playing.saturating_sub(state.start);
            skip_late(chain, played, state.times, self.rate);
        }
        // A start that waits to be announced stays; what was sent makes room.
        state.out.interleaved.clear();
        state.sent = 0;
        let began = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| chain.process(MOST_FRAMES, &mut state.out)));
        let count = match done {
            Ok(Ok(count)) => count,
            Ok(Err(reason)) => {
                self.fail(state, reason);
                return true;
            }
            Err(panic) => {
                self.fail(state, format!("it panicked: {}", message(&*panic)));
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
        let width = super::model::LANES * self.channels;
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
        }
        let ticks = self.lanes.room().min(left.len() / width);
        self.lanes.write(&left[..ticks * width]);
        state.sent += ticks * width;
        ticks > 0
    }

    /// How long to sleep when there is nothing to do: until about when the next frame is complete.
    fn pause(&self, state: &State) -> Duration {
        if self.shared.offline.load(Ordering::Relaxed) {
            return OFFLINE;
        }
        let Some(chain) = &state.chain else { return IDLE };
        let complete = state.start + chain.timing().start(chain.next_frame() + 1);
        let missing = complete.saturating_sub(state.position);
        let half = Duration::from_secs_f64(0.5 * missing as f64 / f64::from(self.rate));
        half.clamp(IDLE / 8, IDLE)
    }
}

/// Leaves out frames that nobody would hear, so that the codec catches up at once after it was held
/// up: those that end before they could be ready. The newest is always processed: the load is known
/// even if nothing is ever in time.
fn skip_late(chain: &mut Chain, played: u64, times: [f32; TIMES], rate: u32) {
    // The shortest of the last ones: a single long one was the hold-up and says nothing of the next.
    let fastest = times.into_iter().fold(f32::MAX, f32::min);
    let time = if fastest == f32::MAX { 0.0 } else { f64::from(fastest) * f64::from(rate) };
    let ready_at = played + time as u64;
    let newest = chain.next_frame() + chain.ready() as u64 - 1;
    let mut frame = chain.next_frame();
    while frame < newest && chain.timing().start(frame + 1) <= ready_at {
        frame += 1;
    }
    chain.skip_to(frame);
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}
