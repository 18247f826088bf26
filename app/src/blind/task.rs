//! Work on a thread of its own that is watched, and stopped when nobody waits for it any more.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::BlindError;

/// Called from other threads when there is something new to show.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Smallest progress that is shown.
const STEP: f32 = 0.005;

/// How far work is, and whether to go on with it.
pub struct Watch {
    cancelled: AtomicBool,
    at: Mutex<(String, f32)>,
    wake: Wake,
}

impl Watch {
    /// Nobody asked to stop yet.
    pub fn new(wake: Wake) -> Self {
        Self { cancelled: AtomicBool::new(false), at: Mutex::default(), wake }
    }

    /// Notes that a share, 0 to 1, of a step is done; says whether to go on.
    pub fn at(&self, what: &str, share: f64) -> ControlFlow<()> {
        let share = share as f32;
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.0 != what || (share - at.1).abs() >= STEP {
            *at = (what.to_owned(), share);
            (self.wake)();
        }
        match self.cancelled.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// As [`at`](Self::at).
    ///
    /// # Errors
    /// [`BlindError::Cancelled`] if the work is to stop.
    pub fn check(&self, what: &str, share: f64) -> Result<(), BlindError> {
        match self.at(what, share) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(BlindError::Cancelled),
        }
    }

    /// What is being done, and which share of it is, 0 to 1.
    pub fn progress(&self) -> (String, f32) {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Tells whoever shows it that there is something new.
    pub fn wake(&self) {
        (self.wake)();
    }
}

/// Work on a thread of its own. Dropping it asks the work to stop and does not wait.
pub struct Task<T> {
    watch: Arc<Watch>,
    result: mpsc::Receiver<Result<T, BlindError>>,
}

impl<T: Send + 'static> Task<T> {
    /// Starts it. A thread that cannot be started is an error in [`Task::poll`].
    pub fn start(
        wake: Wake,
        work: impl FnOnce(&Watch) -> Result<T, BlindError> + Send + 'static,
    ) -> Self {
        let watch = Arc::new(Watch::new(wake));
        let (sender, result) = mpsc::channel();
        let watched = Arc::clone(&watch);
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| work(&watched)))
                .unwrap_or(Err(BlindError::NoResult { what: "rendering" }));
            let _ = sender.send(result);
            watched.wake();
        };
        // Without a thread the sender is gone, which is what `poll` finds.
        let _ = thread::Builder::new().name("residue-blind".into()).spawn(run);
        Self { watch, result }
    }

    /// The result, once it is there.
    pub fn poll(&self) -> Option<Result<T, BlindError>> {
        match self.result.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(BlindError::NoResult { what: "rendering" }))
            }
        }
    }
}

impl<T> Task<T> {
    /// What is being done, and which share of it is, 0 to 1.
    pub fn progress(&self) -> (String, f32) {
        self.watch.progress()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.watch.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;

    fn wait<T: Send + 'static>(task: &Task<T>) -> Result<T, BlindError> {
        loop {
            if let Some(result) = task.poll() {
                return result;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn work_is_watched_and_wakes_whoever_waits() {
        let count = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&count);
        let wake: Wake = Arc::new(move || {
            counting.fetch_add(1, Ordering::SeqCst);
        });
        let task = Task::start(wake, |watch| {
            watch.check("counting", 0.25)?;
            Ok(7)
        });
        assert_eq!(wait(&task).unwrap(), 7);
        assert_eq!(task.progress(), ("counting".into(), 0.25));
        assert!(count.load(Ordering::SeqCst) >= 1);
    }

    #[test]
    fn what_is_dropped_stops_and_what_panics_says_so() {
        let (ended, end) = mpsc::channel();
        let task = Task::<()>::start(Arc::new(|| ()), move |watch| {
            loop {
                if let Err(error) = watch.check("waiting", 0.0) {
                    let _ = ended.send(error.to_string());
                    return Err(error);
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        drop(task);
        assert_eq!(end.recv().unwrap(), "cancelled");
        let task = Task::<()>::start(Arc::new(|| ()), |_| panic!("on purpose"));
        assert!(wait(&task).unwrap_err().to_string().contains("without a result"));
    }
}
