//! The thread that looks after devices and ports, whether a window is there to be drawn or not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use residue_engine::audio::resample;
use residue_engine::codec::Codec;
use residue_engine::live::{
    self, Allowance, CodecModel, CodesReader, LiveModel, PortConfig, PortControl, PortHealth,
    TokenFeed, TokenModel,
};
use residue_engine::tokens::Codes;
use ringbuf::HeapCons;
use ringbuf::traits::Consumer;

use super::TokenSource;
use super::devices::{Defaults, DeviceChoice, Devices, Running};
use super::open::name;
use super::recorder;
use super::shared::{Event, NO_PROGRAM, Shared, Shown, to_sample};
use super::sound::{Audition, Begin, Line, Material, Message, Program, Returned, Sound};
use super::state::{
    LoadedFile, ModelFacts, RecordOptions, RoundTrip, Severity, Stimuli, StreamFacts, StreamState,
    TokenFile,
};
use crate::device::{Counts, Shape};

/// How often devices are looked after.
const TURN: Duration = Duration::from_millis(50);
/// How often the system is asked for its default devices.
const DEFAULTS: Duration = Duration::from_secs(2);
/// The pause before lost devices are tried again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// Frames of a token stream that may wait; whoever makes more is held up.
const MOST_WAITING: usize = 4096;

/// Something to do.
pub enum Job {
    Start,
    Stop,
    Devices(DeviceChoice),
    Source(Source),
    Codec(Codec, ModelFacts),
    Record(RecordOptions),
    Audition(Arc<Stimuli>),
    EndAudition,
    /// Ends the devices and the thread that looks after them.
    End,
    /// To be freed here.
    Free(#[allow(dead_code, reason = "only dropped")] Arc<PortControl>),
}

/// Where sound is to come from.
pub enum Source {
    Microphone,
    File(Arc<LoadedFile>),
    Codes(PathBuf, Codes),
    Feed(TokenSource),
}

/// Where it comes from.
enum Playing {
    Microphone,
    File(Arc<LoadedFile>),
    Codes(PathBuf, Codes),
    Feed(Fed),
}

/// Codes that arrive.
struct Fed {
    model: TokenModel,
    feed: Arc<TokenFeed>,
    /// Nobody listens any more.
    over: Arc<AtomicBool>,
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Devices that run.
struct Open {
    running: Box<dyn Running>,
    shape: Shape,
    offline: bool,
    returns: HeapCons<Returned>,
    /// The system's defaults when it was opened, and when they were last asked for.
    defaults: Defaults,
    asked: Instant,
}

/// The port that runs.
struct Current {
    control: Arc<PortControl>,
    serial: u64,
    /// Keeps the engine writing codes, so that a recording knows those of frames decoded before it.
    codes: CodesReader,
    failed: bool,
}

struct Lost {
    why: String,
    at: Instant,
    pause: Duration,
}

/// What the supervisor works with from the start.
pub struct Setup {
    pub devices: Arc<dyn Devices>,
    pub shared: Arc<Shared>,
    pub jobs: Receiver<Job>,
    pub choice: DeviceChoice,
    pub allowance: Allowance,
    pub tokens_ahead: usize,
}

struct Supervisor {
    setup: Setup,
    wanted: bool,
    playing: Playing,
    /// Codes that wait for a model.
    waiting: Option<Source>,
    codec: Option<(Codec, ModelFacts)>,
    open: Option<Open>,
    current: Option<Current>,
    lost: Option<Lost>,
    audition: Option<Arc<Stimuli>>,
    serial: u64,
}

/// Runs until it is told to end or nobody is left who could.
pub fn run(setup: Setup) {
    let mut supervisor = Supervisor {
        setup,
        wanted: false,
        playing: Playing::Microphone,
        waiting: None,
        codec: None,
        open: None,
        current: None,
        lost: None,
        audition: None,
        serial: 0,
    };
    loop {
        match supervisor.setup.jobs.recv_timeout(TURN) {
            Ok(Job::End) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(job) => supervisor.handle(job),
            Err(RecvTimeoutError::Timeout) => {}
        }
        supervisor.settle();
        supervisor.look_after();
    }
    supervisor.close();
}

impl Supervisor {
    fn shared(&self) -> &Arc<Shared> {
        &self.setup.shared
    }

