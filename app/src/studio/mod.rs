//! Everything a window does to sound and models, without a window.
//!
//! A [`Studio`] belongs to one thread, such as a window's. Every method returns at once: devices,
//! models and files are opened on threads of the studio's own, and [`Studio::tick`] hands over what
//! happened there. What is shown is plain data ([`StreamState`], [`ModelState`], [`Transport`], ...).
//!
//! ```no_run
//! use std::sync::Arc;
//! use residue_app::studio::{Cards, Studio, StudioOptions};
//! use residue_app::window::CONTROLS;
//!
//! let cards = Arc::new(Cards::new(&CONTROLS));
//! let mut studio = Studio::new(cards, StudioOptions::default(), Arc::new(|| ()));
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
pub(crate) mod models;
mod open;
mod precision;
mod recorder;
mod shared;
mod simulated;
mod sound;
mod state;
mod supervisor;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};

use residue_engine::live::{Allowance, PortControl, PortSettings, PortStatus};
use residue_engine::models::{ModelLibrary, ProgressStage};

use shared::{Event, Shared, Shown};
use sound::Message;
use supervisor::{Job, Setup, Source};

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
    pub settings: PortSettings,
    /// The model.
    pub model: ModelWish,
    /// Devices.
    pub devices: DeviceChoice,
    /// Time for the codec.
    pub allowance: Allowance,
    /// Where models are; `None`: the user's own library.
    pub library: Option<ModelLibrary>,
    /// Frames of a token stream that are waited for at the start and after a gap.
    pub tokens_ahead: usize,
}

impl Default for StudioOptions {
    fn default() -> Self {
        Self {
            settings: PortSettings::default(),
            model: ModelWish::default(),
            devices: DeviceChoice::default(),
            allowance: Allowance::Auto,
            library: None,
            tokens_ahead: 0,
        }
    }
}

/// Volumes at or below this are silence, in dB.
const SILENT_DB: f32 = -60.0;
/// The loudest volume, in dB.
const LOUDEST_DB: f32 = 24.0;
/// How long devices may take to close, and a recording to be finished, when the studio goes.
const LEAVING: Duration = Duration::from_secs(5);
/// The shortest part that repeats, in seconds.
const SHORTEST_LOOP: f64 = 0.02;

/// Sound, models and files of one person.
///
/// Dropping it takes as long as devices need to close and a recording to be finished, but no longer
/// than five seconds.
pub struct Studio {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
    /// Its other end is gone when the thread that looks after the devices is.
    sound: Receiver<()>,
    lister: Arc<dyn Devices>,
    events: Receiver<Event>,
    /// Where models are.
    home: Option<ModelLibrary>,
    settings: PortSettings,
    muted: bool,
    /// Muted by nobody but a microphone that came on.
    muted_for_headphones: bool,
    volume_db: f32,
    shown: Shown,
    /// Files that are being opened.
    opening: usize,
    devices: DeviceChoice,
    device_list: DeviceList,
    stream: StreamState,
    round_trip: Option<RoundTrip>,
    control: Option<Arc<PortControl>>,
    epoch: u64,
    model: ModelState,
    /// Numbers wishes for models: only the last one counts.
    wishes: Arc<AtomicU64>,
    library: Vec<ListedModel>,
    pull: Option<PullProgress>,
    cancel_pull: Option<Arc<AtomicBool>>,
    verify: Option<PullProgress>,
    costs: HashMap<String, Vec<PrecisionCost>>,
    measuring: Option<String>,
    recording: Option<RecordingState>,
    audition: Option<(Arc<Stimuli>, usize)>,
}

impl Studio {
    /// Starts loading the model; opens no device before [`Studio::start`] or [`Studio::play`].
    ///
    /// `wake` is called from other threads when there is something new for [`Studio::tick`].
    pub fn new(
        devices: Arc<dyn Devices>,
        options: StudioOptions,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let (events, happened) = unbounded();
        let (jobs, to_do) = unbounded();
        let shared = Arc::new(Shared::new(options.settings, events, wake));
        let lister = Arc::clone(&devices);
        let setup = Setup {
            devices,
            shared: Arc::clone(&shared),
            jobs: to_do,
            choice: options.devices.clone(),
            allowance: options.allowance,
            tokens_ahead: options.tokens_ahead,
        };
        let (alive, sound) = unbounded();
        shared.spawn("sound", move |_| {
            supervisor::run(setup);
            drop(alive);
        });
        let mut studio = Self {
            shared,
            jobs,
            sound,
            lister,
            events: happened,
            home: options.library,
            settings: options.settings,
            muted: true,
            muted_for_headphones: true,
            volume_db: 0.0,
            shown: Shown::Microphone,
            opening: 0,
            devices: options.devices,
            device_list: DeviceList::default(),
            stream: StreamState::Stopped,
            round_trip: None,
            control: None,
            epoch: 0,
            model: ModelState::default(),
            wishes: Arc::default(),
            library: Vec::new(),
            pull: None,
            cancel_pull: None,
            verify: None,
            costs: HashMap::new(),
            measuring: None,
            recording: None,
            audition: None,
        };
        studio.choose_model(options.model);
        studio
    }

