//! Background jobs: a function on a named thread, with progress, cancellation and one result.
//!
//! ```text
//! owner  -> Job: poll, progress, cancel, drop --+
//!                                               | JobContext: latest progress, cancelled, wake
//! thread -> function(&JobContext) -> result ----+
//! ```

use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Callback that asks a window to draw, called from the job's thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Progress of one kind of job, plain data for a window.
pub trait JobProgress: Clone + Default + Send + 'static {
    /// Returns true if the difference from `shown` is large enough for a window to draw again.
    fn is_visible_change(&self, shown: &Self) -> bool;
}

/// Smallest difference of a share that is drawn.
const VISIBLE_SHARE: f32 = 0.005;

/// Progress of a job that works through named steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepProgress {
    /// The current step, for a person.
    pub step: String,
    /// Share of the step that is done, 0 to 1.
    pub share: f32,
}

impl StepProgress {
    /// Progress of `share` (0 to 1) within `step`.
    pub fn new(step: impl Into<String>, share: f64) -> Self {
        Self { step: step.into(), share: share as f32 }
    }
}

impl JobProgress for StepProgress {
    fn is_visible_change(&self, shown: &Self) -> bool {
        self.step != shown.step || (self.share - shown.share).abs() >= VISIBLE_SHARE
    }
}

/// Progress of a job of which only the end is of interest.
impl JobProgress for () {
    fn is_visible_change(&self, _shown: &Self) -> bool {
        false
    }
}

/// Reason why a job ended without a result of its function.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The owner cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The function panicked.
    #[error("{job} failed with a panic; report this")]
    Panicked {
        /// Name of the job's thread.
        job: String,
    },
    /// The system refused another thread.
    #[error("no thread can be had ({cause}); close programs")]
    Thread {
        /// Why.
        cause: io::Error,
    },
}

/// The job's side of its progress and cancellation.
pub struct JobContext<P = StepProgress> {
    cancelled: AtomicBool,
    progress: Mutex<Reported<P>>,
    wake: Wake,
}

#[derive(Default)]
struct Reported<P> {
    latest: P,
    /// The progress that was last worth a wake-up.
    shown: P,
}

impl<P: JobProgress> JobContext<P> {
    /// A context without a job, for a function that runs on the caller's thread.
    pub fn new(wake: Wake) -> Self {
        let progress = Mutex::new(Reported { latest: P::default(), shown: P::default() });
        Self { cancelled: AtomicBool::new(false), progress, wake }
    }

    /// Publishes progress; breaks if the job has been cancelled.
    pub fn report(&self, progress: P) -> ControlFlow<()> {
        let mut reported = lock(&self.progress);
        let is_visible = progress.is_visible_change(&reported.shown);
        if is_visible {
            reported.shown = progress.clone();
        }
        reported.latest = progress;
        drop(reported);
        if is_visible {
            (self.wake)();
        }
        if self.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// As [`report`](Self::report).
    ///
    /// # Errors
    /// [`JobError::Cancelled`] if the job has been cancelled.
    pub fn check(&self, progress: P) -> Result<(), JobError> {
        match self.report(progress) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(JobError::Cancelled),
        }
    }

    /// Returns the latest progress.
    pub fn progress(&self) -> P {
        lock(&self.progress).latest.clone()
    }

    /// Returns true if the function should return soon: its result is not wanted any more.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Asks the window to draw, whatever the progress.
    pub fn wake(&self) {
        (self.wake)();
    }
}

impl JobContext<StepProgress> {
    /// Publishes that `share` (0 to 1) of `step` is done; breaks if the job has been cancelled.
    pub fn step(&self, step: &str, share: f64) -> ControlFlow<()> {
        self.report(StepProgress::new(step, share))
    }

    /// As [`step`](Self::step).
    ///
    /// # Errors
    /// [`JobError::Cancelled`] if the job has been cancelled.
    pub fn check_step(&self, step: &str, share: f64) -> Result<(), JobError> {
        self.check(StepProgress::new(step, share))
    }
}

/// Result of a job.
enum Outcome<T, E> {
    Running,
    Ended(Result<T, E>),
    Taken,
}

/// A function on a thread of its own. Dropping it cancels it and does not wait.
///
/// No method blocks but [`wait`](Self::wait).
pub struct Job<T, E, P = StepProgress> {
    context: Arc<JobContext<P>>,
    outcome: Arc<(Mutex<Outcome<T, E>>, Condvar)>,
}

