//! Everything a window does to sound and models, without a window.
//!
//! A [`Studio`] belongs to one thread, such as a window's. Every method returns at once: devices, models
//! and files are opened on threads of the studio's own, and [`Studio::tick`] returns what a person should
//! be told. What is shown is plain data ([`StreamState`], [`ModelState`], [`TransportState`], ...).
//!
//! There is one state in each direction. A method changes the *desired state*; a reconciler compares it
//! with what it has applied, applies the difference, and tries again what could not be done. Everything
//! that runs writes to one *observed state*, of which [`Studio::tick`] takes a snapshot. Between them and
//! the audio thread, continuous values go by triple buffers, and rings carry ownership only.
//!
//! ```text
//! Studio --> desired state --> reconciler --> devices, player, audition, recorder
//!    ^            |                |                        |
//!    |            +-- controls --> audio thread -- status --+
//!    +---------------------- observed state <---------------+
//! ```
//!
//! ```no_run
//! use std::sync::Arc;
//! use residue_app::studio::{SimulatedBackend, Studio, StudioOptions};
//!
//! let devices = Arc::new(SimulatedBackend::new(48_000, 256));
//! let mut studio = Studio::new(devices, StudioOptions::default(), Arc::new(|| ()));
//! studio.open_file("voice.flac".into());
//! studio.play();
//! loop {
//!     for notice in studio.tick() {
//!         println!("{}", notice.text);
//!     }
//!     # break;
//! }
//! ```

mod desired;
mod devices;
mod error;
mod models;
mod observed;
mod open;
mod playback;
mod precision;
mod reconciler;
mod recorded_codes;
mod recorder;
mod shared;
mod simulated;
mod sound;
mod sources;
mod state;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use residue_engine::live::{Allowance, PortControl, PortSettings, PortStatus};
use residue_engine::models::{
    ListedModel, MachineSpeed, ModelRequest, ModelStore, PrecisionCost, PullStatus,
    TransferProgress,
};

use desired::DesiredState;
use models::StudioModels;
use observed::ObservedState;
use reconciler::{Delivery, ReconcilerSetup};
use shared::{StudioEvent, StudioShared};

pub use desired::VOLUME_DB;
pub use devices::{
    AudioCallback, BackendError, BackendInfo, CpalBackend, DefaultDevices, DeviceBackend,
    DeviceCapabilities, DeviceInfo, DeviceList, DeviceRequest, PlannedStream, RunningStream,
};
pub use simulated::SimulatedBackend;
pub use state::{
    AuditionState, InputKind, LoadedFile, ModelFacts, ModelState, NO_SOUND, RecordOptions,
    RecordingState, RoundTrip, Severity, Stimuli, StreamFacts, StreamState, TokenFile,
    TokenProgress, TransportState, UserNotice,
};

/// Frames of codes, one code a layer each, as they arrive; `None` is the end. May wait.
pub type TokenSource =
    Box<dyn FnMut() -> Option<Result<Vec<u32>, Box<dyn Error + Send + Sync>>> + Send>;

/// Options of a new studio.
pub struct StudioOptions {
    /// Source, depths and effects.
    pub settings: PortSettings,
    /// The model.
    pub model: ModelRequest,
    /// Devices.
    pub devices: DeviceRequest,
    /// Time for the codec.
    pub allowance: Allowance,
    /// Where models are.
    pub store: ModelStore,
    /// Frames of a token stream that are waited for at the start and after a gap.
    pub tokens_ahead: usize,
}

impl Default for StudioOptions {
    fn default() -> Self {
        Self {
            settings: PortSettings::default(),
            model: ModelRequest::default(),
            devices: DeviceRequest::default(),
            allowance: Allowance::Auto,
            store: ModelStore::from_env(),
            tokens_ahead: 0,
        }
    }
}

/// Time that devices may take to close, and a recording to be finished, when the studio is dropped.
const LEAVING: Duration = Duration::from_secs(5);
/// Sound, models and files of one person.
///
/// Dropping it takes as long as devices need to close and a recording to be finished, but no longer
/// than five seconds.
pub struct Studio {
    shared: Arc<StudioShared>,
    deliveries: Sender<Delivery>,
    /// Its other end is gone when the reconciler is.
    reconciler: Receiver<()>,
    lister: Arc<dyn DeviceBackend>,
    events: Receiver<StudioEvent>,
    /// The observed state, as of the last tick.
    observed: ObservedState,
    models: StudioModels,
}

