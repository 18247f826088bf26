//! The thread that makes the observed state follow the desired state, whether a window is drawn or not.
//!
//! It compares what is asked for ([`DesiredState`](super::desired::DesiredState)) with what it has
//! applied: whether devices run and which, the audition, the recording. What cannot be done now, such as
//! lost devices or a full ring, is tried again at each turn. Sources and models are handed over to it
//! once they are loaded.

mod changes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use residue_engine::codec::Codec;
use residue_engine::live::{
    Allowance, CodesReader, PortConfig, PortControl, PortHealth, muted_lanes_text, open_port,
};

use super::desired::to_sample;
use super::devices::{DefaultDevices, DeviceBackend, DeviceRequest, RunningStream};
use super::error::StudioError;
use super::recorder;
use super::shared::StudioShared;
use super::sound::{Audition, SoundObject, SourcePlayer, StartPosition};
use super::sources::{PlayingSource, SourceRequest};
use super::state::{ModelFacts, NO_SOUND, RoundTrip, Severity, StreamFacts, StreamState};
use crate::device::{StreamCounts, StreamShape};

/// Time between two turns in which nothing is handed over.
const TURN: Duration = Duration::from_millis(50);
/// Time between two questions for the system's default devices.
const DEFAULTS: Duration = Duration::from_secs(2);
/// Pause before lost devices are tried again, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));

/// Said when the output is muted.
const OUTPUT_MUTED: &str = "muted: the sound is more than 24 dB over the output's full scale; lower it, or choose another source";

/// An object for the reconciler to own, or a change to look at.
pub enum Delivery {
    /// The desired state has changed.
    Changed,
    /// A source that has been opened.
    Source(SourceRequest),
    /// A model that has been loaded.
    Codec(Codec, ModelFacts),
    /// A port to be freed: the last owner waits for its thread.
    Free(#[allow(dead_code, reason = "only dropped")] Arc<PortControl>),
    /// Ends the devices and the thread.
    End,
}

/// Devices that run.
struct OpenStream {
    running: Box<dyn RunningStream>,
    shape: StreamShape,
    offline: bool,
    /// The system's defaults when it was opened, and when they were last asked for.
    defaults: DefaultDevices,
    asked: Instant,
    /// Frames muted before the output when it was last looked at, and whether they were growing.
    muted: u64,
    is_muting: bool,
}

/// The port that runs.
struct CurrentPort {
    control: Arc<PortControl>,
    serial: u64,
    /// Keeps the engine writing codes, so that a recording knows those of frames decoded before it.
    codes: CodesReader,
    failed: bool,
    /// Lanes that were muted when they were last looked at.
    muted_lanes: [bool; 2],
}

/// Devices that are gone or cannot be opened.
struct LostStream {
    why: String,
    at: Instant,
    pause: Duration,
}

/// The parts that the reconciler works with from the start.
pub struct ReconcilerSetup {
    pub devices: Arc<dyn DeviceBackend>,
    pub shared: Arc<StudioShared>,
    pub deliveries: Receiver<Delivery>,
    pub allowance: Allowance,
    pub tokens_ahead: usize,
}

/// The parts of the desired state that have been applied.
struct AppliedState {
    attempt: u64,
    devices: DeviceRequest,
    /// The audition that was sent to the stream that runs.
    audition: Option<u64>,
    /// The audition that cannot be played.
    refused_audition: Option<u64>,
    recording: Option<u64>,
}

struct Reconciler {
    setup: ReconcilerSetup,
    applied: AppliedState,
    source: PlayingSource,
    /// Codes that wait for a model.
    waiting: Option<SourceRequest>,
    codec: Option<(Codec, ModelFacts)>,
    open: Option<OpenStream>,
    current: Option<CurrentPort>,
    lost: Option<LostStream>,
}

/// Runs until it is told to end, or the studio is gone.
pub fn run(setup: ReconcilerSetup) {
    let applied = AppliedState {
        attempt: 0,
        devices: setup.shared.requests().desired().devices.clone(),
        audition: None,
        refused_audition: None,
        recording: None,
    };
    let mut reconciler = Reconciler {
        setup,
        applied,
        source: PlayingSource::Microphone,
        waiting: None,
        codec: None,
        open: None,
        current: None,
        lost: None,
    };
    loop {
        match reconciler.setup.deliveries.recv_timeout(TURN) {
            Ok(Delivery::End) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(Delivery::Source(source)) => reconciler.install(source),
            Ok(Delivery::Codec(codec, facts)) => reconciler.adopt(codec, facts),
            Ok(Delivery::Changed | Delivery::Free(_)) | Err(RecvTimeoutError::Timeout) => {}
        }
        let revision = reconciler.shared().requests().desired().revision;
        reconciler.apply_stream();
        reconciler.apply_audition();
        reconciler.apply_recording();
        reconciler.look_after();
        reconciler.shared().observed().revision = revision;
    }
    reconciler.close();
}

impl Reconciler {
    fn shared(&self) -> &Arc<StudioShared> {
        &self.setup.shared
    }

