//! Thread pool with a static schedule for short parallel loops.
//!
//! One pass of a model runs a few hundred parallel loops of tens of microseconds each, too short to wake a
//! thread for. [`ThreadPool::run`] therefore wakes the helper threads once a pass. They spin for the next
//! loop until the pass ends and for some tens of microseconds longer, because a decoder's pass often
//! follows an encoder's, and then park. The calling thread works too, and never waits for a helper that
//! has not started: it claims that helper's part itself.
//!
//! # Protocol
//!
//! ```text
//! leader (calls run, worker 0)                 helper w (worker 1, 2, ...)
//! write task, data
//! store loop_id         -- Release/Acquire --> load claimed[w], then loop_id
//! run part 0                                   w < parts of loop_id: CAS claimed[w] -> loop_id
//! for each helper: CAS claimed[w] -> loop_id   claimed: run part w
//!   claimed: run part w
//! wait until all    <-- Release/Acquire --     store completed[w] = loop_id
//!   completed[w] = loop_id
//! ```
//!
//! Exactly one of the two compare-and-swaps on `claimed[w]` succeeds, so every part runs once. `task` and
//! `data` change only after all parts of the last loop are completed. The protocol is model-checked in
//! `thread_pool/loom_tests.rs`.

mod adaptive_threads;

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use super::denormals::FlushDenormals;
use super::priority::RaisedPriority;
use super::sync::{
    Arc, AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, spin_loop,
    thread::{self, JoinHandle},
};
use adaptive_threads::AdaptiveThreads;

#[cfg(all(test, loom))]
mod loom_tests;
#[cfg(all(test, not(loom)))]
mod tests;

/// Maximum number of threads of a pool, and of a model's arithmetic.
pub const MAX_THREADS: usize = 256;
/// Largest number of threads chosen automatically: loops are short and memory bandwidth is shared, so that
/// more threads gain nothing.
const MAX_AUTO_THREADS: usize = 8;
/// Iterations of a waiting loop, some tens of microseconds, before a thread yields its core.
#[cfg(not(all(test, loom)))]
const SPINS: u32 = 4000;
/// Few enough that loom reaches the parked state.
#[cfg(all(test, loom))]
const SPINS: u32 = 1;
/// Elements below which one pass over them is not worth distributing.
const MIN_ELEMENTWISE: usize = 1 << 13;
/// Bits of a loop id that hold its number of parts; the bits above count loops.
const PARTS_MASK: u64 = 0xffff;
const _: () = assert!(MAX_THREADS as u64 <= PARTS_MASK);

/// Type-erased task: closure and part.
type Task = unsafe fn(*const (), usize);

/// State that the leader and the helpers share.
///
/// It has cache lines of its own, as each [`WorkerSlot`] has: between cores that are far apart, a line
/// that both write costs more than a short loop.
#[repr(align(128))]
struct PoolState {
    /// Current loop: sequence number, and its parts in the lowest 16 bits.
    loop_id: AtomicU64,
    /// Task of the current loop: written before `loop_id`, read after a part is claimed. It cannot change
    /// before that part is completed.
    task: AtomicPtr<()>,
    data: AtomicPtr<()>,
    /// Threads of the running pass, or 0: helpers below it look for loops.
    active: AtomicUsize,
    /// The pool is being dropped.
    shutdown: AtomicBool,
    /// Helpers raise their priority, as a leader has.
    raised: AtomicBool,
    /// Locked by the thread that leads a pass; never waited for.
    lead: Mutex<AdaptiveThreads>,
    panicked: AtomicBool,
    /// First payload after a panic; not touched otherwise.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// One for each helper; helper w, from 1, has slot w - 1.
    slots: Vec<WorkerSlot>,
}

/// Progress of a helper, or of the leader in its place.
#[repr(align(128))]
struct WorkerSlot {
    /// Last loop whose part for this helper was claimed, by it or by the leader.
    claimed: AtomicU64,
    /// Last loop whose part for this helper is completed.
    completed: AtomicU64,
}

impl WorkerSlot {
    fn new() -> Self {
        Self { claimed: AtomicU64::new(0), completed: AtomicU64::new(0) }
    }

    /// Claims this slot's part of `loop_id`, unless it was claimed since `last` was read.
    fn claim(&self, last: u64, loop_id: u64) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        last != loop_id && self.claimed.compare_exchange(last, loop_id, success, failure).is_ok()
    }
}

impl PoolState {
    fn new(helpers: usize) -> Self {
        Self {
            loop_id: AtomicU64::new(0),
            task: AtomicPtr::new(std::ptr::null_mut()),
            data: AtomicPtr::new(std::ptr::null_mut()),
            active: AtomicUsize::new(0),
            shutdown: AtomicBool::new(false),
            raised: AtomicBool::new(false),
            lead: Mutex::new(AdaptiveThreads::new(1 + helpers)),
            panicked: AtomicBool::new(false),
            panic: Mutex::new(None),
            slots: (0..helpers).map(|_| WorkerSlot::new()).collect(),
        }
    }

