//! Everything a window does to sound and models, without a window.
//!
//! A [`Studio`] belongs to one thread, such as a window's. Every method returns at once: devices,
//! models and files are opened on threads of the studio's own, and [`Studio::tick`] hands over what
//! happened there. What is shown is plain data ([`StreamState`], [`ModelState`], [`Transport`], ...).
//!
//! ```no_run
//! use std::sync::Arc;
//! use residue_app::studio::{Cards, Studio, StudioOptions};
//!
//! let mut studio = Studio::new(Arc::new(Cards), StudioOptions::default(), Arc::new(|| ()));
//! studio.open_file("voice.flac".into());
//! studio.play();
//! loop {
//!     for notice in studio.tick() {
//!         println!("{}", notice.text);
//!     }
//!     # break;
//! }
//! ```

mod devices;
mod simulated;
mod state;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use residue_engine::live::{Allowance, Control, Settings, Status};
use residue_engine::models::Library;

pub use devices::{
    Cards, Defaults, DeviceChoice, DeviceInfo, DeviceList, Devices, HostInfo, Planned, Running,
    Side, Work,
};
pub use simulated::Simulated;
pub use state::{
    AuditionState, Input, ListedFacts, ListedModel, LoadedFile, ModelFacts, ModelState, ModelWish,
    Notice, PrecisionCost, PullProgress, RecordOptions, RecordingState, RoundTrip, Severity,
    Stimuli, StreamFacts, StreamState, TokenFile, TokenProgress, Transport,
};

/// Frames of codes, one code a layer each, as somebody makes them; `None` is the end. May wait.
pub type TokenSource = Box<dyn FnMut() -> Option<Result<Vec<u32>, String>> + Send>;

/// What a studio starts with.
pub struct StudioOptions {
    /// What is heard.
    pub settings: Settings,
    /// The model.
    pub model: ModelWish,
    /// Devices.
    pub devices: DeviceChoice,
    /// Time for the codec.
    pub allowance: Allowance,
    /// Where models are; `None`: the user's own library.
    pub library: Option<Library>,
    /// Frames of a token stream that are waited for at the start and after a gap.
    pub tokens_ahead: usize,
}

impl Default for StudioOptions {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            model: ModelWish::default(),
            devices: DeviceChoice::default(),
            allowance: Allowance::Auto,
            library: None,
            tokens_ahead: 0,
        }
    }
}

/// Sound, models and files of one person.
pub struct Studio {
    settings: Settings,
    muted: bool,
    volume_db: f32,
    input: Input,
    devices: DeviceChoice,
    device_list: DeviceList,
    stream: StreamState,
    model: ModelState,
    library: Vec<ListedModel>,
    costs: HashMap<String, Vec<PrecisionCost>>,
}