impl Studio {
    /// Starts loading the model; opens no device before [`Studio::start`] or [`Studio::play`].
    ///
    /// `wake` is called from other threads when there is something new for [`Studio::tick`].
    pub fn new(
        devices: Arc<dyn DeviceBackend>,
        options: StudioOptions,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let (events, happened) = unbounded();
        let (deliveries, received) = unbounded();
        let desired = DesiredState::new(options.settings, options.devices);
        let shared = Arc::new(StudioShared::new(desired, events, wake));
        let lister = Arc::clone(&devices);
        let setup = ReconcilerSetup {
            devices,
            shared: Arc::clone(&shared),
            deliveries: received,
            allowance: options.allowance,
            tokens_ahead: options.tokens_ahead,
        };
        let (alive, reconciler) = unbounded();
        shared.spawn("sound", move |_| {
            reconciler::run(setup);
            drop(alive);
        });
        let models = StudioModels::new(options.store, Arc::clone(&shared), deliveries.clone());
        let mut studio = Self {
            shared,
            deliveries,
            reconciler,
            lister,
            events: happened,
            observed: ObservedState::default(),
            models,
        };
        studio.choose_model(options.model);
        studio
    }

    fn deliver(&self, delivery: Delivery) {
        // The reconciler lives as long as this.
        let _ = self.deliveries.send(delivery);
    }

    /// Changes the desired state, of which the audio thread hears at once.
    fn change<T>(&self, change: impl FnOnce(&mut DesiredState) -> T) -> T {
        self.shared.requests().change(change)
    }

    /// Changes a part of the desired state that the reconciler applies.
    fn change_and_apply(&self, change: impl FnOnce(&mut DesiredState)) {
        self.change(|desired| {
            change(desired);
            desired.revision += 1;
        });
        self.deliver(Delivery::Changed);
    }

    /// Whether the reconciler has applied everything that was asked for so far, or tried to.
    pub fn is_settled(&self) -> bool {
        let desired = self.shared.requests().desired().revision;
        self.shared.observed().revision == desired
    }

