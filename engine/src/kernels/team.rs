//! Threads that share one pass.
//!
//! A pass is a few hundred small parallel loops, each of tens of microseconds: too short to wake a
//! thread for. So the helpers are woken once a pass and then spin for the next loop until the pass
//! is over; after it they spin on for a moment, since a decoder's pass often follows an encoder's,
//! and then sleep. The thread that leads a pass works too and never waits for a helper that has not
//! come.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::denormals::FlushDenormals;

/// Turns of the waiting loop, some tens of microseconds, before a thread offers its core to others.
const SPINS: u32 = 4000;
/// Threads beyond which a pass gains nothing: its loops are short and memory is shared.
const USEFUL: usize = 8;

/// A function of (task, worker), without its type.
type Call = unsafe fn(*const (), usize, usize);

/// What the threads of a team share.
#[derive(Default)]
struct Board {
    /// Tasks of the current loop in the upper half, the next one to take in the lower.
    claims: AtomicU64,
    /// The current loop's function: written before `claims`, read after taking a task. It cannot
    /// change before the task taken is done.
    call: AtomicPtr<()>,
    data: AtomicPtr<()>,
    done: AtomicUsize,
    /// Some thread leads a pass.
    led: AtomicBool,
    /// The helpers shall look for tasks.
    running: AtomicBool,
    /// The team is no more.
    over: AtomicBool,
    panicked: AtomicBool,
    /// Touched only after a panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Board {
    /// Takes and runs tasks until none is left; false if there was none at all.
    fn work(&self, worker: usize) -> bool {
        let mut worked = false;
        loop {
            let claims = self.claims.load(Ordering::Acquire);
            let (tasks, next) = (claims >> 32, claims & u64::from(u32::MAX));
            if next >= tasks {
                return worked;
            }
            let taken = self.claims.compare_exchange_weak(
                claims,
                claims + 1,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if taken.is_err() {
                continue;
            }
            worked = true;
            let call = self.call.load(Ordering::Relaxed);
            let data = self.data.load(Ordering::Relaxed);
            // SAFETY: `call` was made from a `Call` in `Crew::each`, which published it with
            // `data` before the claim and keeps the closure behind `data` alive until `done` counts
            // this task.
            let run = || unsafe {
                std::mem::transmute::<*mut (), Call>(call)(data, next as usize, worker);
            };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                *self.panic.lock().unwrap_or_else(|e| e.into_inner()) = Some(panic);
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// A helper's life.
    fn serve(&self, worker: usize) {
        let _flush = FlushDenormals::new();
        let mut idle = 0;
        while !self.over.load(Ordering::Acquire) {
            if self.running.load(Ordering::Acquire) {
                if self.work(worker) {
                    idle = 0;
                }
                wait(&mut idle);
            } else if idle < SPINS {
                wait(&mut idle);
            } else {
                // `lead` and `drop` unpark after they change a flag, and an unpark before this park
                // makes it return at once: no wake-up is lost.
                thread::park();
                idle = 0;
            }
        }
    }
}

fn wait(idle: &mut u32) {
    *idle = idle.saturating_add(1);
    if *idle < SPINS {
        std::hint::spin_loop();
    } else {
        thread::yield_now();
    }
}

/// Threads that help with passes. Dropping it ends them.
pub struct Team {
    board: Arc<Board>,
    helpers: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `threads`: the thread that calls [`Team::pass`] and helpers. 0 = as many as make
    /// sense while leaving one core to others, such as an audio host: one less than there are, at
    /// least 1 and at most 8. Allocates.
    ///
    /// # Errors
    /// If the helpers cannot be started.
    pub fn new(threads: usize) -> io::Result<Self> {
        let threads = match threads {
            0 => thread::available_parallelism()
                .map_or(1, |cores| (cores.get() - 1).clamp(1, USEFUL)),
            n => n,
        };
        let mut team = Self { board: Arc::default(), helpers: Vec::new() };
        for worker in 1..threads {
            let board = Arc::clone(&team.board);
            let name = format!("residue-codec-{worker}");
            // Those already started end with `team` if one cannot be.
            let helper = thread::Builder::new().name(name).spawn(move || board.serve(worker))?;
            team.helpers.push(helper);
        }
        Ok(team)
    }

    /// Threads of a pass, the caller's included.
    pub fn threads(&self) -> usize {
        1 + self.helpers.len()
    }

    /// Runs `body` on this thread, with the team's threads for its loops and denormals flushed.
    ///
    /// The helpers work for one pass at a time: one that starts while another runs is on its own.
    /// Allocates nothing; wakes threads, and so not for an audio thread.
    pub fn pass<R>(&self, body: impl FnOnce(&Crew<'_>) -> R) -> R {
        let _flush = FlushDenormals::new();
        let lead = self.lead();
        let board = lead.as_ref().map(|_| &*self.board);
        let threads = board.map_or(1, |_| self.threads());
        body(&Crew { threads, board, leader: PhantomData })
    }

    /// The helpers for a pass, if there are any and they are free.
    fn lead(&self) -> Option<Lead<'_>> {
        let free = || {
            let led = &self.board.led;
            led.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        (!self.helpers.is_empty() && free()).then(|| {
            self.board.running.store(true, Ordering::Release);
            self.helpers.iter().for_each(|helper| helper.thread().unpark());
            Lead(&self.board)
        })
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.board.over.store(true, Ordering::Release);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper's panics are caught and told to the leader; there is none left to tell.
            let _ = helper.join();
        }
    }
}

/// The lead of a pass; lets the helpers go when it ends, also by a panic.
struct Lead<'a>(&'a Board);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Ordering::Release);
        self.0.led.store(false, Ordering::Release);
    }
}

