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
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use super::denormals::FlushDenormals;

/// Turns of the waiting loop, some tens of microseconds, before a thread offers its core to others.
const SPINS: u32 = 4000;
/// Threads beyond which a pass gains nothing: its loops are short and memory is shared.
const USEFUL: usize = 8;
/// Numbers below which passing over them once is not worth sharing.
const SWEEP: usize = 1 << 13;
/// Where the parts of a loop are in its number.
const PARTS: u64 = 0xffff;

/// A function of a part, without its type.
type Call = unsafe fn(*const (), usize);

/// What the leader of a pass tells the helpers.
///
/// On cache lines of its own, as each [`Seat`] is: cores may be far apart, and then a line that both
/// write costs more than a short loop.
#[derive(Default)]
#[repr(align(128))]
struct Board {
    /// The current loop: its number, and in the lowest 16 bits its parts.
    posted: AtomicU64,
    /// The current loop's function: written before `posted`, read after taking a part. It cannot
    /// change before the part taken is done.
    call: AtomicPtr<()>,
    data: AtomicPtr<()>,
    /// The helpers shall look for loops.
    running: AtomicBool,
    /// The team is no more.
    over: AtomicBool,
    /// Some thread leads a pass.
    led: AtomicBool,
    panicked: AtomicBool,
    /// Touched only after a panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// Of helper after helper, which are workers 1 and on.
    seats: Vec<Seat>,
}

/// How far a helper is, or the leader in its place.
#[derive(Default)]
#[repr(align(128))]
struct Seat {
    /// The last loop, as posted, whose part for this helper was taken, by it or by the leader.
    taken: AtomicU64,
    /// The last one whose part is done.
    done: AtomicU64,
}

impl Seat {
    /// Takes this seat's part of the loop `posted`, if `last` is still the last that was taken.
    fn take(&self, last: u64, posted: u64) -> bool {
        let (order, failed) = (Ordering::AcqRel, Ordering::Relaxed);
        last != posted && self.taken.compare_exchange(last, posted, order, failed).is_ok()
    }
}