    /// Takes a snapshot of the observed state, and returns what a person should be told. Call it once a
    /// frame of the window; sound does not depend on it.
    pub fn tick(&mut self) -> Vec<UserNotice> {
        let mut notices = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            self.take_note(event, &mut notices);
        }
        notices.extend(self.models.tick());
        self.shared.requests().follow();
        let newest = self.shared.observed().clone();
        let old = std::mem::replace(&mut self.observed, newest);
        let current = self.observed.control.as_ref().map(Arc::as_ptr);
        if let Some(control) = old.control.filter(|old| Some(Arc::as_ptr(old)) != current) {
            // The last owner of a port waits for its thread.
            self.deliver(Delivery::Free(control));
        }
        notices
    }

    fn take_note(&mut self, event: StudioEvent, notices: &mut Vec<UserNotice>) {
        match event {
            StudioEvent::Notice(notice) => notices.push(notice),
            StudioEvent::Model(facts) => self.models.took(facts),
            StudioEvent::ModelFailed(why) => notices.push(self.models.failed(why)),
        }
    }

    /// Source, depths and effects.
    pub fn settings(&self) -> PortSettings {
        self.shared.requests().desired().settings
    }

    /// Changes source, depths and effects without clicks; effects on frames are heard a latency later.
    pub fn set_settings(&mut self, settings: PortSettings) {
        self.change(|desired| desired.settings = settings);
    }

    /// Whether the output is silent. It is from the start of a microphone on, until a person says
    /// otherwise: loudspeakers would feed back.
    pub fn muted(&self) -> bool {
        self.shared.requests().desired().muted
    }

    /// Whether it is silent only because a microphone came on: the moment for a hint to put on
    /// headphones.
    pub fn muted_for_headphones(&self) -> bool {
        self.shared.requests().desired().muted_for_headphones
    }

    /// Silences the output, or not, within some milliseconds.
    pub fn set_muted(&mut self, muted: bool) {
        self.change(|desired| desired.choose_muted(muted));
    }

    /// Output gain in dB. Recordings do not hear it.
    pub fn volume_db(&self) -> f32 {
        self.shared.requests().desired().volume_db
    }

    /// Changes the output gain, smoothly; clamped to [`VOLUME_DB`].
    pub fn set_volume_db(&mut self, db: f32) {
        let db = if db.is_nan() { 0.0 } else { db.clamp(*VOLUME_DB.start(), *VOLUME_DB.end()) };
        self.change(|desired| desired.volume_db = db);
    }

    /// Audio backends and devices, as of the last [`Studio::refresh_devices`].
    pub fn device_list(&self) -> &DeviceList {
        &self.observed.devices
    }

    /// Asks all audio backends for their devices, on another thread.
    pub fn refresh_devices(&mut self) {
        let asked = std::mem::replace(&mut self.shared.observed().devices.refreshing, true);
        self.observed.devices.refreshing = true;
        if !asked {
            let lister = Arc::clone(&self.lister);
            self.shared.spawn("devices", move |shared| {
                let hosts = lister.list().into();
                shared.observed().devices = DeviceList { hosts, refreshing: false };
                shared.wake();
            });
        }
    }

    /// The devices that are asked for.
    pub fn device_request(&self) -> DeviceRequest {
        self.shared.requests().desired().devices.clone()
    }

    /// Changes to other devices, rate, block size or channels.
    pub fn choose_devices(&mut self, request: DeviceRequest) {
        self.change_and_apply(|desired| {
            desired.devices = request;
            desired.attempt += 1;
        });
    }

    /// Opens the devices, and opens them again whenever they are lost.
    pub fn start(&mut self) {
        self.change_and_apply(DesiredState::run_now);
    }

    /// Closes the devices. A file stays where it is.
    pub fn stop(&mut self) {
        self.change_and_apply(|desired| desired.running = false);
    }

    /// Whether devices run.
    pub fn stream_state(&self) -> &StreamState {
        &self.observed.stream
    }

    /// The delay from air to air, while a microphone is heard: `None` if nothing runs.
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.observed.round_trip
    }

    /// The model that runs, and the one that is being loaded.
    pub fn model(&self) -> &ModelState {
        &self.models.state
    }

    /// Where models are.
    pub fn store(&self) -> &ModelStore {
        self.models.catalog.store()
    }

    /// Loads another model on another thread and changes to it while sound goes on. Where it cannot be
    /// loaded, or cannot decode the codes that play, a notice says why and the old one goes on; the
    /// embedded one, if there is none yet.
    pub fn choose_model(&mut self, request: ModelRequest) {
        self.models.choose(request);
    }

    /// Models, as of the last [`Studio::refresh_library`].
    pub fn library(&self) -> &[ListedModel] {
        self.models.listed()
    }

    /// Looks for models, on another thread.
    pub fn refresh_library(&mut self) {
        self.models.catalog.refresh();
    }

    /// Downloads a published model, one at a time.
    pub fn pull(&mut self, name: &str) {
        match self.models.pull() {
            Some(pull) => {
                let text = format!("{} is being downloaded; one at a time", pull.id);
                self.shared.notice(Severity::Warning, text);
            }
            None => self.models.catalog.pull(name, || ()),
        }
    }

    /// Stops the download; what has arrived is kept for the next try.
    pub fn cancel_pull(&mut self) {
        self.models.catalog.cancel_pull();
    }

    /// The download that runs.
    pub fn pull_status(&self) -> Option<PullStatus> {
        self.models.pull()
    }

    /// Makes the model in a folder known by the folder's name, if it can be loaded.
    pub fn add_model(&mut self, folder: PathBuf) {
        self.models.catalog.add(folder);
    }

    /// Checks a model's files; the result is a notice and [`ListedModel::verified`].
    pub fn verify(&mut self, id: &str) {
        self.models.catalog.verify(id);
    }

    /// The model whose files are being checked, and how much of them is.
    pub fn verify_status(&self) -> Option<(&str, TransferProgress)> {
        self.models.catalog.verify_status()
    }

    /// Measured cost of a model's precisions, if it was measured.
    pub fn precision_costs(&self, id: &str) -> Option<&[PrecisionCost]> {
        self.models.catalog.costs(id)
    }

    /// Measures the cost of a model's precisions: the load of a live stream here, and agreement with the codes of f32,
    /// on the open file or a clip of speech. Takes a while, on another thread.
    pub fn measure_precisions(&mut self, id: &str) {
        let (store, name) = (self.store().clone(), id.to_owned());
        let file = self.file().map(|file| Arc::clone(&file.audio));
        let threads = self.model_threads();
        self.models.catalog.measure(id, move |context| {
            precision::measure(&name, &store, file.as_deref(), threads, context)
        });
    }

    /// This computer's speed; finds it out on another thread where it is not known.
    pub fn machine_speed(&mut self) -> Option<&MachineSpeed> {
        let threads = self.model_threads();
        self.models.catalog.time_machine(threads);
        self.models.catalog.machine_speed()
    }

    /// Threads that models are asked to run on; 0 chooses.
    pub fn model_threads(&self) -> usize {
        self.model().facts.as_ref().map_or(0, |facts| facts.request.threads)
    }

    /// The model whose precisions are being measured.
    pub fn measuring(&self) -> Option<&str> {
        self.models.catalog.measuring()
    }

    /// The running port, for views.
    pub fn control(&self) -> Option<&PortControl> {
        self.observed.control.as_deref()
    }

    /// Counts ports: views that read from an old one must be made anew when this changes.
    pub fn port_epoch(&self) -> u64 {
        self.observed.epoch
    }

    /// The state of the running port. Peaks start anew with each call.
    pub fn status(&mut self) -> Option<PortStatus> {
        self.observed.control.as_ref().map(|control| control.status())
    }

    /// Sample rate of the running stream in Hz: the one that [`Stimuli`] must have.
    pub fn output_rate(&self) -> Option<u32> {
        match &self.observed.stream {
            StreamState::Running(facts) => Some(facts.shape.rate),
            _ => None,
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let until = Instant::now() + LEAVING;
        self.deliver(Delivery::End);
        let _ = self.reconciler.recv_timeout(LEAVING);
        while self.shared.observed().recording.is_some() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