impl Studio {
    /// Starts loading the model; opens no device before [`Studio::start`] or [`Studio::play`].
    ///
    /// `wake` is called from other threads when there is something new for [`Studio::tick`].
    pub fn new(
        _devices: Arc<dyn Devices>,
        options: StudioOptions,
        _wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            settings: options.settings,
            muted: true,
            volume_db: 0.0,
            input: Input::Microphone,
            devices: options.devices,
            device_list: DeviceList::default(),
            stream: StreamState::Stopped,
            model: ModelState { loading: Some((options.model, 0.0)), ..ModelState::default() },
            library: Vec::new(),
            costs: HashMap::new(),
        }
    }

    /// Takes note of what happened on other threads, and returns what a person should be told. Call it
    /// once a frame of the window; sound does not depend on it.
    pub fn tick(&mut self) -> Vec<Notice> {
        Vec::new()
    }

    /// What is heard.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes what is heard, without clicks; frame settings are heard a latency later.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Whether the output is silent. It is from the start of a microphone on, until a person says
    /// otherwise: loudspeakers would feed back.
    pub fn muted(&self) -> bool {
        self.muted
    }

    /// Whether it is silent only because a microphone came on: the moment for a hint to put on
    /// headphones.
    pub fn muted_for_headphones(&self) -> bool {
        self.muted
    }

    /// Silences the output, or not, within some milliseconds.
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Gain of the output. Recordings do not hear it.
    pub fn volume_db(&self) -> f32 {
        self.volume_db
    }

    /// Changes the gain of the output, smoothly; at most +24 dB, and -60 dB or less is silence.
    pub fn set_volume_db(&mut self, db: f32) {
        self.volume_db = db;
    }

    /// Where sound comes from.
    pub fn input(&self) -> Input {
        self.input
    }

    /// Listens to the input device, muted until told otherwise.
    pub fn use_microphone(&mut self) {
        self.input = Input::Microphone;
    }

    /// Reads an audio file on another thread, and plays it instead of what played, from its start: at
    /// once if something played or [`Studio::play`] is called meanwhile. Where it cannot be read a
    /// notice says why, and what played goes on.
    pub fn open_file(&mut self, _path: PathBuf) {}

    /// The audio file that is open.
    pub fn file(&self) -> Option<&LoadedFile> {
        None
    }

    /// The codes that are open.
    pub fn token_file(&self) -> Option<&TokenFile> {
        None
    }

    /// A file is being read now.
    pub fn is_opening(&self) -> bool {
        false
    }

    /// Where the open file is; `None` for a microphone and for tokens that arrive.
    pub fn transport(&self) -> Option<Transport> {
        None
    }

    /// Plays the open file, from the start of it or of its loop if it is at its end. Starts the
    /// devices if they are stopped.
    pub fn play(&mut self) {}

    /// Pauses the open file.
    pub fn pause(&mut self) {}

    /// Moves to another place of the open file.
    pub fn seek(&mut self, _seconds: f64) {}

    /// Repeats a part of the open file, from second to second, or none. Parts shorter than 20 ms are
    /// made as long.
    pub fn set_loop(&mut self, _region: Option<(f64, f64)>) {}

    /// Reads a .npy file of codes on another thread, and plays it as [`Studio::open_file`] does, at
    /// any depth.
    pub fn open_tokens(&mut self, _path: PathBuf) {}

    /// Plays frames of codes as they arrive. `frames` runs on a thread of its own.
    pub fn stream_tokens(&mut self, _frames: TokenSource) {}

    /// How codes are doing.
    pub fn token_progress(&self) -> Option<TokenProgress> {
        None
    }

    /// What devices there are, as of the last [`Studio::refresh_devices`].
    pub fn device_list(&self) -> &DeviceList {
        &self.device_list
    }

    /// Asks all sound systems for their devices, on another thread.
    pub fn refresh_devices(&mut self) {}

    /// The wishes for devices.
    pub fn device_choice(&self) -> &DeviceChoice {
        &self.devices
    }

    /// Changes to other devices, rate, block size or channels.
    pub fn choose_devices(&mut self, choice: DeviceChoice) {
        self.devices = choice;
    }

    /// Opens the devices, and opens them again whenever they are lost.
    pub fn start(&mut self) {}

    /// Closes the devices. A file stays where it is.
    pub fn stop(&mut self) {}

    /// Whether devices run.
    pub fn stream_state(&self) -> &StreamState {
        &self.stream
    }

    /// The delay from air to air, while a microphone is heard: `None` if nothing runs.
    pub fn round_trip(&self) -> Option<RoundTrip> {
        None
    }

    /// The model, and what becomes of the wish for another.
    pub fn model(&self) -> &ModelState {
        &self.model
    }

    /// Loads another model on another thread and changes to it while sound goes on.
    pub fn choose_model(&mut self, _wish: ModelWish) {}

    /// Models, as of the last [`Studio::refresh_library`].
    pub fn library(&self) -> &[ListedModel] {
        &self.library
    }

    /// Looks for models, on another thread.
    pub fn refresh_library(&mut self) {}

    /// Downloads a published model, one at a time.
    pub fn pull(&mut self, _name: &str) {}

    /// Stops the download; what has arrived is kept for the next try.
    pub fn cancel_pull(&mut self) {}

    /// How far the download is.
    pub fn pull_progress(&self) -> Option<&PullProgress> {
        None
    }

    /// Makes the model in a folder known by the folder's name, if it can be loaded.
    pub fn add_model(&mut self, _folder: PathBuf) {}

    /// Checks a model's files; the result is a notice and [`ListedModel::verified`].
    pub fn verify(&mut self, _id: &str) {}

    /// How far the check of a model's files is.
    pub fn verify_progress(&self) -> Option<&PullProgress> {
        None
    }

    /// What the precisions of a model give and cost, if they were measured.
    pub fn precision_costs(&self, id: &str) -> Option<&[PrecisionCost]> {
        self.costs.get(id).map(Vec::as_slice)
    }

    /// Measures what the precisions of a model give and cost here: speed, and how far they choose
    /// the codes of f32, on the open file or a clip of speech. Takes a while, on another thread.
    pub fn measure_precisions(&mut self, _id: &str) {}

    /// The model whose precisions are being measured.
    pub fn measuring(&self) -> Option<&str> {
        None
    }

    /// Starts a recording: what is heard (before volume and mute), dry, A and B as WAV, and the codes
    /// as .npy.
    pub fn record(&mut self, _options: RecordOptions) {}

    /// Ends the recording.
    pub fn stop_recording(&mut self) {}

    /// The recording that runs.
    pub fn recording(&self) -> Option<&RecordingState> {
        None
    }

    /// Plays versions of one recording instead of everything else, repeating, from the first
    /// version. Starts the devices if they are stopped.
    pub fn audition(&mut self, _stimuli: Arc<Stimuli>) {}

    /// Changes to another version, crossfading at the same place.
    pub fn select(&mut self, _index: usize) {}

    /// Goes back to what played before.
    pub fn end_audition(&mut self) {}

    /// The audition that runs.
    pub fn audition_state(&self) -> Option<AuditionState> {
        None
    }

    /// The running port, for views.
    pub fn control(&self) -> Option<&Control> {
        None
    }

    /// Counts ports: what reads from an old one must be made anew when this changes.
    pub fn port_epoch(&self) -> u64 {
        0
    }

    /// How the running port does. Peaks start anew with each call.
    pub fn status(&mut self) -> Option<Status> {
        None
    }

    /// The rate of the running stream, in Hz: what [`Stimuli`] must have.
    pub fn output_rate(&self) -> Option<u32> {
        match &self.stream {
            StreamState::Running(facts) => Some(facts.shape.rate),
            _ => None,
        }
    }
}