impl Board {
    /// Runs a part of the current loop, which the caller has taken.
    fn run(&self, part: usize) {
        let call = self.call.load(Ordering::Relaxed);
        let data = self.data.load(Ordering::Relaxed);
        // SAFETY: `call` was made from a `Call` in `Crew::each`, which posted it with `data` before
        // the part could be taken and keeps the closure behind `data` alive until all parts are done.
        let run = || unsafe { std::mem::transmute::<*mut (), Call>(call)(data, part) };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            *self.panic.lock().unwrap_or_else(|e| e.into_inner()) = Some(panic);
            self.panicked.store(true, Ordering::Relaxed);
        }
    }

    /// Runs a helper's part of the current loop; false if there is none to take.
    fn help(&self, worker: usize) -> bool {
        let seat = &self.seats[worker - 1];
        // In this order: if the loop seen is over, its part was taken before or is now, and then
        // taking it fails.
        let last = seat.taken.load(Ordering::Acquire);
        let posted = self.posted.load(Ordering::Acquire);
        let taken = worker < (posted & PARTS) as usize && seat.take(last, posted);
        if taken {
            self.run(worker);
            seat.done.store(posted, Ordering::Release);
        }
        taken
    }

    /// A helper's life.
    fn serve(&self, worker: usize) {
        let _flush = FlushDenormals::new();
        let mut idle = 0;
        while !self.over.load(Ordering::Acquire) {
            if self.running.load(Ordering::Acquire) {
                if self.help(worker) {
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
        let seats = (1..threads).map(|_| Seat::default()).collect();
        let board = Arc::new(Board { seats, ..Board::default() });
        let mut team = Self { board, helpers: Vec::new() };
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
    /// Not `Sync`: there is one board, so that only the leading thread may start a loop, and no part
    /// of a loop may start another.
    leader: PhantomData<Cell<()>>,
}

impl Crew<'_> {
    /// Threads, the leading one included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Shares `count` things in so many parts, as even as whole things are: calls `f(part, things)` as
    /// [`Crew::each`] does. Allocates nothing.
    ///
    /// # Panics
    /// As [`Crew::each`].
    pub(super) fn share<F>(&self, count: usize, parts: usize, f: F)
    where
        F: Fn(usize, Range<usize>) + Sync,
    {
        self.each(parts, |part| f(part, part * count / parts..(part + 1) * count / parts));
    }

    /// Shares `count` things, which are so many numbers that are only passed over, between all threads, or leaves
    /// them to this one where they are few. Allocates nothing.
    pub(super) fn sweep<F>(&self, numbers: usize, count: usize, f: F)
    where
        F: Fn(Range<usize>) + Sync,
    {
        let parts = if numbers < SWEEP { 1 } else { self.threads.min(count) };
        self.share(count, parts, |_, things| f(things));
    }

    /// Calls `f` for every part, each worker with the part of its own number, or the leader with that
    /// of a helper who has not come; returns when all are done. Who had a part of one loop so has the
    /// same of the next, and what it holds near at hand. Allocates nothing.
    ///
    /// # Panics
    /// If a part does, or there are more parts than threads.
    pub fn each<F: Fn(usize) + Sync>(&self, parts: usize, f: F) {
        assert!(parts <= self.threads, "a part a thread");
        let board = match self.board {
            Some(board) if parts > 1 => board,
            _ => return (0..parts).for_each(f),
        };
        /// # Safety
        /// `data` must point to an `F`.
        unsafe fn call<F: Fn(usize)>(data: *const (), part: usize) {
            // SAFETY: the caller's promise.
            unsafe { (*data.cast::<F>())(part) }
        }
        board.call.store(call::<F> as Call as *mut (), Ordering::Relaxed);
        board.data.store((&raw const f).cast_mut().cast(), Ordering::Relaxed);
        let last = board.posted.load(Ordering::Relaxed);
        let posted = ((last | PARTS) + 1) | parts as u64;
        board.posted.store(posted, Ordering::Release);
        board.run(0);
        let helpers = &board.seats[..parts - 1];
        for (i, seat) in helpers.iter().enumerate() {
            let last = seat.taken.load(Ordering::Acquire);
            if seat.take(last, posted) {
                board.run(i + 1);
                seat.done.store(posted, Ordering::Relaxed);
            }
        }
        for seat in helpers {
            let mut idle = 0;
            while seat.done.load(Ordering::Acquire) != posted {
                wait(&mut idle);
            }
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
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn every_part_runs_once() {
        for threads in 1..5 {
            let team = Team::new(threads).unwrap();
            assert_eq!(team.threads(), threads);
            for _ in 0..500 {
                team.pass(|crew| {
                    for parts in (0..=threads).chain([threads; 5]) {
                        let runs: Vec<AtomicUsize> = (0..parts).map(|_| 0.into()).collect();
                        crew.each(parts, |part| {
                            runs[part].fetch_add(1, Ordering::Relaxed);
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
                            let parts = crew.threads();
                            crew.each(parts, |_| {
                                sum.fetch_add(6 / parts, Ordering::Relaxed);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 3 * 200 * 6);
    }

    #[test]
    fn a_sleeping_team_wakes() {
        let team = Team::new(2).unwrap();
        for _ in 0..3 {
            thread::sleep(std::time::Duration::from_millis(20));
            // Each part waits for the other, so that the helper must come.
            let met = AtomicUsize::new(0);
            team.pass(|crew| {
                crew.each(2, |_| {
                    met.fetch_add(1, Ordering::SeqCst);
                    while met.load(Ordering::SeqCst) < 2 {
                        thread::yield_now();
                    }
                });
            });
        }
    }

    #[test]
    fn denormals_are_flushed_in_every_part() {
        if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
            return;
        }
        let half = |x: f32| std::hint::black_box(x) * std::hint::black_box(0.5);
        let team = Team::new(3).unwrap();
        team.pass(|crew| {
            for _ in 0..100 {
                crew.each(3, |_| assert_eq!(half(f32::MIN_POSITIVE), 0.0));
            }
            assert_eq!(half(f32::MIN_POSITIVE), 0.0);
        });
        assert!(half(f32::MIN_POSITIVE) > 0.0, "the caller's setting comes back");
    }

    #[test]
    fn a_part_that_panics_ends_the_pass_and_not_the_team() {
        let team = Team::new(3).unwrap();
        for bad in 0..3 {
            let panic = catch_unwind(AssertUnwindSafe(|| {
                team.pass(|crew| crew.each(3, |part| assert!(part != bad)));
            }));
            assert!(panic.is_err());
        }
        let sum = AtomicUsize::new(0);
        team.pass(|crew| {
            crew.each(3, |part| {
                sum.fetch_add(part, Ordering::Relaxed);
            });
        });
        assert_eq!(sum.into_inner(), 3);
    }

    #[test]
    fn a_worker_keeps_its_part() {
        let team = Team::new(2).unwrap();
        team.pass(|crew| {
            // Each waits for the other, so that no part is taken from a helper who is late.
            let met = AtomicUsize::new(0);
            let here = thread::current().id();
            for round in 1..200 {
                crew.each(2, |part| {
                    met.fetch_add(1, Ordering::SeqCst);
                    while met.load(Ordering::SeqCst) < 2 * round {
                        thread::yield_now();
                    }
                    assert_eq!(part == 0, thread::current().id() == here);
                });
            }
        });
    }
}