    fn notice(&self, severity: Severity, text: impl Into<String>) {
        self.shared().notice(severity, text);
    }

    /// Opens or closes devices as they are asked for.
    fn apply_stream(&mut self) {
        let (running, attempt, devices) = {
            let requests = self.shared().requests();
            let desired = requests.desired();
            (desired.running, desired.attempt, desired.devices.clone())
        };
        if self.applied.devices != devices {
            self.applied.devices = devices;
            self.close();
        }
        if std::mem::replace(&mut self.applied.attempt, attempt) != attempt {
            self.lost = None;
        }
        if !running {
            self.lost = None;
            if self.open.is_some() {
                self.close();
            }
            self.show(StreamState::Stopped);
            return;
        }
        let due = self.lost.as_ref().is_none_or(|lost| Instant::now() >= lost.at);
        if self.open.is_some() || !due {
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
                    self.notice(Severity::Info, "the audio devices are back");
                }
                self.publish();
                self.shared().wake();
            }
            Err(error) => self.lose(error.to_string()),
        }
    }

    /// Shows a state, and wakes the window if it is another kind of state.
    fn show(&self, state: StreamState) {
        let mut observed = self.shared().observed();
        let before = std::mem::replace(&mut observed.stream, state);
        let is_other = std::mem::discriminant(&before) != std::mem::discriminant(&observed.stream);
        drop(observed);
        if is_other {
            self.shared().wake();
        }
    }

    fn lose(&mut self, why: String) {
        self.close();
        let pause = self.lost.as_ref().map_or(PAUSES.0, |lost| (2 * lost.pause).min(PAUSES.1));
        if self.lost.as_ref().is_none_or(|lost| lost.why != why) {
            self.notice(Severity::Warning, format!("{NO_SOUND}{why}"));
        }
        self.show(StreamState::Lost { why: why.clone(), retrying_in: pause });
        self.lost = Some(LostStream { why, at: Instant::now() + pause, pause });
    }

    fn open(&mut self) -> Result<(), StudioError> {
        let request = self.applied.devices.clone();
        let devices = Arc::clone(&self.setup.devices);
        let plan = devices.plan(&request, self.source.needs_input())?;
        let (shape, offline) = (plan.shape().clone(), plan.is_offline());
        let (mut engine, position) = {
            let mut requests = self.shared().requests();
            let engine = requests.connect(shape.rate);
            (engine, to_sample(requests.desired().transport.position, shape.rate))
        };
        self.play(&shape, offline, StartPosition::At(position))?;
        let running = plan.start(Box::new(move |planes| engine.process(planes)))?;
        let (defaults, asked) = (devices.defaults(request.host.as_deref()), Instant::now());
        let (muted, is_muting) = (0, false);
        self.open = Some(OpenStream { running, shape, offline, defaults, asked, muted, is_muting });
        Ok(())
    }

    /// Closes what runs; a file stays where it is.
    fn close(&mut self) {
        self.shared().requests().disconnect();
        if let Some(open) = self.open.take() {
            open.running.close();
        }
        self.current = None;
        self.applied.audition = None;
        let mut observed = self.shared().observed();
        observed.round_trip = None;
        observed.control = None;
    }

    /// A port with its source, not yet heard.
    fn player(
        &mut self,
        shape: &StreamShape,
        offline: bool,
        begin: StartPosition,
    ) -> Result<(SourcePlayer, PortControl), StudioError> {
        let (codec, _) = self.codec.as_ref().ok_or(StudioError::NoModel)?;
        let (model, source) = self.source.model(codec, shape)?;
        let max_block = shape.buffer as usize;
        let config = PortConfig {
            allowance: self.setup.allowance,
            settings: self.shared().requests().desired().settings,
            ..PortConfig::new(shape.rate, self.source.channels(shape, codec), max_block)
        };
        let (mut port, control) = open_port(&config, &*model)?;
        port.set_offline(offline);
        let mut requests = self.shared().requests();
        let serial = requests.next_serial();
        let transport = requests.transport(serial, shape.rate);
        drop(requests);
        Ok((SourcePlayer::new(port, max_block, source, begin, transport), control))
    }

    /// Makes a player and hands it to the audio thread.
    fn play(
        &mut self,
        shape: &StreamShape,
        offline: bool,
        begin: StartPosition,
    ) -> Result<(), StudioError> {
        let (player, control) = self.player(shape, offline, begin)?;
        self.hand_over(player, control);
        Ok(())
    }

    fn hand_over(&mut self, player: SourcePlayer, control: PortControl) {
        let (serial, control) = (player.serial, Arc::new(control));
        let codes = control.codes();
        self.shared().requests().send_player(serial, SoundObject::Player(Box::new(player)));
        self.current = Some(CurrentPort {
            control: Arc::clone(&control),
            serial,
            codes,
            failed: false,
            muted_lanes: [false; 2],
        });
        let mut observed = self.shared().observed();
        observed.control = Some(control);
        observed.epoch = serial;
        drop(observed);
        self.shared().wake();
    }

    /// Sends the audition that is asked for to the stream that runs.
    fn apply_audition(&mut self) {
        let Some(open) = &self.open else { return };
        let rate = open.shape.rate;
        let wanted = self.shared().requests().desired().audition.clone();
        let serial = wanted.as_ref().map(|wanted| wanted.serial);
        if serial == self.applied.audition || serial == self.applied.refused_audition {
            return;
        }
        self.applied.audition = serial;
        let Some(wanted) = wanted else { return };
        match Audition::new(wanted.serial, wanted.stimuli, rate) {
            Ok(audition) => {
                self.shared().requests().send(SoundObject::Audition(Box::new(audition)));
            }
            Err(error) => {
                self.applied.refused_audition = serial;
                self.notice(Severity::Error, format!("the comparison cannot be played: {error}"));
            }
        }
    }

    /// Starts the recording that is asked for. The recorder ends it by itself.
    fn apply_recording(&mut self) {
        let wanted = self.shared().requests().desired().recording.clone();
        let serial = wanted.as_ref().map(|wanted| wanted.serial);
        if std::mem::replace(&mut self.applied.recording, serial) == serial {
            return;
        }
        let Some(wanted) = wanted else { return };
        let created = match &self.current {
            None => Err(
                "no sound is running that could be recorded; start listening or play a file first"
                    .to_owned(),
            ),
            Some(current) => recorder::create(&wanted, &current.control, current.serial)
                .map_err(|error| error.to_string()),
        };
        match created {
            Ok((sink, writer)) => {
                // Sent before it is shown: what plays from then on is recorded.
                self.shared().requests().send(SoundObject::Recording(Box::new(sink)));
                writer.start(self.shared());
                self.shared().wake();
            }
            Err(why) => {
                recorder::forget(self.shared(), wanted.serial);
                self.notice(Severity::Error, why);
            }
        }
    }

    fn look_after(&mut self) {
        if let Some(lost) = &self.lost {
            let retrying_in = lost.at.saturating_duration_since(Instant::now());
            self.show(StreamState::Lost { why: lost.why.clone(), retrying_in });
        }
        let Some(open) = &mut self.open else { return };
        match open.running.check() {
            Ok(remarks) => {
                for remark in remarks {
                    self.setup.shared.notice(Severity::Info, remark);
                }
                let muted = open.running.counts().guarded.muted;
                let is_muting = std::mem::replace(&mut open.muted, muted) < muted;
                if is_muting && !std::mem::replace(&mut open.is_muting, is_muting) {
                    self.setup.shared.notice(Severity::Warning, OUTPUT_MUTED);
                }
                open.is_muting = is_muting;
            }
            Err(error) => {
                self.lose(error.to_string());
                return;
            }
        }
        if self.follows_defaults() {
            return;
        }
        let mut requests = self.shared().requests();
        requests.exchange();
        requests.follow();
        drop(requests);
        self.publish();
        if let Some(current) = &mut self.current {
            // Read so that those kept for a recording are not counted as missed for ever.
            current.codes.read(|_| ());
            if let PortHealth::Failed(why) = current.control.health()
                && !std::mem::replace(&mut current.failed, true)
            {
                let text = format!("the model failed while it ran: {why}; choose it again");
                self.notice(Severity::Error, text);
                return;
            }
            let muted = current.control.muted_lanes();
            let is_new = std::mem::replace(&mut current.muted_lanes, muted) != muted;
            if let Some(text) = muted_lanes_text(muted).filter(|_| is_new) {
                self.notice(Severity::Warning, text);
            }
        }
    }

    /// Opens other devices if the system's defaults have changed and none are asked for by name.
    fn follows_defaults(&mut self) -> bool {
        let request = &self.applied.devices;
        let (devices, host) = (Arc::clone(&self.setup.devices), request.host.clone());
        let (any_input, any_output) = (request.input.is_none(), request.output.is_none());
        let needs_input = self.source.needs_input();
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
            self.apply_stream();
        }
        changed
    }

    /// Shows what runs.
    fn publish(&self) {
        let (Some(open), Some(current)) = (&self.open, &self.current) else { return };
        let counts = open.running.counts();
        let needs_input = self.source.needs_input();
        self.shared().observed().round_trip =
            needs_input.then(|| round_trip(&open.shape, &counts, current));
        let facts = StreamFacts { shape: open.shape.clone(), counts };
        self.show(StreamState::Running(facts));
    }
}

fn round_trip(shape: &StreamShape, counts: &StreamCounts, current: &CurrentPort) -> RoundTrip {
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
