//! An instance's model: what is wanted, what is there, what runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use residue_engine::codec::Precision;
use residue_engine::live::PortControl;

use super::{LoadError, ModelChoice, OpenLibrary, SharedModel};
use crate::depth::Scale;
use crate::params::embedded_scale;

/// How far the wanted model is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing needs it yet.
    #[default]
    Idle,
    /// It is being loaded; what ran before goes on.
    Loading,
    /// It runs, or will as soon as audio does.
    Ready,
    /// It needs a longer latency than the host was told: it waits for the host to start audio anew,
    /// which it has been asked to do.
    WaitsForRestart,
    /// It cannot be had, for this reason; the embedded model stands in for it.
    Missing(String),
    /// It is there and cannot run, for this reason; what ran before goes on.
    Failed(String),
}

/// What an editor shows of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelStatus {
    /// What is wanted, and saved, also if it cannot be had.
    pub wanted: ModelChoice,
    /// How far that is.
    pub phase: Phase,
    /// The name and precision of what runs, if audio is set up.
    pub running: Option<(String, Precision)>,
    /// The wanted model is here but is not the one that the project was saved with: its sum differs.
    pub differs: bool,
}

/// A port and the model it runs.
#[derive(Clone)]
pub(super) struct Running {
    pub control: Arc<PortControl>,
    pub model: Arc<SharedModel>,
    /// The loaded model was offered to this port and refused.
    pub refused: bool,
}

#[derive(Default)]
pub(super) struct State {
    pub wanted: ModelChoice,
    /// Raised by every choice.
    pub wish: u64,
    /// The wish that `model` and `phase` answer.
    pub answered: u64,
    /// The wish whose model has been summed, as far as it can be.
    pub summed: u64,
    /// The wanted model or what stands in for it.
    pub model: Option<Arc<SharedModel>>,
    pub phase: Phase,
    pub differs: bool,
    pub running: Option<Running>,
    /// Somebody needs a model: audio, or an editor.
    pub needed: bool,
    pub stop: bool,
}

/// An instance's model. All methods but those marked realtime-safe lock, and may be called from any
/// thread but the audio thread.
pub struct ModelSlot {
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    library: OpenLibrary,
    scale: Arc<Scale>,
    restart: AtomicBool,
    /// The thread has been started.
    started: AtomicBool,
}

