//! Threads that share one pass.
//!
//! A pass is a few hundred small parallel loops, each of tens of microseconds: too short to wake a
//! thread for. So the helpers are woken once a pass and then spin for the next loop until the pass
//! is over. The thread that leads a pass works too and never waits for a helper that has not come.

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use super::denormals::FlushDenormals;

/// Turns of the waiting loop before a thread offers its core to others.
const SPINS: u32 = 4000;

/// A function of (task, worker), without its type.
type Call = unsafe fn(*const (), usize, usize);

/// What the threads of one pass share.
#[derive(Default)]
struct Board {
    /// Tasks of the current loop in the upper half, the next one to take in the lower.
    claims: AtomicU64,
    /// The current loop's function: written before `claims`, read after taking a task. It cannot
    /// change before the task taken is done.
    call: AtomicPtr<()>,
    data: AtomicPtr<()>,
    done: AtomicUsize,
    over: AtomicBool,
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
            }
            self.done.fetch_add(1, Ordering::Release);
        }
    }

    /// A helper's whole pass.
    fn serve(&self, worker: usize) {
        let _flush = FlushDenormals::new();
        let mut idle = 0;
        while !self.over.load(Ordering::Relaxed) {
            if self.work(worker) {
                idle = 0;
            }
            wait(&mut idle);
        }
    }
}

fn wait(idle: &mut u32) {
    *idle += 1;
    if *idle < SPINS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

/// A pool whose threads help with passes.
pub struct Team {
    threads: usize,
    pool: Option<rayon::ThreadPool>,
}

impl Team {
    /// A team of `threads` (0 = one a core): the thread that calls [`Team::pass`] and helpers.
    ///
    /// # Errors
    /// If the helpers cannot be started.
    pub fn new(threads: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let helpers = |n| {
            let name = |i| format!("residue-codec-{i}");
            rayon::ThreadPoolBuilder::new().num_threads(n).thread_name(name).build()
        };
        let pool = (threads > 1).then(|| helpers(threads - 1)).transpose()?;
        Ok(Self { threads, pool })
    }

    /// Threads of a pass, the caller's included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs `body` on this thread, with the team's threads for its loops and denormals flushed.
    ///
    /// Several passes may run at once; they share the helpers. With one thread no other is touched.
    /// Wakes threads, which allocates a little: not realtime-safe.
    pub fn pass<R>(&self, body: impl FnOnce(&Crew) -> R) -> R {
        let _flush = FlushDenormals::new();
        let Some(pool) = &self.pool else {
            return body(&Crew { threads: 1, board: None, leader: PhantomData });
        };
        let board = Arc::new(Board::default());
        for worker in 1..self.threads {
            let board = Arc::clone(&board);
            pool.spawn(move || board.serve(worker));
        }
        /// Lets the helpers go, also when the body panics.
        struct Over(Arc<Board>);
        impl Drop for Over {
            fn drop(&mut self) {
                self.0.over.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(Arc::clone(&board));
        body(&Crew { threads: self.threads, board: Some(board), leader: PhantomData })
    }
}

/// The threads of one pass.
pub struct Crew {
    threads: usize,
    board: Option<Arc<Board>>,
    /// Not `Sync`: there is one board, so that only the leading thread may start a loop, and no task
    /// of a loop may start another.
    leader: PhantomData<Cell<()>>,
}

impl Crew {
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
        let board = match &self.board {
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
        let panic = board.panic.lock().unwrap_or_else(|e| e.into_inner()).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
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