    fn ask(&self, job: Job) {
        // The supervisor lives as long as this.
        let _ = self.jobs.send(job);
    }

    /// Takes note of what happened on other threads, and returns what a person should be told. Call it
    /// once a frame of the window; sound does not depend on it.
    pub fn tick(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            self.take_note(event, &mut notices);
        }
        self.shared.desk().follow(&self.shared.meters);
        let board = self.shared.board();
        if self.stream != board.stream {
            self.stream.clone_from(&board.stream);
        }
        self.round_trip = board.round_trip;
        self.model.loading.clone_from(&board.loading);
        self.pull.clone_from(&board.pull);
        self.verify.clone_from(&board.verify);
        self.recording.clone_from(&board.recording);
        self.epoch = board.epoch;
        let same = match (&self.control, &board.control) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let old =
            if same { None } else { std::mem::replace(&mut self.control, board.control.clone()) };
        drop(board);
        if let Some(old) = old {
            // The last one to let go of a port waits for its thread.
            self.ask(Job::Free(old));
        }
        notices
    }

    fn take_note(&mut self, event: Event, notices: &mut Vec<Notice>) {
        match event {
            Event::Notice(notice) => notices.push(notice),
            Event::Opened { there } => {
                self.opening = self.opening.saturating_sub(1);
                // Asked to play when it was there already, and was not known to be.
                if self.opening == 0 && std::mem::take(&mut self.shared.desk().play_next) && there {
                    self.play();
                }
            }
            Event::Source(shown) => {
                // Only a microphone feeds back.
                if shown.input() != Input::Microphone && self.muted_for_headphones {
                    self.muted = false;
                    self.muted_for_headphones = false;
                    self.send_gain();
                }
                self.shown = shown;
            }
            Event::Devices(hosts) => {
                self.device_list = DeviceList { hosts: hosts.into(), refreshing: false };
            }
            Event::Model(facts) => {
                self.model.facts = Some(facts);
                self.model.failed = None;
            }
            Event::ModelFailed(why) => {
                let text = format!("the model cannot be used: {why}");
                notices.push(Notice { severity: Severity::Error, text });
                self.model.failed = Some(why);
            }
            Event::Library(mut listed) => {
                models::keep_verified(&mut listed, &self.library);
                self.library = listed;
            }
            Event::Verified(id, verdict) => {
                if let Some(model) = self.library.iter_mut().find(|model| model.id == id) {
                    model.verified = Some(verdict);
                }
            }
            Event::Costs(id, costs) => {
                self.costs.insert(id, costs);
            }
            Event::Measured => self.measuring = None,
        }
    }

    /// What is heard.
    pub fn settings(&self) -> &PortSettings {
        &self.settings
    }

    /// Changes what is heard, without clicks; frame settings are heard a latency later.
    pub fn set_settings(&mut self, settings: PortSettings) {
        if self.settings != settings {
            self.settings = settings;
            let mut desk = self.shared.desk();
            desk.settings = settings;
            desk.send(Message::Settings(settings));
        }
    }

    /// Whether the output is silent. It is from the start of a microphone on, until a person says
    /// otherwise: loudspeakers would feed back.
    pub fn muted(&self) -> bool {
        self.muted
    }

    /// Whether it is silent only because a microphone came on: the moment for a hint to put on
    /// headphones.
    pub fn muted_for_headphones(&self) -> bool {
        self.muted_for_headphones
    }

    /// Silences the output, or not, within some milliseconds.
    pub fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
        self.muted_for_headphones = false;
        self.send_gain();
    }

    /// Gain of the output. Recordings do not hear it.
    pub fn volume_db(&self) -> f32 {
        self.volume_db
    }

    /// Changes the gain of the output, smoothly; at most +24 dB, and -60 dB or less is silence.
    pub fn set_volume_db(&mut self, db: f32) {
        self.volume_db = if db.is_nan() { 0.0 } else { db.clamp(SILENT_DB, LOUDEST_DB) };
        self.send_gain();
    }

    fn send_gain(&self) {
        let silent = self.muted || self.volume_db <= SILENT_DB;
        let gain = if silent { 0.0 } else { 10.0f32.powf(self.volume_db / 20.0) };
        let mut desk = self.shared.desk();
        desk.gain = gain;
        desk.send(Message::Gain(gain));
    }

    /// Where sound comes from.
    pub fn input(&self) -> Input {
        self.shown.input()
    }

    /// Listens to the input device, muted until told otherwise.
    pub fn use_microphone(&mut self) {
        if self.input() != Input::Microphone && !self.muted {
            self.muted = true;
            self.muted_for_headphones = true;
            self.send_gain();
        }
        self.ask(Job::Source(Source::Microphone));
    }

    /// Reads an audio file on another thread, and plays it instead of what played, from its start: at
    /// once if something played or [`Studio::play`] is called meanwhile. Where it cannot be read a
    /// notice says why, and what played goes on.
    pub fn open_file(&mut self, path: PathBuf) {
        self.opening += 1;
        let jobs = self.jobs.clone();
        self.shared.spawn("file", move |shared| match open::audio_file(&path) {
            Ok((file, warnings)) => {
                for warning in warnings {
                    shared.notice(Severity::Warning, format!("{}: {warning}", file.name));
                }
                let _ = jobs.send(Job::Source(Source::File(Arc::new(file))));
            }
            Err(why) => {
                shared.notice(Severity::Error, why);
                shared.tell(Event::Opened { there: false });
            }
        });
    }

    /// The audio file that is open.
    pub fn file(&self) -> Option<&LoadedFile> {
        match &self.shown {
            Shown::File(file) => Some(file),
            _ => None,
        }
    }

    /// The codes that are open.
    pub fn token_file(&self) -> Option<&TokenFile> {
        match &self.shown {
            Shown::Tokens(file) => Some(file),
            _ => None,
        }
    }

    /// A file is being read now.
    pub fn is_opening(&self) -> bool {
        self.opening > 0
    }

    /// Where the open file is; `None` for a microphone and for tokens that arrive.
    pub fn transport(&self) -> Option<Transport> {
        let length_s = match &self.shown {
            Shown::File(file) => file.seconds(),
            Shown::Tokens(file) => file.seconds,
            Shown::Microphone | Shown::Feed(_) => return None,
        };
        let desk = self.shared.desk();
        let position_s = desk.position.min(length_s);
        Some(Transport { position_s, length_s, playing: desk.playing, loop_region: desk.region })
    }

    /// Plays the open file, from the start of it or of its loop if it is at its end. Starts the
    /// devices if they are stopped.
    pub fn play(&mut self) {
        let mut desk = self.shared.desk();
        if self.opening > 0 {
            // Devices start with it: until then it is not known whether an input is needed.
            desk.play_next = true;
            return;
        }
        if matches!(self.shown, Shown::File(_) | Shown::Tokens(_)) {
            desk.playing = true;
            let order = desk.number();
            desk.send(Message::Play(order));
        }
        drop(desk);
        self.start();
    }

    /// Pauses the open file.
    pub fn pause(&mut self) {
        let mut desk = self.shared.desk();
        desk.play_next = false;
        desk.playing = false;
        let order = desk.number();
        desk.send(Message::Pause(order));
    }

    /// Moves to another place of the open file.
    pub fn seek(&mut self, seconds: f64) {
        let Some(transport) = self.transport() else { return };
        let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, transport.length_s) };
        let mut desk = self.shared.desk();
        desk.position = seconds;
        let order = desk.number();
        if let Some(sample) = desk.sample(seconds) {
            desk.send(Message::Seek(order, sample));
        }
    }

    /// Repeats a part of the open file, from second to second, or none. Parts shorter than 20 ms are
    /// made as long.
    pub fn set_loop(&mut self, region: Option<(f64, f64)>) {
        let Some(transport) = self.transport() else { return };
        let length = transport.length_s;
        let region = region.filter(|(start, end)| start.is_finite() && end.is_finite());
        let region = region.map(|(a, b)| {
            let start = a.min(b).clamp(0.0, (length - SHORTEST_LOOP).max(0.0));
            (start, a.max(b).clamp(start + SHORTEST_LOOP, length.max(start + SHORTEST_LOOP)))
        });
        let mut desk = self.shared.desk();
        desk.region = region;
        let samples = desk.region_samples();
        desk.send(Message::Repeat(samples));
    }

    /// Reads a .npy file of codes on another thread, and plays it as [`Studio::open_file`] does, at
    /// any depth.
    pub fn open_tokens(&mut self, path: PathBuf) {
        self.opening += 1;
        let jobs = self.jobs.clone();
        self.shared.spawn("codes", move |shared| match open::code_file(&path) {
            Ok(codes) => {
                let _ = jobs.send(Job::Source(Source::Codes(path, codes)));
            }
            Err(why) => {
                shared.notice(Severity::Error, why);
                shared.tell(Event::Opened { there: false });
            }
        });
    }

    /// Plays frames of codes as they arrive. `frames` runs on a thread of its own.
    pub fn stream_tokens(&mut self, frames: TokenSource) {
        self.ask(Job::Source(Source::Feed(frames)));
    }

    /// How codes are doing.
    pub fn token_progress(&self) -> Option<TokenProgress> {
        match &self.shown {
            Shown::Feed(feed) => Some(TokenProgress {
                waiting: feed.waiting(),
                heard: feed.heard(),
                gaps: feed.gaps(),
                finished: feed.is_finished(),
            }),
            Shown::Tokens(file) => {
                let at = self.shared.desk().position / file.seconds.max(f64::MIN_POSITIVE);
                let heard = (at * file.frames as f64).round() as usize;
                let waiting = file.frames.saturating_sub(heard);
                Some(TokenProgress { waiting, heard: heard as u64, gaps: 0, finished: true })
            }
            _ => None,
        }
    }

    /// What devices there are, as of the last [`Studio::refresh_devices`].
    pub fn device_list(&self) -> &DeviceList {
        &self.device_list
    }

    /// Asks all sound systems for their devices, on another thread.
    pub fn refresh_devices(&mut self) {
        if !std::mem::replace(&mut self.device_list.refreshing, true) {
            let lister = Arc::clone(&self.lister);
            self.shared.spawn("devices", move |shared| {
                shared.tell(Event::Devices(lister.list()));
            });
        }
    }

    /// The wishes for devices.
    pub fn device_choice(&self) -> &DeviceChoice {
        &self.devices
    }

    /// Changes to other devices, rate, block size or channels.
    pub fn choose_devices(&mut self, choice: DeviceChoice) {
        self.devices = choice.clone();
        self.ask(Job::Devices(choice));
    }

    /// Opens the devices, and opens them again whenever they are lost.
    pub fn start(&mut self) {
        self.ask(Job::Start);
    }

    /// Closes the devices. A file stays where it is.
    pub fn stop(&mut self) {
        self.ask(Job::Stop);
    }

    /// Whether devices run.
    pub fn stream_state(&self) -> &StreamState {
        &self.stream
    }

    /// The delay from air to air, while a microphone is heard: `None` if nothing runs.
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.round_trip
    }

    /// The model, and what becomes of the wish for another.
    pub fn model(&self) -> &ModelState {
        &self.model
    }

    /// Loads another model on another thread and changes to it while sound goes on. Where it cannot be
    /// loaded, or cannot decode the codes that play, a notice says why and the old one goes on; the
    /// embedded one, if there is none yet.
    pub fn choose_model(&mut self, wish: ModelWish) {
        let number = self.wishes.fetch_add(1, Relaxed) + 1;
        self.shared.board().loading = Some((wish.clone(), 0.0));
        self.model.loading = Some((wish.clone(), 0.0));
        let (jobs, home, wishes) = (self.jobs.clone(), self.home.clone(), Arc::clone(&self.wishes));
        // Without any model nothing could be heard.
        let stand_in = self.model.facts.is_none().then(ModelWish::default);
        self.shared.spawn("load", move |shared| {
            for wish in [Some(wish), stand_in].into_iter().flatten() {
                let loaded = models::load(shared, &wish, &home, number, &wishes);
                if wishes.load(Relaxed) != number {
                    return;
                }
                shared.board().loading = None;
                match loaded {
                    Ok(None) => return,
                    Ok(Some((codec, facts))) => {
                        let _ = jobs.send(Job::Codec(codec, facts));
                        return;
                    }
                    Err(why) => shared.tell(Event::ModelFailed(why)),
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
        if let Some(pull) = &self.pull {
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
        self.shared.board().pull = Some(progress.clone());
        self.pull = Some(progress);
        self.shared.spawn("pull", move |shared| models::pull(shared, &home, &name, &cancel));
    }

    /// Stops the download; what has arrived is kept for the next try.
    pub fn cancel_pull(&mut self) {
        if let Some(cancel) = &self.cancel_pull {
            cancel.store(true, Relaxed);
        }
    }

    /// How far the download is.
    pub fn pull_progress(&self) -> Option<&PullProgress> {
        self.pull.as_ref()
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

    /// How far the check of a model's files is.
    pub fn verify_progress(&self) -> Option<&PullProgress> {
        self.verify.as_ref()
    }

    /// What the precisions of a model give and cost, if they were measured.
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
        let threads = self.model.facts.as_ref().map_or(0, |facts| facts.wish.threads);
        self.shared.spawn("measure", move |shared| {
            match precision::measure(&id, &home, file.as_deref(), threads) {
                Ok(costs) => shared.tell(Event::Costs(id, costs)),
                Err(why) => {
                    shared.notice(Severity::Error, format!("{id} cannot be measured: {why}"));
                }
            }
            shared.tell(Event::Measured);
        });
    }

    /// The model whose precisions are being measured.
    pub fn measuring(&self) -> Option<&str> {
        self.measuring.as_deref()
    }

    /// Starts a recording: what is heard (before volume and mute), dry, A and B as WAV, and the codes
    /// as .npy.
    pub fn record(&mut self, options: RecordOptions) {
        self.ask(Job::Record(options));
    }

    /// Ends the recording.
    pub fn stop_recording(&mut self) {
        self.shared.stop_recording();
    }

    /// The recording that runs.
    pub fn recording(&self) -> Option<&RecordingState> {
        self.recording.as_ref()
    }

    /// Plays versions of one recording instead of everything else, repeating, from the first
    /// version. Starts the devices if they are stopped.
    pub fn audition(&mut self, stimuli: Arc<Stimuli>) {
        self.audition = Some((Arc::clone(&stimuli), 0));
        let mut desk = self.shared.desk();
        desk.selected = 0;
        desk.send(Message::Hold(false));
        drop(desk);
        self.ask(Job::Audition(stimuli));
    }

    /// Lets an audition stand still where it is, or go on from there.
    pub fn hold_audition(&mut self, held: bool) {
        if self.audition.is_some() {
            self.shared.desk().send(Message::Hold(held));
        }
    }

    /// Changes to another version, crossfading at the same place.
    pub fn select(&mut self, index: usize) {
        if let Some((stimuli, selected)) = &mut self.audition
            && index < stimuli.planes.len()
        {
            *selected = index;
            self.shared.desk().selected = index;
            self.shared.desk().send(Message::Select(index));
        }
    }

    /// Goes back to what played before.
    pub fn end_audition(&mut self) {
        if self.audition.take().is_some() {
            self.ask(Job::EndAudition);
        }
    }

    /// The audition that runs.
    pub fn audition_state(&self) -> Option<AuditionState> {
        let (stimuli, index) = self.audition.as_ref()?;
        let seconds = |samples: f64| samples / f64::from(stimuli.rate);
        let position_s = seconds(self.shared.meters.audition.load(Relaxed) as f64);
        let length_s = seconds(stimuli.planes.first().map_or(0, |plane| plane.len()) as f64);
        Some(AuditionState { index: *index, position_s, length_s })
    }

    /// The running port, for views.
    pub fn control(&self) -> Option<&PortControl> {
        self.control.as_deref()
    }

    /// Counts ports: what reads from an old one must be made anew when this changes.
    pub fn port_epoch(&self) -> u64 {
        self.epoch
    }

    /// How the running port does. Peaks start anew with each call.
    pub fn status(&mut self) -> Option<PortStatus> {
        self.control.as_ref().map(|control| control.status())
    }

    /// The rate of the running stream, in Hz: what [`Stimuli`] must have.
    pub fn output_rate(&self) -> Option<u32> {
        match &self.stream {
            StreamState::Running(facts) => Some(facts.shape.rate),
            _ => None,
        }
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let until = Instant::now() + LEAVING;
        let _ = self.jobs.send(Job::End);
        let _ = self.sound.recv_timeout(LEAVING);
        while self.shared.board().recording.is_some() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