    fn notice(&self, severity: Severity, text: impl Into<String>) {
        self.shared().notice(severity, text);
    }

    fn handle(&mut self, job: Job) {
        match job {
            Job::Start => {
                self.wanted = true;
                self.lost = None;
            }
            Job::Stop => {
                self.wanted = false;
                self.lost = None;
                self.close();
                self.show(StreamState::Stopped);
            }
            Job::Devices(choice) => {
                if self.setup.choice != choice {
                    self.setup.choice = choice;
                    self.close();
                }
                self.lost = None;
            }
            Job::Source(source) => self.install(source),
            Job::Codec(codec, facts) => self.adopt(codec, facts),
            Job::Record(options) => self.record(&options),
            Job::Audition(stimuli) => {
                self.wanted = true;
                self.audition = Some(stimuli);
                self.lost = None;
                if self.open.is_some() {
                    self.send_audition();
                }
            }
            Job::EndAudition => {
                self.audition = None;
                self.shared().desk().send(Message::EndAudition);
            }
            // The end is for who handed this over.
            Job::Free(_) | Job::End => {}
        }
    }

    /// Opens devices where they are wished for and closed.
    fn settle(&mut self) {
        let due = self.lost.as_ref().is_none_or(|lost| Instant::now() >= lost.at);
        if !self.wanted || self.open.is_some() || !due {
            return;
        }
        if self.lost.is_none() {
            self.show(StreamState::Starting);
        }
        if self.codec.is_none() {
            return;
        }
        match self.open() {
            Ok(()) => {
                if self.lost.take().is_some() {
                    self.notice(Severity::Info, "the sound devices are back");
                }
                self.publish();
                self.shared().wake();
            }
            Err(why) => self.lose(why),
        }
    }

    /// Shows a state and says so if it is another kind of state.
    fn show(&self, state: StreamState) {
        let kind = std::mem::discriminant(&state);
        let mut board = self.shared().board();
        let before = std::mem::replace(&mut board.stream, state);
        drop(board);
        if std::mem::discriminant(&before) != kind {
            self.shared().wake();
        }
    }

    fn lose(&mut self, why: String) {
        self.close();
        let pause = self.lost.as_ref().map_or(PAUSES.0, |lost| (2 * lost.pause).min(PAUSES.1));
        if self.lost.as_ref().is_none_or(|lost| lost.why != why) {
            self.notice(Severity::Warning, format!("no sound: {why}"));
        }
        self.show(StreamState::Lost { why: why.clone(), retrying_in: pause });
        self.lost = Some(Lost { why, at: Instant::now() + pause, pause });
    }

    fn needs_input(&self) -> bool {
        matches!(self.playing, Playing::Microphone)
    }

    fn open(&mut self) -> Result<(), String> {
        let choice = self.setup.choice.clone();
        let devices = Arc::clone(&self.setup.devices);
        let plan = devices.plan(&choice, self.needs_input())?;
        let (shape, offline) = (plan.shape().clone(), plan.is_offline());
        let gain = self.shared().desk().gain;
        let meters = Arc::clone(&self.shared().meters);
        let (mut sound, Line { messages, returns }) = Sound::new(shape.rate, gain, meters);
        let position = {
            let mut desk = self.shared().desk();
            desk.line = Some((messages, shape.rate));
            desk.behind = false;
            to_sample(desk.position, shape.rate)
        };
        self.put_program(&shape, offline, Begin::At(position))?;
        let running = plan.start(Box::new(move |planes| sound.process(planes)))?;
        let (defaults, asked) = (devices.defaults(choice.host.as_deref()), Instant::now());
        self.open = Some(Open { running, shape, offline, returns, defaults, asked });
        self.send_audition();
        Ok(())
    }

