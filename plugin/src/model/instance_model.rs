//! The model of an instance: requested, loaded, running.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use residue_engine::codec::Precision;
use residue_engine::live::PortControl;
use residue_engine::models::{EMBEDDED, ModelLoadError, ModelStore};

use super::{ModelChoice, SharedModel};
use crate::layer_bitrate::LayerBitrate;

/// State of the requested model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ModelPhase {
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
    /// It cannot be loaded, for this reason; the embedded model stands in for it.
    Missing(String),
    /// It is at a place that a project must not open unasked, for this reason; the embedded model stands
    /// in for it until [`InstanceModel::confirm`].
    Unconfirmed(String),
    /// It is there and cannot run, for this reason; what ran before goes on.
    Failed(String),
}

/// The model as an editor shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelStatus {
    /// The requested model, which is saved also if it cannot be loaded.
    pub requested: ModelChoice,
    /// Its state.
    pub phase: ModelPhase,
    /// Name and precision of the model that runs, if audio is set up.
    pub running: Option<(String, Precision)>,
    /// The requested model is here but is not the one that the project was saved with: its checksum
    /// differs.
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
    pub requested: ModelChoice,
    /// The user has chosen or confirmed the requested model; otherwise a project named it.
    pub confirmed: bool,
    /// Number of the request: raised by every choice.
    pub request: u64,
    /// The request that `model` and `phase` answer.
    pub answered: u64,
    /// The request whose model's checksum has been compared, as far as it can be.
    pub checked: u64,
    /// The requested model or the one that stands in for it.
    pub model: Option<Arc<SharedModel>>,
    pub phase: ModelPhase,
    pub differs: bool,
    pub running: Option<Running>,
    /// Somebody needs a model: audio, or an editor.
    pub needed: bool,
    pub stop: bool,
}

/// The model of an instance. All methods but those marked realtime-safe lock, and may be called from any
/// thread but the audio thread.
pub struct InstanceModel {
    pub(super) state: Mutex<State>,
    pub(super) changed: Condvar,
    store: ModelStore,
    layer_bitrate: Arc<LayerBitrate>,
    restart: AtomicBool,
    /// The thread has been started.
    started: AtomicBool,
}

impl InstanceModel {
    /// Requests the embedded model in the automatic precision, and looks for others in a store. Loads nothing: hosts
    /// make instances to look at them.
    pub fn new(store: ModelStore) -> Arc<Self> {
        let requested = ModelChoice::automatic(EMBEDDED);
        Arc::new(Self {
            state: Mutex::new(State { requested, request: 1, confirmed: true, ..State::default() }),
            changed: Condvar::new(),
            store,
            layer_bitrate: Arc::new(LayerBitrate::of_embedded()),
            restart: false.into(),
            started: false.into(),
        })
    }

    /// The bitrate of the running model's layers, for the texts of depths. Realtime-safe.
    pub fn layer_bitrate(&self) -> Arc<LayerBitrate> {
        Arc::clone(&self.layer_bitrate)
    }

    pub(super) fn store(&self) -> &ModelStore {
        &self.store
    }

    /// The requested model.
    pub fn requested(&self) -> ModelChoice {
        self.state.lock().requested.clone()
    }

    /// Requests another model, as the user wants it. The loading thread loads it and switches to it,
    /// without interrupting audio, as soon as audio or an editor needs it. The same model in another
    /// precision stays confirmed or not.
    pub fn choose(&self, choice: ModelChoice) {
        let mut state = self.state.lock();
        let confirmed = state.confirmed || state.requested.id != choice.id;
        self.request(&mut state, choice, confirmed);
    }

    /// Requests the model that a project names. A place that the project must not open unasked waits
    /// for [`InstanceModel::confirm`].
    pub fn restore(&self, choice: ModelChoice) {
        let mut state = self.state.lock();
        // A model that was confirmed stays so where a host sets the state that it has just saved.
        let confirmed = state.confirmed && state.requested.id == choice.id;
        self.request(&mut state, choice, confirmed);
    }

