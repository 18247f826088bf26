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
pub(crate) mod models;
mod observed;
mod open;
mod playback;
mod precision;
mod reconciler;
mod recorder;
mod shared;
mod simulated;
mod sound;
mod sources;
mod state;

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use residue_engine::live::{Allowance, PortControl, PortSettings, PortStatus};
use residue_engine::models::{ModelLibrary, ProgressStage};

use desired::{DesiredState, SILENT_DB};
use observed::ObservedState;
use reconciler::{Delivery, ReconcilerSetup};
use shared::{StudioEvent, StudioShared};

pub use devices::{
    AudioCallback, BackendError, BackendInfo, CpalBackend, DefaultDevices, DeviceBackend,
    DeviceCapabilities, DeviceInfo, DeviceList, DeviceRequest, PlannedStream, RunningStream,
};
pub use simulated::SimulatedBackend;
pub use state::{
    AuditionState, InputKind, ListedFacts, ListedModel, LoadedFile, ModelFacts, ModelRequest,
    ModelState, PrecisionCost, PullProgress, RecordOptions, RecordingState, RoundTrip, Severity,
    Stimuli, StreamFacts, StreamState, TokenFile, TokenProgress, TransportState, UserNotice,
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
    /// The library of models; `None`: the user's own.
    pub library: Option<ModelLibrary>,
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
            library: None,
            tokens_ahead: 0,
        }
    }
}