impl<T, E, P> Job<T, E, P>
where
    T: Send + 'static,
    E: From<JobError> + Send + 'static,
    P: JobProgress,
{
    /// Runs `work` on a thread called `name`. `wake` is called on visible progress and at the end.
    ///
    /// A panic of `work`, or a system without another thread, is the job's result:
    /// [`JobError::Panicked`], [`JobError::Thread`].
    pub fn start(
        name: &str,
        wake: Wake,
        work: impl FnOnce(&JobContext<P>) -> Result<T, E> + Send + 'static,
    ) -> Self {
        let job = Self {
            context: Arc::new(JobContext::new(wake)),
            outcome: Arc::new((Mutex::new(Outcome::Running), Condvar::new())),
        };
        let (context, outcome) = (Arc::clone(&job.context), Arc::clone(&job.outcome));
        let thread_name = name.to_owned();
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(&context)))
                .unwrap_or_else(|_| Err(JobError::Panicked { job: thread_name }.into()));
            if end(&outcome, result) {
                context.wake();
            }
        };
        if let Err(cause) = thread::Builder::new().name(name.to_owned()).spawn(run) {
            end(&job.outcome, Err(JobError::Thread { cause }.into()));
        }
        job
    }

    /// Takes the result: `None` while the job runs, and after the result was taken.
    pub fn poll(&self) -> Option<Result<T, E>> {
        take(&mut lock(&self.outcome.0))
    }

    /// Takes the result, waiting up to `patience` for it.
    pub fn wait(&self, patience: Duration) -> Option<Result<T, E>> {
        let (outcome, ended) = &*self.outcome;
        let is_running = |outcome: &mut Outcome<T, E>| matches!(outcome, Outcome::Running);
        let waited = ended.wait_timeout_while(lock(outcome), patience, is_running);
        let (mut outcome, _) = waited.unwrap_or_else(PoisonError::into_inner);
        take(&mut outcome)
    }

    /// Cancels the job. The result is [`JobError::Cancelled`] at once, unless it was there before; the
    /// thread ends at its next report.
    pub fn cancel(&self) {
        self.context.cancelled.store(true, Ordering::Relaxed);
        end(&self.outcome, Err(JobError::Cancelled.into()));
    }
}

impl<T, E, P: JobProgress> Job<T, E, P> {
    /// Returns the latest progress.
    pub fn progress(&self) -> P {
        self.context.progress()
    }

    /// Returns true until there is a result.
    pub fn is_running(&self) -> bool {
        matches!(*lock(&self.outcome.0), Outcome::Running)
    }
}

impl<T, E, P> Drop for Job<T, E, P> {
    fn drop(&mut self) {
        self.context.cancelled.store(true, Ordering::Relaxed);
    }
}

/// Stores the result of a job that runs; returns false if it has ended before.
fn end<T, E>((outcome, ended): &(Mutex<Outcome<T, E>>, Condvar), result: Result<T, E>) -> bool {
    let mut outcome = lock(outcome);
    let was_running = matches!(*outcome, Outcome::Running);
    if was_running {
        *outcome = Outcome::Ended(result);
        ended.notify_all();
    }
    was_running
}

fn take<T, E>(outcome: &mut Outcome<T, E>) -> Option<Result<T, E>> {
    if matches!(outcome, Outcome::Running) {
        return None;
    }
    match std::mem::replace(outcome, Outcome::Taken) {
        Outcome::Ended(result) => Some(result),
        Outcome::Running | Outcome::Taken => None,
    }
}

/// Locks a mutex whose content is whole also after a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;

    use super::*;

    type TestJob<T> = Job<T, JobError>;

    const LONG: Duration = Duration::from_secs(30);

    fn counting() -> (Wake, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let wake: Wake = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        (wake, count)
    }

    #[test]
    fn progress_and_result_reach_the_owner_and_wake_it() {
        let (wake, count) = counting();
        let (go_on, gate) = mpsc::channel();
        let job: TestJob<usize> = Job::start("test", wake, move |context| {
            for step in 0..1000 {
                context.check_step("counting", f64::from(step) * 1e-5)?;
            }
            gate.recv().unwrap();
            context.check_step("resting", 0.5)?;
            Ok(7)
        });
        assert!(job.is_running() && job.poll().is_none());
        go_on.send(()).unwrap();
        assert_eq!(job.wait(LONG).unwrap().unwrap(), 7);
        assert_eq!(job.progress(), StepProgress::new("resting", 0.5));
        assert!(job.poll().is_none() && !job.is_running(), "the result is taken once");
        // 1000 reports of together one percent: the first, one half way, the next step, the end.
        let woken = count.load(Ordering::SeqCst);
        assert!((2..=5).contains(&woken), "{woken}");
    }

    #[test]
    fn a_cancelled_job_has_ended_at_once() {
        let (wake, count) = counting();
        let (go_on, gate) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        let job: TestJob<()> = Job::start("test", wake, move |context| {
            let _ = gate.recv();
            let _ = ended.send(context.is_cancelled());
            Ok(())
        });
        job.cancel();
        assert!(matches!(job.poll(), Some(Err(JobError::Cancelled))));
        go_on.send(()).unwrap();
        assert!(end.recv().unwrap(), "the function is told");
        assert!(job.wait(Duration::from_millis(20)).is_none(), "its own result comes too late");
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn cancelling_does_not_replace_a_result() {
        let job: TestJob<u8> = Job::start("test", counting().0, |_| Ok(1));
        while job.is_running() {
            thread::yield_now();
        }
        job.cancel();
        assert_eq!(job.poll().unwrap().unwrap(), 1);
    }

    #[test]
    fn a_panic_is_an_error_that_names_the_job() {
        let (wake, count) = counting();
        let job: TestJob<()> = Job::start("test-panic", wake, |_| panic!("on purpose"));
        let error = job.wait(LONG).unwrap().unwrap_err();
        assert!(error.to_string().contains("test-panic"), "{error}");
        while count.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
    }

    #[test]
    fn dropping_cancels() {
        let (ended, end) = mpsc::channel();
        let job: TestJob<()> = Job::start("test", counting().0, move |context| {
            while context.step("waiting", 0.0).is_continue() {
                thread::sleep(Duration::from_millis(1));
            }
            let _ = ended.send(());
            Err(JobError::Cancelled)
        });
        drop(job);
        end.recv_timeout(LONG).expect("the function stops");
    }
}