    /// Closes what runs; a file stays where it is.
    fn close(&mut self) {
        let mut desk = self.shared().desk();
        desk.follow(&self.shared().meters);
        desk.line = None;
        drop(desk);
        if let Some(open) = self.open.take() {
            open.running.close();
        }
        self.current = None;
        let mut board = self.shared().board();
        board.round_trip = None;
        board.control = None;
    }

    /// What the model hears and how it is decoded: the port's model, and the material.
    fn model(&self, shape: &Shape) -> Result<(Box<dyn LiveModel>, Material), String> {
        let Some((codec, _)) = &self.codec else { return Err("no model is loaded yet".into()) };
        Ok(match &self.playing {
            Playing::Microphone => (Box::new(CodecModel(codec.clone())), Material::Microphone),
            Playing::File(file) => {
                let audio = if file.audio.rate == shape.rate {
                    Arc::clone(&file.audio)
                } else {
                    let converted = resample(&file.audio, shape.rate);
                    Arc::new(converted.map_err(|error| error.to_string())?)
                };
                (Box::new(CodecModel(codec.clone())), Material::Audio(audio))
            }
            Playing::Codes(path, codes) => {
                let (playback, model) = live::playback(codec.clone(), codes.clone())
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                let config = codec.config();
                let ticks = config.frame_samples as u64 * u64::from(shape.rate);
                let frames = u64::from(config.sample_rate);
                (Box::new(model), Material::Codes { playback, ticks, frames })
            }
            Playing::Feed(fed) => {
                let model = fed.model.with_codec(codec.clone());
                (Box::new(model.map_err(|error| error.to_string())?), Material::Feed)
            }
        })
    }

    fn channels(&self, shape: &Shape) -> usize {
        match &self.playing {
            Playing::Microphone => shape.channels,
            Playing::File(file) => file.channels(),
            Playing::Codes(..) | Playing::Feed(_) => {
                self.codec.as_ref().map_or(1, |(codec, _)| codec.config().channels)
            }
        }
    }

    /// A port with what goes through it, not yet heard.
    fn program(
        &mut self,
        shape: &Shape,
        offline: bool,
        begin: Begin,
    ) -> Result<(Program, PortControl), String> {
        let (model, material) = self.model(shape)?;
        let max_block = shape.buffer as usize;
        let settings = self.shared().desk().settings;
        let config = PortConfig {
            allowance: self.setup.allowance,
            settings,
            ..PortConfig::new(shape.rate, self.channels(shape), max_block)
        };
        let (mut port, control) =
            live::open_port(&config, &*model).map_err(|error| error.to_string())?;
        port.set_offline(offline);
        self.serial += 1;
        let desk = self.shared().desk();
        let (playing, region) = (desk.playing, desk.region_samples());
        drop(desk);
        let program = Program::new(self.serial, port, max_block, material, begin, playing, region);
        Ok((program, control))
    }

    /// Makes a program and hands it to the audio thread.
    fn put_program(&mut self, shape: &Shape, offline: bool, begin: Begin) -> Result<(), String> {
        let (program, control) = self.program(shape, offline, begin)?;
        self.hand_over(program, control);
        Ok(())
    }

    fn hand_over(&mut self, program: Program, control: PortControl) {
        let (serial, control) = (program.serial, Arc::new(control));
        let codes = control.codes();
        let mut desk = self.shared().desk();
        let (settings, region, order) = (desk.settings, desk.region_samples(), desk.order);
        let playing = desk.playing;
        desk.program = serial;
        // Wishes may have changed while the port was opened.
        desk.send(Message::Program(Box::new(program)));
        desk.send(Message::Settings(settings));
        desk.send(Message::Repeat(region));
        desk.send(if playing { Message::Play(order) } else { Message::Pause(order) });
        drop(desk);
        self.current =
            Some(Current { control: Arc::clone(&control), serial, codes, failed: false });
        let mut board = self.shared().board();
        board.control = Some(control);
        board.epoch = serial;
        drop(board);
        self.shared().wake();
    }

