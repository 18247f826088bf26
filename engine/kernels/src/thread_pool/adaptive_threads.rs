//! How many threads the passes of a pool use while other programs compete for the cores.
//!
//! A loop ends when its last part does. A helper whose core is taken by other work holds the whole pass up,
//! for as long as the system lets the other work run: with one of two cores busy, two threads are slower than
//! one. Finer parts would not help, because the part that the helper had begun is still its own.
//!
//! Passes are therefore timed, a window at a time. Where the leader has spent much of one waiting for
//! helpers, the next uses one thread fewer, and the faster of the two counts is kept. Where fewer threads run
//! than the pool has, one more is tried from time to time, so that a machine that has become quiet is used
//! again. A trial that is clearly slower ends early, and a pool that never waits long tries nothing.

/// Passes of a window: enough for encoder and decoder to take turns, and for the mean to be trusted.
const WINDOW: u32 = 8;
/// Share of the time, divided by the number of threads, of waiting for helpers that makes one thread fewer
/// worth trying: a quarter of it for two threads, where one is faster from about a third on.
const LONG_WAIT: f64 = 0.5;
/// Windows between trials: at first, and at most. A trial that fails doubles them, so that what it costs is a
/// small share of the time.
const MIN_WINDOWS_BETWEEN_TRIALS: u32 = 4;
const MAX_WINDOWS_BETWEEN_TRIALS: u32 = 64;
/// A larger count is kept if its passes take at most this share of the time: it takes a core from others.
const WORTH_A_THREAD: f64 = 0.95;
/// A trial ends, after an even number of passes, once it is slower by this factor.
const CLEARLY_SLOWER: f64 = 1.2;

/// The number of threads of the next pass, chosen by the times of the passes before it.
///
/// Not synchronized: it belongs to the thread that leads the pool. Realtime-safe.
pub(super) struct AdaptiveThreads {
    /// Threads of the pool.
    all: u32,
    current: u32,
    window: Window,
    /// Set while the window is a trial of another count.
    trial: Option<Trial>,
    windows_until_trial: u32,
    windows_between_trials: u32,
}

#[derive(Default)]
struct Window {
    passes: u32,
    seconds: f64,
    /// Seconds of them in which the leader waited for helpers.
    waited: f64,
}

impl Window {
    fn seconds_per_pass(&self) -> f64 {
        self.seconds / f64::from(self.passes)
    }
}

/// The count to return to if the one on trial is not faster, and the seconds of its passes.
#[derive(Clone, Copy)]
struct Trial {
    previous: u32,
    seconds_per_pass: f64,
}

impl AdaptiveThreads {
    pub fn new(threads: usize) -> Self {
        let all = u32::try_from(threads).expect("at most MAX_THREADS");
        Self {
            all,
            current: all,
            window: Window::default(),
            trial: None,
            windows_until_trial: 0,
            windows_between_trials: MIN_WINDOWS_BETWEEN_TRIALS,
        }
    }

    /// Returns the number of threads of the next pass.
    pub fn current(&self) -> usize {
        self.current as usize
    }

    /// Takes note of a pass of [`Self::current`] threads: the seconds it took, and those of them in which the
    /// leader waited long for a helper.
    pub fn record(&mut self, seconds: f64, waited: f64) {
        if self.all == 1 {
            return;
        }
        self.window.passes += 1;
        self.window.seconds += seconds;
        self.window.waited += waited;
        let complete = self.window.passes == WINDOW;
        match self.trial {
            Some(trial) => {
                let ratio = self.window.seconds_per_pass() / trial.seconds_per_pass;
                let hopeless = self.window.passes.is_multiple_of(2) && ratio > CLEARLY_SLOWER;
                if complete || hopeless {
                    self.conclude(trial, ratio);
                }
            }
            None if complete => self.continue_or_try(),
            None => {}
        }
    }

    /// Keeps the count on trial, whose passes take `ratio` times as long, or returns to the previous one.
    fn conclude(&mut self, trial: Trial, ratio: f64) {
        self.trial = None;
        self.window = Window::default();
        let keep = if self.current < trial.previous {
            // As fast with a thread fewer is better: the other work has the core.
            ratio <= 1.0
        } else {
            ratio <= WORTH_A_THREAD
        };
        if keep {
            self.windows_between_trials = MIN_WINDOWS_BETWEEN_TRIALS;
        } else {
            self.current = trial.previous;
            self.windows_between_trials =
                (2 * self.windows_between_trials).min(MAX_WINDOWS_BETWEEN_TRIALS);
        }
        self.windows_until_trial = self.windows_between_trials;
    }

