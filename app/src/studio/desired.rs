//! The state that a person asks for, and its way to the audio thread.

use std::ops::RangeInclusive;
use std::sync::Arc;

use residue_engine::live::PortSettings;

use super::devices::DeviceRequest;
use super::sound::{
    AuditionControls, NO_PLAYER, SoundControls, SoundLink, SoundObject, SoundStatus,
    TransportControls,
};
use super::state::{RecordOptions, Stimuli};

/// Range of the output gain, in dB; the lowest is silence.
pub const VOLUME_DB: RangeInclusive<f32> = -60.0..=12.0;

/// All requests of a person, apart from the source and the model, which are handed over to the reconciler
/// once they are loaded. The window writes it; the reconciler applies it.
pub struct DesiredState {
    /// Number of the newest change that the reconciler is to apply.
    pub revision: u64,
    /// Whether devices are to run.
    pub running: bool,
    /// Number of the newest request to open lost devices without waiting.
    pub attempt: u64,
    /// Devices, rate, block size and channels.
    pub devices: DeviceRequest,
    /// Source, depths and effects.
    pub settings: PortSettings,
    /// Whether the output is silent.
    pub muted: bool,
    /// Whether it is silent only because a microphone came on.
    pub muted_for_headphones: bool,
    /// Whether a person has muted or unmuted since a microphone was asked for.
    pub mute_was_chosen: bool,
    /// Output gain in dB.
    pub volume_db: f32,
    /// Play, pause, position and loop of the open file.
    pub transport: DesiredTransport,
    /// Versions to be compared instead of everything else.
    pub audition: Option<DesiredAudition>,
    /// The recording that is to run.
    pub recording: Option<DesiredRecording>,
}

/// Requests for the open file.
#[derive(Clone, Copy, Debug, Default)]
pub struct DesiredTransport {
    /// Whether it plays. Becomes false at its end.
    pub playing: bool,
    /// Files that are being opened.
    pub opening: usize,
    /// Whether the file that is being opened is to play.
    pub play_when_open: bool,
    /// Whether there are positions to go to, and an end.
    pub is_seekable: bool,
    /// Seconds from the start of the file: as asked for, then as heard. A new stream begins here.
    pub position: f64,
    /// The loop in seconds.
    pub region: Option<(f64, f64)>,
    /// Number of the newest request to play, pause or seek.
    request: u64,
    /// Number of the newest request to play.
    play_request: u64,
    /// Number of the newest request to seek.
    seek_request: u64,
    /// Seconds that it asks for.
    seek: f64,
}

/// A request for an audition.
#[derive(Clone)]
pub struct DesiredAudition {
    /// Number of this request, unlike that of any other.
    pub serial: u64,
    /// The versions.
    pub stimuli: Arc<Stimuli>,
    /// The version that is heard.
    pub index: usize,
    /// Whether it stands still.
    pub held: bool,
}

/// A request for a recording.
#[derive(Clone)]
pub struct DesiredRecording {
    /// Number of this request, unlike that of any other.
    pub serial: u64,
    /// Its folder.
    pub options: RecordOptions,
}

impl DesiredState {
    /// Nothing runs, muted.
    pub fn new(settings: PortSettings, devices: DeviceRequest) -> Self {
        Self {
            revision: 0,
            running: false,
            attempt: 0,
            devices,
            settings,
            muted: true,
            muted_for_headphones: true,
            mute_was_chosen: false,
            volume_db: 0.0,
            transport: DesiredTransport::default(),
            audition: None,
            recording: None,
        }
    }

    /// Output gain as a factor: 0 while muted and at -60 dB or less.
    pub fn gain(&self) -> f32 {
        let silent = self.muted || self.volume_db <= *VOLUME_DB.start();
        if silent { 0.0 } else { 10.0f32.powf(self.volume_db / 20.0) }
    }

    /// Asks for devices now, also if they were lost a moment ago.
    pub fn run_now(&mut self) {
        self.running = true;
        self.attempt += 1;
    }

    /// Mutes or unmutes because a person says so.
    pub fn choose_muted(&mut self, muted: bool) {
        self.muted = muted;
        self.muted_for_headphones = false;
        self.mute_was_chosen = true;
    }

    /// Mutes a microphone that comes on, since loudspeakers would feed back.
    pub fn mute_for_headphones(&mut self) {
        if !self.muted && !self.mute_was_chosen {
            (self.muted, self.muted_for_headphones) = (true, true);
        }
    }

    /// Unmutes what was muted for a microphone alone.
    pub fn unmute_for_file(&mut self) {
        if self.muted_for_headphones {
            (self.muted, self.muted_for_headphones) = (false, false);
        }
    }
}

impl DesiredTransport {
    /// Plays, from the start if it is at its end.
    pub fn play(&mut self) {
        self.playing = true;
        self.request += 1;
        self.play_request = self.request;
    }

    /// Pauses.
    pub fn pause(&mut self) {
        self.play_when_open = false;
        self.playing = false;
        self.request += 1;
    }

