//! What the studio's threads share. The audio thread touches none of it but the meters.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::Sender;
use residue_engine::live::{PortControl, PortSettings, TokenFeed};
use ringbuf::HeapProd;
use ringbuf::traits::Producer;

use super::devices::HostInfo;
use super::sound::{Message, Meters};
use super::state::{
    Input, ListedModel, LoadedFile, ModelFacts, ModelWish, Notice, PrecisionCost, PullProgress,
    RecordingState, RoundTrip, Severity, StreamState, TokenFile,
};

/// The number of no program.
pub const NO_PROGRAM: u64 = 0;

/// Wishes for the sound, and the way to the audio thread.
pub struct Desk {
    pub settings: PortSettings,
    /// Of the output: volume and mute.
    pub gain: f32,
    pub playing: bool,
    /// A file that is being opened is to play at once.
    pub play_next: bool,
    /// Seconds into the file: where a new stream goes on.
    pub position: f64,
    /// Seconds.
    pub region: Option<(f64, f64)>,
    /// Numbers orders to play, pause and seek.
    pub order: u64,
    /// The version of an audition that is to be heard.
    pub selected: usize,
    /// The program that was sent last.
    pub program: u64,
    /// To the audio thread, while a stream runs at so many Hz.
    pub line: Option<(HeapProd<Message>, u32)>,
    /// The audio thread stood still and missed orders.
    pub behind: bool,
}

impl Desk {
    /// Passes an order to the audio thread, if there is one.
    pub fn send(&mut self, message: Message) {
        if let Some((line, _)) = &mut self.line {
            self.behind |= line.try_push(message).is_err();
        }
    }

    /// The next order's number.
    pub fn number(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// A number of seconds as a sample, while a stream runs.
    pub fn sample(&self, seconds: f64) -> Option<u64> {
        let (_, rate) = self.line.as_ref()?;
        Some(to_sample(seconds, *rate))
    }

    /// The part that repeats, in samples, while a stream runs.
    pub fn region_samples(&self) -> Option<(u64, u64)> {
        let (start, end) = self.region?;
        Some((self.sample(start)?, self.sample(end)?))
    }

    /// Takes over what the audio thread did on its own: where it is, and that it came to the end.
    pub fn follow(&mut self, meters: &Meters) {
        if let Some((_, rate)) = &self.line
            && meters.order.load(Relaxed) == self.order
            && self.program != NO_PROGRAM
            && meters.program.load(Relaxed) == self.program
        {
            let (heard, playing) = meters.transport();
            self.position = heard as f64 / f64::from(*rate);
            self.playing = playing;
        }
    }
}

/// Seconds as a sample.
pub fn to_sample(seconds: f64, rate: u32) -> u64 {
    // Negative and NaN are 0.
    (seconds * f64::from(rate)).round().max(0.0) as u64
}

/// What is shown, as of now.
#[derive(Default)]
pub struct Board {
    pub stream: StreamState,
    pub round_trip: Option<RoundTrip>,
    pub control: Option<Arc<PortControl>>,
    /// Counts ports.
    pub epoch: u64,
    pub loading: Option<(ModelWish, f32)>,
    pub pull: Option<PullProgress>,
    pub verify: Option<PullProgress>,
    pub recording: Option<RecordingState>,
}

/// What happened.
pub enum Event {
    Notice(Notice),
    /// This is where sound comes from now.
    Source(Shown),
    /// A file that was being opened is there, or never will be.
    Opened {
        there: bool,
    },
    Devices(Vec<HostInfo>),
    Model(ModelFacts),
    ModelFailed(String),
    Library(Vec<ListedModel>),
    Verified(String, Result<(), String>),
    Costs(String, Vec<PrecisionCost>),
    Measured,
}

/// A source of sound as a person sees it.
#[derive(Clone)]
pub enum Shown {
    Microphone,
    File(Arc<LoadedFile>),
    Tokens(TokenFile),
    Feed(Arc<TokenFeed>),
}

impl Shown {
    pub fn input(&self) -> Input {
        match self {
            Self::Microphone => Input::Microphone,
            Self::File(_) => Input::File,
            Self::Tokens(_) | Self::Feed(_) => Input::Tokens,
        }
    }
}

/// All of it.
pub struct Shared {
    stop_recording: AtomicBool,
    desk: Mutex<Desk>,
    board: Mutex<Board>,
    pub meters: Arc<Meters>,
    events: Sender<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Shared {
    pub fn new(
        settings: PortSettings,
        events: Sender<Event>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let desk = Desk {
            settings,
            gain: 0.0,
            playing: false,
            play_next: false,
            position: 0.0,
            region: None,
            order: 0,
            selected: 0,
            program: NO_PROGRAM,
            line: None,
            behind: false,
        };
        let (desk, board) = (Mutex::new(desk), Mutex::default());
        let stop_recording = AtomicBool::new(false);
        Self { stop_recording, desk, board, meters: Arc::default(), events, wake }
    }

    /// Locked for moments only.
    pub fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locked for moments only.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The recording is to end.
    pub fn stop_recording(&self) {
        self.stop_recording.store(true, Relaxed);
    }

    /// Whether it is, once.
    pub fn take_stop_recording(&self) -> bool {
        self.stop_recording.swap(false, Relaxed)
    }

    /// There is something new to show.
    pub fn wake(&self) {
        (self.wake)();
    }

    pub fn tell(&self, event: Event) {
        let _ = self.events.send(event);
        self.wake();
    }

    pub fn notice(&self, severity: Severity, text: impl Into<String>) {
        // One line, whatever the chain of causes.
        let text = text.into().replace('\n', " ");
        self.tell(Event::Notice(Notice { severity, text }));
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
