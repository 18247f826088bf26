//! The state that the studio's threads share. The audio thread touches none of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::Sender;

use super::desired::{DesiredState, Requests};
use super::observed::ObservedState;
use super::state::{ModelFacts, Severity, UserNotice};

/// An event on another thread.
pub enum StudioEvent {
    Notice(UserNotice),
    Model(ModelFacts),
    ModelFailed(String),
}

/// The desired state, the observed state, and the way to tell the window.
pub struct StudioShared {
    requests: Mutex<Requests>,
    observed: Mutex<ObservedState>,
    events: Sender<StudioEvent>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl StudioShared {
    pub fn new(
        desired: DesiredState,
        events: Sender<StudioEvent>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let requests = Mutex::new(Requests::new(desired));
        Self { requests, observed: Mutex::default(), events, wake }
    }

    /// The desired state. Locked for moments only, and before [`StudioShared::observed`] where both are.
    pub fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The observed state. Locked for moments only.
    pub fn observed(&self) -> MutexGuard<'_, ObservedState> {
        self.observed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The callback that tells the window of something new.
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.wake)
    }

    /// There is something new to show.
    pub fn wake(&self) {
        (self.wake)();
    }

    pub fn tell(&self, event: StudioEvent) {
        let _ = self.events.send(event);
        self.wake();
    }

    pub fn notice(&self, severity: Severity, text: impl Into<String>) {
        self.tell(StudioEvent::Notice(UserNotice::new(severity, text)));
    }

    /// Runs something that takes its time on a thread of its own.
    pub fn spawn(self: &Arc<Self>, name: &str, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let shared = Arc::clone(self);
        let spawned =
            thread::Builder::new().name(format!("residue-{name}")).spawn(move || work(&shared));
        if let Err(error) = spawned {
            self.notice(Severity::Error, format!("no thread can be had ({error}); close programs"));
        }
    }
}