    /// Makes a new program for what has changed, in the stream that runs.
    fn renew(&mut self, begin: Begin) -> Result<(), String> {
        let Some(open) = &self.open else { return Ok(()) };
        let (shape, offline) = (open.shape.clone(), open.offline);
        self.put_program(&shape, offline, begin)
    }

    /// Changes to another source; one that cannot be played leaves the old one playing.
    fn install(&mut self, source: Source) {
        let needs_model = matches!(source, Source::Codes(..) | Source::Feed(_));
        let codec = self.codec.as_ref().map(|(codec, _)| codec.clone());
        let (playing, shown) = match (source, codec) {
            (source, None) if needs_model => {
                self.waiting = Some(source);
                return;
            }
            (Source::Codes(path, codes), Some(codec)) => {
                let quantizer = &codec.config().quantizer;
                if let Err(error) = codes.check(quantizer.layers, quantizer.codebook_size) {
                    self.notice(Severity::Error, format!("{}: {error}", path.display()));
                    self.shared().tell(Event::Opened { there: false });
                    return;
                }
                let info = token_file(&path, &codes, &codec);
                (Playing::Codes(path, codes), Shown::Tokens(info))
            }
            (Source::Feed(frames), Some(codec)) => {
                let fed = self.feed(codec, frames);
                let shown = Shown::Feed(Arc::clone(&fed.feed));
                (Playing::Feed(fed), shown)
            }
            (Source::File(file), _) => (Playing::File(Arc::clone(&file)), Shown::File(file)),
            (Source::Microphone, _) => (Playing::Microphone, Shown::Microphone),
            // Codes without a model have been put aside above.
            (Source::Codes(..) | Source::Feed(_), None) => return,
        };
        let had_input = self.needs_input();
        self.waiting = None;
        self.playing = playing;
        let mut desk = self.shared().desk();
        let has_transport = matches!(self.playing, Playing::File(_) | Playing::Codes(..));
        desk.follow(&self.shared().meters);
        desk.playing = (desk.playing || desk.play_next) && has_transport;
        let starts = std::mem::take(&mut desk.play_next) && has_transport;
        // What the old program does is of no concern from here on.
        desk.program = NO_PROGRAM;
        desk.position = 0.0;
        desk.region = None;
        drop(desk);
        self.shared().tell(Event::Source(shown));
        if has_transport {
            self.shared().tell(Event::Opened { there: true });
        }
        if starts {
            self.wanted = true;
            self.lost = None;
        }
        if had_input != self.needs_input() {
            // With or without an input, these are other devices.
            self.close();
        } else if let Err(why) = self.renew(Begin::At(0)) {
            self.lose(why);
        }
    }

    /// Starts to take frames as somebody makes them.
    fn feed(&self, codec: Codec, mut frames: TokenSource) -> Fed {
        let (feed, model) = live::tokens(codec, self.setup.tokens_ahead);
        let (feed, over) = (Arc::new(feed), Arc::new(AtomicBool::new(false)));
        let fed = Fed { model, feed: Arc::clone(&feed), over: Arc::clone(&over) };
        self.shared().spawn("tokens", move |shared| {
            let problem = loop {
                while feed.waiting() >= MOST_WAITING && !over.load(Ordering::Relaxed) {
                    thread::sleep(TURN);
                }
                if over.load(Ordering::Relaxed) {
                    break None;
                }
                match frames() {
                    None => break None,
                    Some(Err(problem)) => break Some(problem),
                    Some(Ok(frame)) => {
                        if let Err(error) = feed.push(frame) {
                            break Some(error.to_string());
                        }
                    }
                }
            };
            feed.finish();
            match problem {
                Some(problem) if !over.load(Ordering::Relaxed) => {
                    shared.notice(Severity::Error, format!("the token stream ended: {problem}"));
                }
                _ => shared.wake(),
            }
        });
        fed
    }