    /// Runs a part of the current loop and catches its panic.
    ///
    /// # Safety
    /// The caller must have claimed the part.
    unsafe fn run_part(&self, part: usize) {
        let task = self.task.load(Ordering::Relaxed);
        let data = self.data.load(Ordering::Relaxed);
        // SAFETY: `task` was made from a `Task` in `Workers::parallel_for`, which stored it with `data`
        // before the part could be claimed and keeps the closure behind `data` alive until all parts are
        // completed.
        let run = || unsafe { std::mem::transmute::<*mut (), Task>(task)(data, part) };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            *self.panic.lock().unwrap_or_else(|e| e.into_inner()) = Some(panic);
            self.panicked.store(true, Ordering::Relaxed);
        }
    }

    /// Claims and runs a helper's part of the current loop; false if there is none to claim.
    fn help(&self, worker: usize) -> bool {
        let slot = &self.slots[worker - 1];
        // In this order: if the loop read is over, its part was claimed before or is claimed by now, and
        // the compare-and-swap fails.
        let last = slot.claimed.load(Ordering::Acquire);
        let loop_id = self.loop_id.load(Ordering::Acquire);
        let claimed = worker < (loop_id & PARTS_MASK) as usize && slot.claim(last, loop_id);
        if claimed {
            // SAFETY: claimed just now.
            unsafe { self.run_part(worker) };
            slot.completed.store(loop_id, Ordering::Release);
        }
        claimed
    }

    /// Main function of a helper thread.
    fn run_helper(&self, worker: usize) {
        let _flush = FlushDenormals::new();
        let mut priority = None;
        let mut idle = 0;
        while !self.shutdown.load(Ordering::Acquire) {
            // Two helpers that spin could take turns forever in a model. One that parks instead counts as
            // late: the leader claims its parts.
            let gives_up = cfg!(all(test, loom)) && idle > 2 * SPINS;
            if worker < self.active.load(Ordering::Acquire) && !gives_up {
                if self.help(worker) {
                    idle = 0;
                }
                back_off(&mut idle);
            } else if idle < SPINS {
                back_off(&mut idle);
            } else {
                // `lead` and `drop` unpark after they set a flag, and an unpark before this park makes
                // it return at once: no wake-up is lost.
                thread::park();
                idle = 0;
                if priority.is_none() && self.raised.load(Ordering::Relaxed) {
                    priority = Some(RaisedPriority::of_current_thread());
                }
            }
        }
    }
}

/// Spins, and yields the core once `idle` iterations have passed [`SPINS`].
fn back_off(idle: &mut u32) {
    *idle = idle.saturating_add(1);
    if *idle < SPINS {
        spin_loop();
    } else {
        thread::yield_now();
    }
}

/// Pool of threads that run the parallel loops of a pass. Dropping it joins them.
pub struct ThreadPool {
    state: Arc<PoolState>,
    helpers: Vec<JoinHandle<()>>,
}

impl ThreadPool {
    /// Returns the number of threads that [`ThreadPool::new`] starts for `threads`, where 0 chooses.
    pub fn resolve_threads(threads: usize) -> usize {
        match threads {
            0 => std::thread::available_parallelism()
                .map_or(1, |cores| (cores.get() - 1).clamp(1, MAX_AUTO_THREADS)),
            n => n,
        }
    }

    /// Starts a pool of `threads` threads: the one that calls [`ThreadPool::run`], and helpers. 0 chooses
    /// one less than the available cores, which leaves a core to others such as an audio host, but at
    /// least 1 and at most 8. Allocates.
    ///
    /// # Errors
    /// If `threads` exceeds [`MAX_THREADS`], or a helper cannot be started.
    pub fn new(threads: usize) -> io::Result<Self> {
        let threads = Self::resolve_threads(threads);
        if threads > MAX_THREADS {
            let problem = format!("at most {MAX_THREADS} threads, not {threads}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let state = Arc::new(PoolState::new(threads - 1));
        let mut pool = Self { state, helpers: Vec::new() };
        for worker in 1..threads {
            let state = Arc::clone(&pool.state);
            let name = format!("residue-pool-{worker}");
            // If a thread cannot be started, dropping `pool` joins those that were.
            let helper =
                thread::Builder::new().name(name).spawn(move || state.run_helper(worker))?;
            pool.helpers.push(helper);
        }
        Ok(pool)
    }

    /// Returns the number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        1 + self.helpers.len()
    }

    /// Runs `body` on this thread with the pool's threads for its parallel loops, denormals flushed in
    /// all of them.
    ///
    /// Uses fewer threads for a while where helpers are held up by other work, as measured in the calls
    /// before. The helpers serve one call at a time: a second one at the same time runs on its own thread
    /// alone. Does not allocate; wakes threads, and is therefore not realtime-safe.
    pub fn run<R>(&self, body: impl FnOnce(&Workers<'_>) -> R) -> R {
        let _flush = FlushDenormals::new();
        let Some(mut lead) = self.lead() else {
            return body(&Workers { threads: 1, state: None, waited: Cell::new(0.0) });
        };
        let threads = lead.adaptive.current();
        let workers = Workers { threads, state: Some(&self.state), waited: Cell::new(0.0) };
        let start = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| body(&workers)));
        lead.adaptive.record(start.elapsed().as_secs_f64(), workers.waited.get());
        // Before a panic goes on, which would poison the lock.
        drop(lead);
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Activates the helpers of the next pass, unless there are none or another thread leads them.
    fn lead(&self) -> Option<LeadGuard<'_>> {
        if self.helpers.is_empty() {
            return None;
        }
        let adaptive = self.state.lead.try_lock().ok()?;
        if RaisedPriority::is_current_thread() {
            self.state.raised.store(true, Ordering::Relaxed);
        }
        let threads = adaptive.current();
        self.state.active.store(threads, Ordering::Release);
        self.helpers[..threads - 1].iter().for_each(|helper| helper.thread().unpark());
        Some(LeadGuard { state: &self.state, adaptive })
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.state.shutdown.store(true, Ordering::Release);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper's panics were passed on to the leader of its loop.
            let _ = helper.join();
        }
    }
}