/// The loudest volume, in dB.
const LOUDEST_DB: f32 = 24.0;
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
    /// The library of models; `None`: the user's own.
    home: Option<ModelLibrary>,
    model: ModelState,
    /// Numbers requests for models: only the last one counts.
    model_requests: Arc<AtomicU64>,
    library: Vec<ListedModel>,
    cancel_pull: Option<Arc<AtomicBool>>,
    costs: HashMap<String, Vec<PrecisionCost>>,
    measuring: Option<String>,
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
        let mut studio = Self {
            shared,
            deliveries,
            reconciler,
            lister,
            events: happened,
            observed: ObservedState::default(),
            home: options.library,
            model: ModelState::default(),
            model_requests: Arc::default(),
            library: Vec::new(),
            cancel_pull: None,
            costs: HashMap::new(),
            measuring: None,
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
        self.shared.requests().follow();
        let newest = self.shared.observed().clone();
        let old = std::mem::replace(&mut self.observed, newest);
        self.model.loading.clone_from(&self.observed.loading);
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
            StudioEvent::Model(facts) => {
                self.model.facts = Some(facts);
                self.model.failed = None;
            }
            StudioEvent::ModelFailed(why) => {
                let text = format!("the model cannot be used: {why}");
                notices.push(UserNotice { severity: Severity::Error, text });
                self.model.failed = Some(why);
            }
            StudioEvent::Library(mut listed) => {
                models::keep_verified(&mut listed, &self.library);
                self.library = listed;
            }
            StudioEvent::Verified(id, verdict) => {
                if let Some(model) = self.library.iter_mut().find(|model| model.id == id) {
                    model.verified = Some(verdict);
                }
            }
            StudioEvent::Costs(id, costs) => {
                self.costs.insert(id, costs);
            }
            StudioEvent::Measured => self.measuring = None,
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

    /// Changes the output gain, smoothly; at most +24 dB, and -60 dB or less is silence.
    pub fn set_volume_db(&mut self, db: f32) {
        let db = if db.is_nan() { 0.0 } else { db.clamp(SILENT_DB, LOUDEST_DB) };
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
        &self.model
    }

    /// Loads another model on another thread and changes to it while sound goes on. Where it cannot be
    /// loaded, or cannot decode the codes that play, a notice says why and the old one goes on; the
    /// embedded one, if there is none yet.
    pub fn choose_model(&mut self, request: ModelRequest) {
        let number = self.model_requests.fetch_add(1, Relaxed) + 1;
        self.shared.observed().loading = Some((request.clone(), 0.0));
        self.model.loading = Some((request.clone(), 0.0));
        let (deliveries, home) = (self.deliveries.clone(), self.home.clone());
        let newest = Arc::clone(&self.model_requests);
        // Without any model nothing could be heard.
        let stand_in = self.model.facts.is_none().then(ModelRequest::default);
        self.shared.spawn("load", move |shared| {
            for request in [Some(request), stand_in].into_iter().flatten() {
                let loaded = models::load(shared, &request, &home, number, &newest);
                if newest.load(Relaxed) != number {
                    return;
                }
                shared.observed().loading = None;
                match loaded {
                    Ok(None) => return,
                    Ok(Some((codec, facts))) => {
                        let _ = deliveries.send(Delivery::Codec(codec, facts));
                        return;
                    }
                    Err(why) => shared.tell(StudioEvent::ModelFailed(why)),
                }
            }
        });
    }

    /// Models, as of the last [`Studio::refresh_library`].
    pub fn library(&self) -> &[ListedModel] {
        &self.library
    }

    /// Looks for models, on another thread.
    pub fn refresh_library(&mut self) {
        let home = self.home.clone();
        self.shared.spawn("list", move |shared| models::refresh(shared, &home));
    }

    /// Downloads a published model, one at a time.
    pub fn pull(&mut self, name: &str) {
        if let Some(pull) = &self.observed.pull {
            let text = format!("{} is being downloaded; one at a time", pull.id);
            self.shared.notice(Severity::Warning, text);
            return;
        }
        let (home, name) = (self.home.clone(), name.to_owned());
        let cancel = Arc::new(AtomicBool::new(false));
        self.cancel_pull = Some(Arc::clone(&cancel));
        let progress = PullProgress {
            id: name.clone(),
            stage: ProgressStage::Asking,
            file: String::new(),
            done: 0,
            total: 0,
            cancelling: false,
        };
        self.shared.observed().pull = Some(progress.clone());
        self.observed.pull = Some(progress);
        self.shared.spawn("pull", move |shared| models::pull(shared, &home, &name, &cancel));
    }

    /// Stops the download; what has arrived is kept for the next try.
    pub fn cancel_pull(&mut self) {
        if let Some(cancel) = &self.cancel_pull {
            cancel.store(true, Relaxed);
        }
    }

    /// Progress of the download.
    pub fn pull_progress(&self) -> Option<&PullProgress> {
        self.observed.pull.as_ref()
    }

    /// Makes the model in a folder known by the folder's name, if it can be loaded.
    pub fn add_model(&mut self, folder: PathBuf) {
        let home = self.home.clone();
        self.shared.spawn("add", move |shared| models::add(shared, &home, &folder));
    }

    /// Checks a model's files; the result is a notice and [`ListedModel::verified`].
    pub fn verify(&mut self, id: &str) {
        let (home, id) = (self.home.clone(), id.to_owned());
        self.shared.spawn("verify", move |shared| models::verify(shared, &home, &id));
    }

    /// Progress of the check of a model's files.
    pub fn verify_progress(&self) -> Option<&PullProgress> {
        self.observed.verify.as_ref()
    }

    /// Speed and accuracy of a model's precisions, if they were measured.
    pub fn precision_costs(&self, id: &str) -> Option<&[PrecisionCost]> {
        self.costs.get(id).map(Vec::as_slice)
    }

    /// Measures what the precisions of a model give and cost here: speed, and how far they choose
    /// the codes of f32, on the open file or a clip of speech. Takes a while, on another thread.
    pub fn measure_precisions(&mut self, id: &str) {
        if self.measuring.is_some() {
            return;
        }
        self.measuring = Some(id.to_owned());
        let (home, id) = (self.home.clone(), id.to_owned());
        let file = self.file().map(|file| Arc::clone(&file.audio));
        let threads = self.model.facts.as_ref().map_or(0, |facts| facts.request.threads);
        self.shared.spawn("measure", move |shared| {
            match precision::measure(&id, &home, file.as_deref(), threads) {
                Ok(costs) => shared.tell(StudioEvent::Costs(id, costs)),
                Err(why) => {
                    shared.notice(Severity::Error, format!("{id} cannot be measured: {why}"));
                }
            }
            shared.tell(StudioEvent::Measured);
        });
    }

    /// The model whose precisions are being measured.
    pub fn measuring(&self) -> Option<&str> {
        self.measuring.as_deref()
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