    /// Changes to another model while sound goes on; one that does not fit what plays is refused.
    fn adopt(&mut self, codec: Codec, facts: ModelFacts) {
        if let Err(why) = self.check(&codec) {
            self.shared().tell(Event::ModelFailed(why));
            return;
        }
        let old = self.codec.replace((codec, facts.clone()));
        if let Some(open) = &self.open {
            let (shape, offline) = (open.shape.clone(), open.offline);
            if let Err(why) = self.change(&shape, offline) {
                self.codec = old;
                self.shared().tell(Event::ModelFailed(why));
                return;
            }
        }
        self.shared().tell(Event::Model(facts));
        if let (Playing::Codes(path, codes), Some((codec, _))) = (&self.playing, &self.codec) {
            // Frames may have another length now.
            self.shared().tell(Event::Source(Shown::Tokens(token_file(path, codes, codec))));
        }
        if let Some(source) = self.waiting.take() {
            self.install(source);
        }
    }

    /// Whether a model can decode what plays, if that is codes.
    fn check(&self, codec: &Codec) -> Result<(), String> {
        let quantizer = &codec.config().quantizer;
        let fits = match &self.playing {
            Playing::Codes(_, codes) => codes.check(quantizer.layers, quantizer.codebook_size),
            Playing::Feed(fed) => fed.model.with_codec(codec.clone()).map(drop),
            Playing::Microphone | Playing::File(_) => Ok(()),
        };
        fits.map_err(|error| error.to_string())
    }

    /// Brings the new model into the stream.
    fn change(&mut self, shape: &Shape, offline: bool) -> Result<(), String> {
        // A port of its own shows what latency it needs.
        let (program, control) = self.program(shape, offline, Begin::Resume)?;
        let is_codec = matches!(self.playing, Playing::Microphone | Playing::File(_));
        let needed = control.latency().total();
        if let (Some(current), Some((codec, _))) = (&self.current, &self.codec) {
            let reported = current.control.latency().total();
            // One that needs far less should not keep the latency of the one before.
            let fits = needed <= reported && reported < 2 * needed;
            if is_codec && fits && current.control.change_model(&CodecModel(codec.clone())).is_ok()
            {
                return Ok(());
            }
            let ms = |samples: usize| samples as f64 / f64::from(shape.rate) * 1e3;
            let text = format!(
                "the latency is {:.0} ms with this model, it was {:.0} ms",
                ms(needed),
                ms(reported)
            );
            if needed != reported {
                self.notice(Severity::Info, text);
            }
        }
        self.hand_over(program, control);
        Ok(())
    }

    fn send_audition(&mut self) {
        let (Some(stimuli), Some(open)) = (&self.audition, &self.open) else { return };
        match Audition::new(Arc::clone(stimuli), open.shape.rate) {
            Ok(audition) => {
                let mut desk = self.shared().desk();
                let selected = desk.selected;
                desk.send(Message::Audition(Box::new(audition)));
                desk.send(Message::Select(selected));
            }
            Err(why) => {
                self.audition = None;
                self.notice(Severity::Error, format!("the comparison cannot be played: {why}"));
            }
        }
    }

    fn record(&mut self, options: &RecordOptions) {
        if self.shared().board().recording.is_some() {
            self.notice(Severity::Warning, "a recording runs already; stop it first");
            return;
        }
        let Some(current) = &self.current else {
            self.notice(Severity::Error, "nothing runs that could be recorded; start the sound");
            return;
        };
        match recorder::start(self.shared(), options, &current.control, current.serial) {
            Ok(tape) => {
                self.shared().desk().send(Message::Record(Box::new(tape)));
                self.shared().wake();
            }
            Err(why) => self.notice(Severity::Error, why),
        }
    }

