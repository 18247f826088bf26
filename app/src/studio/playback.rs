//! Files, codes, recordings and auditions of a [`Studio`].

use std::path::PathBuf;
use std::sync::Arc;

use residue_engine::tokens::looks_transposed;

use super::Studio;
use super::TokenSource;
use super::desired::{DesiredAudition, DesiredRecording};
use super::observed::OpenSource;
use super::open;
use super::reconciler::Delivery;
use super::shared::StudioShared;
use super::sources::SourceRequest;
use super::state::{
    AuditionState, InputKind, LoadedFile, RecordOptions, RecordingState, Severity, Stimuli,
    TokenFile, TokenProgress, TransportState,
};

/// The shortest part that repeats, in seconds.
const SHORTEST_LOOP: f64 = 0.02;

impl Studio {
    /// The kind of source that is open.
    pub fn input(&self) -> InputKind {
        self.observed.source.kind()
    }

    /// Listens to the input device, muted until told otherwise.
    pub fn use_microphone(&mut self) {
        let is_other = self.input() != InputKind::Microphone;
        self.change(|desired| {
            desired.mute_was_chosen = false;
            if is_other {
                desired.mute_for_headphones();
            }
        });
        self.deliver(Delivery::Source(SourceRequest::Microphone));
    }

    /// Reads an audio file on another thread, and plays it instead of what played, from its start: at
    /// once if something played or [`Studio::play`] is called meanwhile. Where it cannot be read a
    /// notice says why, and what played goes on.
    pub fn open_file(&mut self, path: PathBuf) {
        self.change(|desired| desired.transport.opening += 1);
        let deliveries = self.deliveries.clone();
        self.shared.spawn("file", move |shared| match open::audio_file(&path) {
            Ok((file, warnings)) => {
                for warning in warnings {
                    shared.notice(Severity::Warning, format!("{}: {warning}", file.name));
                }
                let _ = deliveries.send(Delivery::Source(SourceRequest::File(Arc::new(file))));
            }
            Err(error) => not_opened(shared, &error),
        });
    }

    /// The audio file that is open.
    pub fn file(&self) -> Option<&LoadedFile> {
        match &self.observed.source {
            OpenSource::File(file) => Some(file),
            _ => None,
        }
    }

    /// The codes that are open.
    pub fn token_file(&self) -> Option<&TokenFile> {
        match &self.observed.source {
            OpenSource::Tokens(file) => Some(file),
            _ => None,
        }
    }

    /// A file is being read now.
    pub fn is_opening(&self) -> bool {
        self.shared.requests().desired().transport.opening > 0
    }

    /// The position in the open file; `None` for a microphone and for tokens that arrive.
    pub fn transport(&self) -> Option<TransportState> {
        let length_s = match &self.observed.source {
            OpenSource::File(file) => file.seconds(),
            OpenSource::Tokens(file) => file.seconds,
            OpenSource::Microphone | OpenSource::Feed(_) => return None,
        };
        let desired = self.shared.requests().desired().transport;
        Some(TransportState {
            position_s: desired.position.min(length_s),
            length_s,
            playing: desired.playing,
            loop_region: desired.region,
        })
    }

    /// Plays the open file, from the start of it or of its loop if it is at its end. Starts the
    /// devices if they are stopped.
    pub fn play(&mut self) {
        self.change_and_apply(|desired| {
            if desired.transport.opening > 0 {
                // Devices start with it: until then it is not known whether an input is needed.
                desired.transport.play_when_open = true;
                return;
            }
            if desired.transport.is_seekable {
                desired.transport.play();
            }
            desired.run_now();
        });
    }

    /// Pauses the open file.
    pub fn pause(&mut self) {
        self.change(|desired| desired.transport.pause());
    }