/// Lead of a pass; deactivates the helpers when dropped.
struct LeadGuard<'a> {
    state: &'a PoolState,
    adaptive: MutexGuard<'a, AdaptiveThreads>,
}

impl Drop for LeadGuard<'_> {
    fn drop(&mut self) {
        self.state.active.store(0, Ordering::Release);
    }
}

/// Threads of one [`ThreadPool::run`].
pub struct Workers<'a> {
    threads: usize,
    state: Option<&'a PoolState>,
    /// Seconds in which the leader has waited for helpers, without the spins of each wait. The cell makes the type not `Sync`: there is one
    /// current loop, so that only the leading thread may start one, and no part of a loop may start another.
    waited: Cell<f64>,
}

impl Workers<'_> {
    /// Returns the number of threads, the leading one included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `f(part, range)` for `parts` contiguous ranges of `0..count`, as even as possible. Does not
    /// allocate.
    ///
    /// # Panics
    /// As [`Workers::parallel_for`].
    pub(super) fn parallel_ranges<F>(&self, count: usize, parts: usize, f: F)
    where
        F: Fn(usize, Range<usize>) + Sync,
    {
        self.parallel_for(parts, |part| f(part, part * count / parts..(part + 1) * count / parts));
    }

    /// Calls `f(range)` for contiguous ranges of `0..count`, one a thread, or on this thread alone if the
    /// operation passes over so few `elements` that distributing them costs more. Does not allocate.
    pub(super) fn parallel_elementwise<F>(&self, elements: usize, count: usize, f: F)
    where
        F: Fn(Range<usize>) + Sync,
    {
        let parts = if elements < MIN_ELEMENTWISE { 1 } else { self.threads.min(count) };
        self.parallel_ranges(count, parts, |_, range| f(range));
    }

    /// Calls `f(part)` for parts `0..parts` and returns when all are completed.
    ///
    /// Static schedule: worker i always gets part i, for cache affinity between loops, or the leader takes
    /// it if worker i has not started yet. Does not allocate.
    ///
    /// # Panics
    /// If a part panics, or there are more parts than threads.
    pub fn parallel_for<F: Fn(usize) + Sync>(&self, parts: usize, f: F) {
        assert!(parts <= self.threads, "at most one part per thread");
        let state = match self.state {
            Some(state) if parts > 1 => state,
            _ => return (0..parts).for_each(f),
        };
        /// # Safety
        /// `data` must point to an `F`.
        unsafe fn task<F: Fn(usize)>(data: *const (), part: usize) {
            // SAFETY: by the contract.
            unsafe { (*data.cast::<F>())(part) }
        }
        state.task.store(task::<F> as Task as *mut (), Ordering::Relaxed);
        state.data.store((&raw const f).cast_mut().cast(), Ordering::Relaxed);
        let last = state.loop_id.load(Ordering::Relaxed);
        let loop_id = ((last | PARTS_MASK) + 1) | parts as u64;
        state.loop_id.store(loop_id, Ordering::Release);
        // SAFETY: part 0 is always the leader's.
        unsafe { state.run_part(0) };
        let slots = &state.slots[..parts - 1];
        for (i, slot) in slots.iter().enumerate() {
            let last = slot.claimed.load(Ordering::Acquire);
            if slot.claim(last, loop_id) {
                // SAFETY: claimed just now.
                unsafe { state.run_part(i + 1) };
                slot.completed.store(loop_id, Ordering::Relaxed);
            }
        }
        for slot in slots {
            self.wait_for(|| slot.completed.load(Ordering::Acquire) == loop_id);
        }
        if state.panicked.swap(false, Ordering::Relaxed) {
            let panic = state.panic.lock().unwrap_or_else(|e| e.into_inner()).take();
            if let Some(panic) = panic {
                resume_unwind(panic);
            }
        }
    }

    /// Waits until `done`, and takes note of a long wait.
    fn wait_for(&self, done: impl Fn() -> bool) {
        let mut idle = 0;
        while !done() {
            back_off(&mut idle);
            if idle == SPINS {
                let start = Instant::now();
                while !done() {
                    back_off(&mut idle);
                }
                self.waited.set(self.waited.get() + start.elapsed().as_secs_f64());
            }
        }
    }
}