impl ModelSlot {
    /// A slot that wants the embedded model, and looks for others in a library. Loads nothing: hosts make
    /// instances to look at them.
    pub fn new(library: OpenLibrary) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State { wish: 1, ..State::default() }),
            changed: Condvar::new(),
            library,
            scale: Arc::new(embedded_scale()),
            restart: false.into(),
            started: false.into(),
        })
    }

    /// What a layer is worth, for texts. Realtime-safe.
    pub fn scale(&self) -> Arc<Scale> {
        Arc::clone(&self.scale)
    }

    pub(super) fn library(&self) -> &OpenLibrary {
        &self.library
    }

    /// What is wanted.
    pub fn wanted(&self) -> ModelChoice {
        self.state.lock().wanted.clone()
    }

    /// Wants another model. It is loaded and switched to by the slot's thread, without interrupting
    /// audio, as soon as anybody needs it.
    pub fn choose(&self, choice: ModelChoice) {
        let mut state = self.state.lock();
        if state.wanted == choice {
            return;
        }
        state.wanted = choice;
        state.wish += 1;
        state.differs = false;
        self.changed.notify_all();
    }

    /// Tries again to load the wanted model if it was missing: it may be here now.
    pub fn retry(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Missing(_)) {
            state.wish += 1;
            self.changed.notify_all();
        }
    }

    /// How far the model is.
    pub fn status(&self) -> ModelStatus {
        let state = self.state.lock();
        let loading = state.needed && state.answered != state.wish;
        ModelStatus {
            wanted: state.wanted.clone(),
            phase: if loading { Phase::Loading } else { state.phase.clone() },
            running: state.running.as_ref().map(|running| {
                let model = &running.model;
                (model.name.clone(), model.codec().precision())
            }),
            differs: state.differs,
        }
    }

    /// The control of the port that runs, for telemetry.
    pub fn control(&self) -> Option<Arc<PortControl>> {
        self.state.lock().running.as_ref().map(|running| Arc::clone(&running.control))
    }

    /// Has the wanted model loaded, by the slot's thread, if it is not there: somebody looks at it.
    /// Returns at once; false if there is no thread to be had.
    pub fn need(self: &Arc<Self>) -> bool {
        self.state.lock().needed = true;
        self.changed.notify_all();
        if !self.started.swap(true, Ordering::Relaxed) {
            let slot = Arc::clone(self);
            let thread = std::thread::Builder::new().name("residue-model".into());
            if thread.spawn(move || super::work::run(&slot)).is_err() {
                self.started.store(false, Ordering::Relaxed);
                return false;
            }
        }
        true
    }

    /// Loads the wanted model if it is not there, and waits for it up to `patience`; without end if
    /// that is `None`. Gives the embedded model if it takes longer.
    ///
    /// # Errors
    /// Only if not even the embedded model can be loaded.
    pub fn prepare(
        self: &Arc<Self>,
        patience: Option<Duration>,
    ) -> Result<Arc<SharedModel>, LoadError> {
        if !self.need() {
            return SharedModel::embedded();
        }
        let until = patience.map(|patience| Instant::now() + patience);
        let mut state = self.state.lock();
        while state.answered != state.wish {
            match until {
                None => self.changed.wait(&mut state),
                Some(until) if self.changed.wait_until(&mut state, until).timed_out() => break,
                Some(_) => {}
            }
        }
        let there = (state.answered == state.wish).then(|| state.model.clone()).flatten();
        drop(state);
        match there {
            Some(model) => Ok(model),
            None => SharedModel::embedded(),
        }
    }

    /// Audio runs with this control and model from now on. If another model has been loaded meanwhile,
    /// the slot's thread switches to it.
    pub fn attach(&self, control: Arc<PortControl>, model: Arc<SharedModel>) {
        self.scale.set(model.codec().config());
        let mut state = self.state.lock();
        let waited = state.phase == Phase::WaitsForRestart;
        if waited && state.model.as_ref().is_some_and(|wanted| Arc::ptr_eq(wanted, &model)) {
            state.phase = Phase::Ready;
        }
        state.running = Some(Running { control, model, refused: false });
        self.changed.notify_all();
    }

    /// Audio does not run any more. The control is given back to be dropped by the caller.
    pub fn detach(&self) -> Option<Arc<PortControl>> {
        self.state.lock().running.take().map(|running| running.control)
    }

    /// The model that runs.
    pub fn running(&self) -> Option<Arc<SharedModel>> {
        self.state.lock().running.as_ref().map(|running| Arc::clone(&running.model))
    }

    /// True once after the host has to be asked to start audio anew. Realtime-safe.
    pub fn take_restart(&self) -> bool {
        self.restart.load(Ordering::Relaxed) && self.restart.swap(false, Ordering::Relaxed)
    }

    pub(super) fn ask_for_restart(&self) {
        self.restart.store(true, Ordering::Relaxed);
    }

    /// Ends the slot's thread, after what it is at.
    pub fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::models::ModelLibrary;

    use super::*;

    fn slot() -> Arc<ModelSlot> {
        ModelSlot::new(Arc::new(ModelLibrary::from_env))
    }

    const LONG: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn nothing_is_loaded_before_it_is_needed() {
        let slot = slot();
        assert_eq!(slot.status().phase, Phase::Idle);
        slot.choose(ModelChoice::new("/no/such/folder"));
        assert_eq!(slot.status().phase, Phase::Idle);
        assert!(slot.state.lock().model.is_none());
    }

    #[test]
    fn a_missing_model_is_stood_in_for_and_said_to_be_missing() {
        let slot = slot();
        slot.choose(ModelChoice::new("/no/such/folder"));
        let model = slot.prepare(LONG).unwrap();
        assert_eq!(model.name, "embedded");
        let status = slot.status();
        assert_eq!(status.wanted.id, "/no/such/folder");
        let Phase::Missing(reason) = status.phase else { panic!("{:?}", status.phase) };
        assert!(reason.contains("/no/such/folder"), "{reason}");
        slot.choose(ModelChoice::default());
        slot.prepare(LONG).unwrap();
        assert_eq!(slot.status().phase, Phase::Ready);
        slot.stop();
    }

    #[test]
    fn an_editor_has_a_model_loaded_without_audio() {
        let slot = slot();
        slot.choose(ModelChoice::new("/no/such/folder"));
        assert!(slot.need());
        let until = Instant::now() + Duration::from_secs(60);
        while !matches!(slot.status().phase, Phase::Missing(_)) {
            assert!(Instant::now() < until, "{:?}", slot.status());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(slot.status().running, None);
        slot.stop();
    }

    /// A project that was saved with other weights under the same name is told apart.
    #[test]
    fn other_weights_than_the_projects_are_noticed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
        let slot = slot();
        slot.choose(ModelChoice { sha256: Some("00ff".into()), ..ModelChoice::new(folder) });
        assert_eq!(slot.prepare(LONG).unwrap().name, folder);
        let until = Instant::now() + Duration::from_secs(60);
        while !slot.status().differs {
            assert!(Instant::now() < until, "the sum differs");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(slot.wanted().sha256, Some("00ff".into()), "the project is not changed");
        slot.stop();
    }
}