    /// Ends a window, and begins a trial if one is due and has a reason.
    fn continue_or_try(&mut self) {
        let window = std::mem::take(&mut self.window);
        self.windows_until_trial = self.windows_until_trial.saturating_sub(1);
        if self.windows_until_trial > 0 {
            return;
        }
        let long_wait = LONG_WAIT / f64::from(self.current) * window.seconds;
        let candidate = if self.current > 1 && window.waited > long_wait {
            self.current - 1
        } else if self.current < self.all {
            self.current + 1
        } else {
            return;
        };
        let seconds_per_pass = window.seconds_per_pass();
        self.trial = Some(Trial { previous: self.current, seconds_per_pass });
        self.current = candidate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of a pass with so many threads, and of the leader's waiting in it.
    type Machine = fn(usize) -> (f64, f64);

    const QUIET: Machine = |threads| (1.0 / threads as f64, 0.0);
    /// One of two cores is taken.
    const HALF_BUSY: Machine = |threads| [(1.0, 0.0), (1.17, 0.45)][threads - 1];

    /// Runs `passes` passes and returns the mean seconds of one.
    fn run(threads: &mut AdaptiveThreads, machine: Machine, passes: u32) -> f64 {
        let mut sum = 0.0;
        for _ in 0..passes {
            let (seconds, waited) = machine(threads.current());
            threads.record(seconds, waited);
            sum += seconds;
        }
        sum / f64::from(passes)
    }

    #[test]
    fn a_quiet_machine_is_used_whole_at_all_times() {
        for all in 1..9 {
            let mut threads = AdaptiveThreads::new(all);
            for _ in 0..1000 {
                assert_eq!(threads.current(), all);
                run(&mut threads, QUIET, 1);
            }
        }
    }

    #[test]
    fn a_taken_core_is_left_alone() {
        let mut threads = AdaptiveThreads::new(2);
        let first = run(&mut threads, HALF_BUSY, 2 * WINDOW);
        assert!(first < 1.1, "{first}: one window late, the next is better");
        assert_eq!(threads.current(), 1);
        let mean = run(&mut threads, HALF_BUSY, 2000);
        assert!(mean < 1.01, "{mean}: trials cost less than a hundredth");
    }

    #[test]
    fn cores_that_are_free_again_are_used() {
        let mut threads = AdaptiveThreads::new(2);
        run(&mut threads, HALF_BUSY, 10_000);
        run(&mut threads, QUIET, WINDOW * (MAX_WINDOWS_BETWEEN_TRIALS + 2));
        assert_eq!(threads.current(), 2);
        assert_eq!(run(&mut threads, QUIET, 1000), 0.5);
    }

    #[test]
    fn of_many_threads_as_many_work_as_have_cores() {
        // Eight cores, three of them taken: a sixth thread waits for its core.
        let machine: Machine = |threads| match threads {
            ..=5 => (1.0 / threads as f64, 0.0),
            _ => (0.4, 0.2),
        };
        let mut threads = AdaptiveThreads::new(8);
        run(&mut threads, machine, 2000);
        let mean = run(&mut threads, machine, 2000);
        assert!(mean < 0.2 * 1.05, "{mean}");
    }

    #[test]
    fn more_threads_that_do_not_help_are_not_kept() {
        let machine: Machine = |threads| (1.0 - 0.02 * threads as f64, 0.2);
        let mut threads = AdaptiveThreads::new(3);
        run(&mut threads, machine, 100);
        let mean = run(&mut threads, machine, 2000);
        assert!(mean <= 0.98, "{mean}");
    }

    #[test]
    fn rare_waits_change_nothing() {
        let mut threads = AdaptiveThreads::new(4);
        for pass in 0..1000 {
            let waited = if pass % WINDOW == 0 { 0.2 } else { 0.0 };
            threads.record(0.25, waited);
            assert_eq!(threads.current(), 4);
        }
    }

    #[test]
    fn a_trial_that_is_clearly_slower_ends_after_two_passes() {
        let mut threads = AdaptiveThreads::new(2);
        for _ in 0..WINDOW {
            threads.record(0.5, 0.2);
        }
        assert_eq!(threads.current(), 1);
        run(&mut threads, QUIET, 2);
        assert_eq!(threads.current(), 2);
    }
}