/// The threads of one pass.
pub struct Crew<'a> {
    threads: usize,
    board: Option<&'a Board>,
    /// Not `Sync`: there is one board, so that only the leading thread may start a loop, and no task
    /// of a loop may start another.
    leader: PhantomData<Cell<()>>,
}

impl Crew<'_> {
    /// Threads, the leading one included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `f(task, worker)` for every task, `worker < threads`, in any order and on any of the
    /// threads; returns when all are done. Allocates nothing.
    ///
    /// # Panics
    /// If a task does.
    pub fn each<F: Fn(usize, usize) + Sync>(&self, tasks: usize, f: F) {
        let board = match self.board {
            Some(board) if tasks > 1 => board,
            _ => return (0..tasks).for_each(|task| f(task, 0)),
        };
        /// # Safety
        /// `data` must point to an `F`.
        unsafe fn call<F: Fn(usize, usize)>(data: *const (), task: usize, worker: usize) {
            // SAFETY: the caller's promise.
            unsafe { (*data.cast::<F>())(task, worker) }
        }
        assert!(u32::try_from(tasks).is_ok());
        board.done.store(0, Ordering::Relaxed);
        board.call.store(call::<F> as Call as *mut (), Ordering::Relaxed);
        board.data.store((&raw const f).cast_mut().cast(), Ordering::Relaxed);
        board.claims.store((tasks as u64) << 32, Ordering::Release);
        board.work(0);
        let mut idle = 0;
        while board.done.load(Ordering::Acquire) < tasks {
            wait(&mut idle);
        }
        if board.panicked.swap(false, Ordering::Relaxed) {
            let panic = board.panic.lock().unwrap_or_else(|e| e.into_inner()).take();
            if let Some(panic) = panic {
                resume_unwind(panic);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once() {
        for threads in 1..5 {
            let team = Team::new(threads).unwrap();
            assert_eq!(team.threads(), threads);
            for _ in 0..20 {
                team.pass(|crew| {
                    for tasks in (0..50).chain([1000]) {
                        let runs: Vec<AtomicUsize> = (0..tasks).map(|_| 0.into()).collect();
                        crew.each(tasks, |task, worker| {
                            assert!(worker < threads);
                            runs[task].fetch_add(1, Ordering::Relaxed);
                        });
                        assert!(runs.iter().all(|n| n.load(Ordering::Relaxed) == 1));
                    }
                });
            }
        }
    }

    #[test]
    fn passes_at_once_do_not_meet() {
        let team = Team::new(3).unwrap();
        let sum = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        team.pass(|crew| {
                            crew.each(10, |task, _| {
                                sum.fetch_add(task, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 3 * 200 * 45);
    }

    #[test]
    fn a_sleeping_team_wakes() {
        let team = Team::new(2).unwrap();
        for _ in 0..3 {
            thread::sleep(std::time::Duration::from_millis(20));
            // Each task waits for the other, so that the helper must come.
            let met = AtomicUsize::new(0);
            team.pass(|crew| {
                crew.each(2, |_, _| {
                    met.fetch_add(1, Ordering::SeqCst);
                    while met.load(Ordering::SeqCst) < 2 {
                        thread::yield_now();
                    }
                });
            });
        }
    }

    #[test]
    fn denormals_are_flushed_in_every_task() {
        if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            return;
        }
        let half = |x: f32| std::hint::black_box(x) * std::hint::black_box(0.5);
        let team = Team::new(3).unwrap();
        team.pass(|crew| {
            crew.each(100, |_, _| assert_eq!(half(f32::MIN_POSITIVE), 0.0));
            assert_eq!(half(f32::MIN_POSITIVE), 0.0);
        });
        assert!(half(f32::MIN_POSITIVE) > 0.0, "the caller's setting comes back");
    }

    #[test]
    fn a_task_that_panics_ends_the_pass_and_not_the_team() {
        let team = Team::new(3).unwrap();
        let bad = catch_unwind(AssertUnwindSafe(|| {
            team.pass(|crew| crew.each(10, |task, _| assert!(task != 7)));
        }));
        assert!(bad.is_err());
        let sum = AtomicUsize::new(0);
        team.pass(|crew| {
            crew.each(10, |task, _| {
                sum.fetch_add(task, Ordering::Relaxed);
            });
        });
        assert_eq!(sum.into_inner(), 45);
    }
}