    fn look_after(&mut self) {
        if let Some(lost) = &self.lost {
            let retrying_in = lost.at.saturating_duration_since(Instant::now());
            self.show(StreamState::Lost { why: lost.why.clone(), retrying_in });
        }
        let Some(open) = &mut self.open else { return };
        while open.returns.try_pop().is_some() {}
        match open.running.check() {
            Ok(remarks) => {
                for remark in remarks {
                    self.setup.shared.notice(Severity::Info, remark);
                }
            }
            Err(why) => {
                self.lose(why);
                return;
            }
        }
        if self.follows_defaults() {
            return;
        }
        let mut desk = self.shared().desk();
        desk.follow(&self.shared().meters);
        if std::mem::take(&mut desk.behind) {
            let (settings, gain, order) = (desk.settings, desk.gain, desk.order);
            let playing = desk.playing;
            desk.send(Message::Settings(settings));
            desk.send(Message::Gain(gain));
            desk.send(if playing { Message::Play(order) } else { Message::Pause(order) });
        }
        drop(desk);
        self.publish();
        if let Some(current) = &mut self.current {
            // Read so that those kept for a recording are not counted as missed for ever.
            current.codes.read(|_| ());
            if let PortHealth::Failed(why) = current.control.health()
                && !std::mem::replace(&mut current.failed, true)
            {
                let text = format!("the model failed while it ran: {why}; choose it again");
                self.notice(Severity::Error, text);
            }
        }
    }

    /// Opens other devices if the system's defaults have changed and are wished for.
    fn follows_defaults(&mut self) -> bool {
        let choice = &self.setup.choice;
        let (devices, host) = (Arc::clone(&self.setup.devices), choice.host.clone());
        let (any_input, any_output) = (choice.input.is_none(), choice.output.is_none());
        let needs_input = self.needs_input();
        let Some(open) = &mut self.open else { return false };
        if open.asked.elapsed() < DEFAULTS {
            return false;
        }
        open.asked = Instant::now();
        let now = devices.defaults(host.as_deref());
        let is_other = |now: &Option<String>, then: &Option<String>| now.is_some() && now != then;
        let changed = any_output && is_other(&now.output, &open.defaults.output)
            || needs_input && any_input && is_other(&now.input, &open.defaults.input);
        open.defaults = now;
        if changed {
            self.notice(Severity::Info, "the system's default devices have changed; following");
            self.close();
            self.settle();
        }
        changed
    }

    /// Shows what runs.
    fn publish(&self) {
        let (Some(open), Some(current)) = (&self.open, &self.current) else { return };
        let counts = open.running.counts();
        let round_trip = self.needs_input().then(|| round_trip(&open.shape, &counts, current));
        self.shared().board().round_trip = round_trip;
        let facts = StreamFacts { shape: open.shape.clone(), counts };
        self.show(StreamState::Running(facts));
    }
}

fn token_file(path: &Path, codes: &Codes, codec: &Codec) -> TokenFile {
    let (layers, frames) = (codes.layers(), codes.frames());
    let seconds = frames as f64 / codec.config().frame_rate();
    TokenFile { name: name(path), path: path.to_owned(), layers, frames, seconds }
}

fn round_trip(shape: &Shape, counts: &Counts, current: &Current) -> RoundTrip {
    let latency = current.control.latency();
    let ms = |samples: usize| samples as f64 / f64::from(shape.rate) * 1e3;
    RoundTrip {
        device_ms: (counts.input_delay + counts.output_delay).as_secs_f64() * 1e3,
        bridge_ms: ms(counts.in_hand),
        frame_ms: ms(latency.frame),
        compute_ms: ms(latency.allowance),
        resampling_ms: ms(latency.resampling),
    }
}