    /// Goes to another position, in seconds.
    pub fn seek(&mut self, seconds: f64) {
        self.position = seconds;
        self.request += 1;
        self.seek_request = self.request;
        self.seek = seconds;
    }

    /// Begins with another source; returns whether it was asked to play as soon as it is there.
    pub fn change_source(&mut self, is_seekable: bool) -> bool {
        self.playing = (self.playing || self.play_when_open) && is_seekable;
        self.is_seekable = is_seekable;
        self.position = 0.0;
        self.region = None;
        std::mem::take(&mut self.play_when_open) && is_seekable
    }

    /// Notes that a file has been opened, or could not be.
    pub fn opened(&mut self) {
        self.opening = self.opening.saturating_sub(1);
    }

    /// The controls of a player at `rate` Hz.
    fn controls(&self, player: u64, rate: u32) -> TransportControls {
        let sample = |seconds: f64| to_sample(seconds, rate);
        TransportControls {
            player,
            request: self.request,
            playing: self.playing,
            play_request: self.play_request,
            seek: (self.seek_request, sample(self.seek)),
            region: self.region.map(|(start, end)| (sample(start), sample(end))),
        }
    }
}

/// Seconds as a sample.
pub fn to_sample(seconds: f64, rate: u32) -> u64 {
    // Negative and NaN are 0.
    (seconds * f64::from(rate)).round().max(0.0) as u64
}

/// The desired state with the connection to the audio thread, which hears of each change at once.
pub struct Requests {
    desired: DesiredState,
    /// Serial number of the player that was sent last.
    player: u64,
    /// Counts players, auditions and recordings.
    serial: u64,
    /// While a stream runs.
    link: Option<SoundLink>,
    /// As of the last status.
    audition_position: u64,
}

impl Requests {
    pub fn new(desired: DesiredState) -> Self {
        Self { desired, player: NO_PLAYER, serial: NO_PLAYER, link: None, audition_position: 0 }
    }

    /// The state that is asked for.
    pub fn desired(&self) -> &DesiredState {
        &self.desired
    }

    /// Changes the state that is asked for.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut DesiredState) -> T) -> T {
        let changed = change(&mut self.desired);
        self.publish();
        changed
    }

    /// A number that no player, audition or recording had before.
    pub fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Controls for the audio thread, where devices run at `rate` Hz.
    fn controls(&self, rate: u32) -> SoundControls {
        let desired = &self.desired;
        SoundControls {
            settings: desired.settings,
            gain: desired.gain(),
            transport: desired.transport.controls(self.player, rate),
            audition: desired.audition.as_ref().map(|audition| AuditionControls {
                serial: audition.serial,
                index: audition.index,
                held: audition.held,
            }),
            recording: desired.recording.as_ref().map(|recording| recording.serial),
        }
    }

    /// The requests that a new player begins with.
    pub fn transport(&self, player: u64, rate: u32) -> TransportControls {
        self.desired.transport.controls(player, rate)
    }

    fn publish(&mut self) {
        let Some(rate) = self.link.as_ref().map(SoundLink::rate) else { return };
        let controls = self.controls(rate);
        if let Some(link) = &mut self.link {
            link.publish(controls);
        }
    }

    /// Connects to a new stream at `rate` Hz; returns the audio thread's end.
    pub fn connect(&mut self, rate: u32) -> super::sound::SoundEngine {
        self.player = NO_PLAYER;
        let (engine, link) = SoundLink::connect(rate, self.controls(rate));
        self.link = Some(link);
        engine
    }

    /// Ends the connection; a file stays where it is.
    pub fn disconnect(&mut self) {
        self.follow();
        self.link = None;
    }

    /// Sends a player, which requests are for from now on.
    pub fn send_player(&mut self, serial: u64, player: SoundObject) {
        self.player = serial;
        self.publish();
        self.send(player);
    }

    /// Sends an object to the audio thread, if there is one.
    pub fn send(&mut self, object: SoundObject) {
        if let Some(link) = &mut self.link {
            link.send(object);
        }
    }

    /// Leaves the player alone from now on, and does not follow it.
    pub fn forget_player(&mut self) {
        self.player = NO_PLAYER;
    }

    /// Sends objects that found no room before, and frees those that came back.
    pub fn exchange(&mut self) {
        if let Some(link) = &mut self.link {
            link.flush();
            while link.retired().is_some() {}
        }
    }

    /// Takes over what the audio thread did on its own: where it is, and that it came to the end.
    pub fn follow(&mut self) {
        let Some(link) = &mut self.link else { return };
        let SoundStatus { request, player, heard, playing, audition } = link.status();
        self.audition_position = audition;
        let transport = &mut self.desired.transport;
        if request == transport.request && player == self.player && player != NO_PLAYER {
            transport.position = heard as f64 / f64::from(link.rate());
            transport.playing = playing;
        }
    }

    /// The audition's sample that is heard next.
    pub fn audition_position(&self) -> u64 {
        self.audition_position
    }
}