    /// Moves to another position of the open file.
    pub fn seek(&mut self, seconds: f64) {
        let Some(transport) = self.transport() else { return };
        let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, transport.length_s) };
        self.change(|desired| desired.transport.seek(seconds));
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
        self.change(|desired| desired.transport.region = region);
    }

    /// Reads a .npy file of codes on another thread, and plays it as [`Studio::open_file`] does, at
    /// any depth.
    pub fn open_tokens(&mut self, path: PathBuf) {
        self.change(|desired| desired.transport.opening += 1);
        let deliveries = self.deliveries.clone();
        self.shared.spawn("codes", move |shared| match open::code_file(&path) {
            Ok(codes) => {
                if looks_transposed(&codes) {
                    let (name, layers, frames) = (open::name(&path), codes.layers(), codes.frames());
                    let text = format!(
                        "{name} is played as {layers} layers x {frames} frames, but its codes look as if it were the other way round; if so, save codes.T"
                    );
                    shared.notice(Severity::Warning, text);
                }
                let _ = deliveries.send(Delivery::Source(SourceRequest::Codes(path, codes)));
            }
            Err(error) => not_opened(shared, &error),
        });
    }

    /// Plays frames of codes as they arrive. `frames` runs on a thread of its own.
    pub fn stream_tokens(&mut self, frames: TokenSource) {
        self.deliver(Delivery::Source(SourceRequest::Feed(frames)));
    }

    /// Progress of codes.
    pub fn token_progress(&self) -> Option<TokenProgress> {
        match &self.observed.source {
            OpenSource::Feed(feed) => Some(TokenProgress {
                waiting: feed.queued(),
                heard: feed.decoded(),
                gaps: feed.underruns(),
                finished: feed.is_finished(),
            }),
            OpenSource::Tokens(file) => {
                let position = self.shared.requests().desired().transport.position;
                let at = position / file.seconds.max(f64::MIN_POSITIVE);
                let heard = (at * file.frames as f64).round() as usize;
                let waiting = file.frames.saturating_sub(heard);
                Some(TokenProgress { waiting, heard: heard as u64, gaps: 0, finished: true })
            }
            _ => None,
        }
    }

    /// Starts a recording: what is heard (before volume and mute), dry, A and B as WAV, and the codes
    /// as .npy.
    pub fn record(&mut self, options: RecordOptions) {
        let asked = self.shared.requests().desired().recording.is_some();
        if asked || self.shared.observed().recording.is_some() {
            self.shared.notice(Severity::Warning, "a recording runs already; stop it first");
            return;
        }
        let serial = self.shared.requests().next_serial();
        self.change_and_apply(|desired| {
            desired.recording = Some(DesiredRecording { serial, options });
        });
    }

    /// Ends the recording.
    pub fn stop_recording(&mut self) {
        self.change_and_apply(|desired| desired.recording = None);
    }

    /// The recording that runs.
    pub fn recording(&self) -> Option<&RecordingState> {
        self.observed.recording.as_ref()
    }

    /// Plays versions of one recording instead of everything else, repeating, from the first
    /// version. Starts the devices if they are stopped.
    pub fn audition(&mut self, stimuli: Arc<Stimuli>) {
        let serial = self.shared.requests().next_serial();
        self.change_and_apply(|desired| {
            desired.audition = Some(DesiredAudition { serial, stimuli, index: 0, held: false });
            desired.run_now();
        });
    }

    /// Lets an audition stand still where it is, or go on from there.
    pub fn hold_audition(&mut self, held: bool) {
        self.change(|desired| {
            if let Some(audition) = &mut desired.audition {
                audition.held = held;
            }
        });
    }

    /// Changes to another version, crossfading at the same position.
    pub fn select(&mut self, index: usize) {
        self.change(|desired| {
            if let Some(audition) = &mut desired.audition
                && index < audition.stimuli.planes.len()
            {
                audition.index = index;
            }
        });
    }

    /// Goes back to what played before.
    pub fn end_audition(&mut self) {
        self.change_and_apply(|desired| desired.audition = None);
    }

    /// The audition that runs.
    pub fn audition_state(&self) -> Option<AuditionState> {
        let requests = self.shared.requests();
        let DesiredAudition { stimuli, index, .. } = requests.desired().audition.as_ref()?;
        let seconds = |samples: f64| samples / f64::from(stimuli.rate);
        let position_s = seconds(requests.audition_position() as f64);
        let length_s = seconds(stimuli.planes.first().map_or(0, |plane| plane.len()) as f64);
        Some(AuditionState { index: *index, position_s, length_s })
    }
}

/// Tells that a file cannot be opened.
fn not_opened(shared: &StudioShared, error: &open::FileError) {
    shared.notice(Severity::Error, error.to_string());
    shared.requests().change(|desired| desired.transport.opened());
    shared.wake();
}