    /// Loads the requested model from wherever it is: the user has agreed.
    pub fn confirm(&self) {
        let mut state = self.state.lock();
        if !state.confirmed {
            state.confirmed = true;
            state.request += 1;
            self.changed.notify_all();
        }
    }

    fn request(&self, state: &mut State, choice: ModelChoice, confirmed: bool) {
        if state.requested == choice {
            return;
        }
        state.requested = choice;
        state.confirmed = confirmed;
        state.request += 1;
        state.differs = false;
        self.changed.notify_all();
    }

    /// Tries again to load the requested model if it was missing: it may be here now.
    pub fn retry(&self) {
        let mut state = self.state.lock();
        if matches!(state.phase, ModelPhase::Missing(_)) {
            state.request += 1;
            self.changed.notify_all();
        }
    }

    /// The model's status.
    pub fn status(&self) -> ModelStatus {
        let state = self.state.lock();
        let loading = state.needed && state.answered != state.request;
        ModelStatus {
            requested: state.requested.clone(),
            phase: if loading { ModelPhase::Loading } else { state.phase.clone() },
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

    /// Starts to load the requested model if it is not loaded. Returns at once; false if the system has no
    /// thread for it.
    pub fn start_loading(self: &Arc<Self>) -> bool {
        self.state.lock().needed = true;
        self.changed.notify_all();
        if !self.started.swap(true, Ordering::Relaxed) {
            let model = Arc::clone(self);
            let thread = std::thread::Builder::new().name("residue-model".into());
            if thread.spawn(move || super::loader::run(&model)).is_err() {
                self.started.store(false, Ordering::Relaxed);
                return false;
            }
        }
        true
    }

    /// Loads the requested model if it is not loaded, and waits for it up to `patience`; without end if
    /// that is `None`. Returns the embedded model if it takes longer.
    ///
    /// # Errors
    /// Only if not even the embedded model can be loaded.
    pub fn prepare(
        self: &Arc<Self>,
        patience: Option<Duration>,
    ) -> Result<Arc<SharedModel>, ModelLoadError> {
        if !self.start_loading() {
            return SharedModel::embedded();
        }
        let until = patience.map(|patience| Instant::now() + patience);
        let mut state = self.state.lock();
        while state.answered != state.request {
            match until {
                None => self.changed.wait(&mut state),
                Some(until) if self.changed.wait_until(&mut state, until).timed_out() => break,
                Some(_) => {}
            }
        }
        let there = (state.answered == state.request).then(|| state.model.clone()).flatten();
        drop(state);
        match there {
            Some(model) => Ok(model),
            None => SharedModel::embedded(),
        }
    }

    /// Audio runs with this control and model from now on. If another model has been loaded meanwhile,
    /// the loading thread switches to it.
    pub fn attach(&self, control: Arc<PortControl>, model: Arc<SharedModel>) {
        self.layer_bitrate.set(model.codec().config());
        let mut state = self.state.lock();
        let waited = state.phase == ModelPhase::WaitsForRestart;
        if waited && state.model.as_ref().is_some_and(|requested| requested.is_same(&model)) {
            state.phase = ModelPhase::Ready;
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

    /// Ends the loading thread, after what it is at.
    pub fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::models::PrecisionRequest;

    use super::*;

    fn instance_model() -> Arc<InstanceModel> {
        InstanceModel::new(ModelStore::from_env())
    }

    const LONG: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn nothing_is_loaded_before_it_is_needed() {
        let model = instance_model();
        assert_eq!(model.status().phase, ModelPhase::Idle);
        model.choose(ModelChoice::new("/no/such/folder"));
        assert_eq!(model.status().phase, ModelPhase::Idle);
        assert!(model.state.lock().model.is_none());
    }

    #[test]
    fn a_missing_model_is_stood_in_for_and_said_to_be_missing() {
        let model = instance_model();
        model.choose(ModelChoice::new("/no/such/folder"));
        assert_eq!(model.prepare(LONG).unwrap().name, "embedded");
        let status = model.status();
        assert_eq!(status.requested.id, "/no/such/folder");
        let ModelPhase::Missing(reason) = status.phase else { panic!("{:?}", status.phase) };
        assert!(reason.contains("/no/such/folder"), "{reason}");
        model.choose(ModelChoice::default());
        model.prepare(LONG).unwrap();
        assert_eq!(model.status().phase, ModelPhase::Ready);
        model.stop();
    }

    #[test]
    fn a_place_that_a_project_names_waits_until_the_user_agrees() {
        // Relative, and there: a folder of the host's working directory.
        let place = "../engine/tests/golden/nano";
        let model = instance_model();
        let saved = ModelChoice { sha256: Some("00ff".into()), ..ModelChoice::new(place) };
        model.restore(saved.clone());
        assert_eq!(model.prepare(LONG).unwrap().name, "embedded");
        let ModelPhase::Unconfirmed(reason) = model.status().phase else { panic!() };
        assert!(reason.contains(place) && reason.contains("agreed"), "{reason}");
        assert_eq!(model.requested(), saved, "the project is not changed");
        model.choose(saved.in_precision(Precision::Int8.into()));
        model.prepare(LONG).unwrap();
        assert!(matches!(model.status().phase, ModelPhase::Unconfirmed(_)), "nor by a precision");
        model.choose(saved.clone());
        model.confirm();
        assert_eq!(model.prepare(LONG).unwrap().name, place);
        model.restore(saved);
        assert_eq!(model.prepare(LONG).unwrap().name, place, "agreed once");
        // A plain name never means the working directory.
        model.restore(ModelChoice::new("src"));
        assert_eq!(model.prepare(LONG).unwrap().name, "embedded");
        assert!(matches!(model.status().phase, ModelPhase::Missing(_)));
        model.confirm();
        model.prepare(LONG).unwrap();
        assert!(matches!(model.status().phase, ModelPhase::Missing(_)));
        model.stop();
    }

    #[test]
    fn an_editor_has_a_model_loaded_without_audio() {
        let model = instance_model();
        model.choose(ModelChoice::new("/no/such/folder"));
        assert!(model.start_loading());
        let until = Instant::now() + Duration::from_secs(60);
        while !matches!(model.status().phase, ModelPhase::Missing(_)) {
            assert!(Instant::now() < until, "{:?}", model.status());
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(model.status().running, None);
        model.stop();
    }

    /// The precision that automatic came to is saved as soon as the model is loaded; that of a project stays as it is.
    #[test]
    fn an_automatic_precision_is_noted_when_the_model_is_loaded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
        let model = instance_model();
        model.choose(ModelChoice::automatic(folder));
        assert_eq!(model.requested().precision, None);
        let loaded = model.prepare(LONG).unwrap();
        let requested = model.requested();
        assert!(requested.automatic);
        assert_eq!(requested.to_load(), loaded.codec().precision().into());
        assert_eq!(loaded.codec().precision(), Precision::F32, "it is small");
        let elsewhere = ModelChoice {
            automatic: true,
            ..ModelChoice::new(folder).in_precision(Precision::Int8.into())
        };
        model.restore(elsewhere.clone());
        assert_eq!(model.prepare(LONG).unwrap().codec().precision(), Precision::Int8);
        assert_eq!(model.requested().precision, elsewhere.precision);
        // The user chooses again.
        model.choose(elsewhere.in_precision(PrecisionRequest::Automatic));
        assert_eq!(model.prepare(LONG).unwrap().codec().precision(), Precision::F32);
        model.stop();
    }

    /// A project that was saved with other weights under the same name is told apart.
    #[test]
    fn other_weights_than_the_projects_are_noticed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/tests/golden/nano");
        let model = instance_model();
        model.choose(ModelChoice { sha256: Some("00ff".into()), ..ModelChoice::new(folder) });
        assert_eq!(model.prepare(LONG).unwrap().name, folder);
        let until = Instant::now() + Duration::from_secs(60);
        while !model.status().differs {
            assert!(Instant::now() < until, "the sum differs");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(model.requested().sha256, Some("00ff".into()), "the project is not changed");
        model.stop();
    }
}
