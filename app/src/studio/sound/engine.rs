//! The function of the audio thread.

use ringbuf::traits::{Consumer, Observer, Producer};
use ringbuf::{HeapCons, HeapProd};

use super::audition::{Audition, samples};
use super::controls::{AuditionControls, SoundControls, SoundStatus, TransportControls};
use super::link::{MOST_OWNED, RetiredObject, SoundObject};
use super::recording_ring::RecordingSink;
use super::source_player::{SourcePlayer, StartPosition};
use super::{FADE, GLIDE};
use residue_engine::dsp::Ramp;

/// The state of the sound. The module's documentation has the diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SoundState {
    /// Nothing runs.
    Silent,
    /// The player runs; the gate is open or opens.
    Playing,
    /// The audition runs; the gate is open or opens.
    Auditioning,
    /// The audition stands still as soon as the gate has closed.
    Held,
    /// The player or the audition runs on while the gate closes for a change.
    FadingOut(Running),
}

/// The object that runs behind the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    Player,
    Audition,
}

impl SoundState {
    fn running(self) -> Option<Running> {
        match self {
            Self::Silent => None,
            Self::Playing => Some(Running::Player),
            Self::Auditioning | Self::Held => Some(Running::Audition),
            Self::FadingOut(running) => Some(running),
        }
    }
}

/// Changes that wait until the gate has closed.
#[derive(Default)]
struct PendingChanges {
    player: Option<Box<SourcePlayer>>,
    /// A sample of the player that runs.
    seek: Option<u64>,
    audition: Option<AuditionChange>,
}

enum AuditionChange {
    Start(Box<Audition>),
    End,
}

impl PendingChanges {
    fn is_empty(&self) -> bool {
        self.player.is_none() && self.seek.is_none() && self.audition.is_none()
    }
}

/// The audio thread's function. Realtime-safe; dropping it frees memory.
pub struct SoundEngine {
    controls: triple_buffer::Output<SoundControls>,
    status: triple_buffer::Input<SoundStatus>,
    objects: HeapCons<SoundObject>,
    retired: HeapProd<RetiredObject>,
    /// The controls that have been applied.
    applied: SoundControls,
    /// The status that was published last.
    shown: SoundStatus,
    state: SoundState,
    pending: PendingChanges,
    player: Option<Box<SourcePlayer>>,
    audition: Option<Box<Audition>>,
    recording: Option<Box<RecordingSink>>,
    /// Closes for changes.
    gate: Ramp,
    /// Volume and mute.
    gain: Ramp,
}

impl SoundEngine {
    pub(super) fn new(
        rate: u32,
        applied: SoundControls,
        controls: triple_buffer::Output<SoundControls>,
        status: triple_buffer::Input<SoundStatus>,
        objects: HeapCons<SoundObject>,
        retired: HeapProd<RetiredObject>,
    ) -> Self {
        Self {
            controls,
            status,
            objects,
            retired,
            applied,
            shown: SoundStatus::default(),
            state: SoundState::Silent,
            pending: PendingChanges::default(),
            player: None,
            audition: None,
            recording: None,
            gate: Ramp::new(0.0, samples(FADE, rate)),
            gain: Ramp::new(applied.gain, samples(GLIDE, rate)),
        }
    }

    /// Replaces a block of the input device's samples by what is heard.
    pub fn process(&mut self, planes: &mut [&mut [f32]]) {
        self.receive();
        let total = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
        let mut at = 0;
        while at < total {
            let end = self.advance(at, total);
            at = self.run(planes, at, end);
        }
        self.gain.apply(planes, 0, total);
        self.publish();
    }

    /// Takes objects and controls.
    fn receive(&mut self) {
        // Objects first: controls for them are published before they are sent. Each is taken only where
        // everything that is owned could be given back.
        let mut arrived = false;
        while self.retired.vacant_len() > MOST_OWNED
            && let Some(object) = self.objects.try_pop()
        {
            arrived = true;
            self.take(object);
        }
        if self.controls.update() || arrived {
            let controls = *self.controls.peek_output_buffer();
            self.apply(&controls, arrived);
        }
        if self.recording.as_ref().is_some_and(|recording| recording.is_over()) {
            let recording = self.recording.take();
            self.retire(recording.map(RetiredObject::Recording));
        }
    }

    fn take(&mut self, object: SoundObject) {
        let replaced = match object {
            SoundObject::Player(player) => {
                self.pending.player.replace(player).map(RetiredObject::Player)
            }
            SoundObject::Audition(audition) => {
                match self.pending.audition.replace(AuditionChange::Start(audition)) {
                    Some(AuditionChange::Start(old)) => Some(RetiredObject::Audition(old)),
                    Some(AuditionChange::End) | None => None,
                }
            }
            SoundObject::Recording(recording) => {
                let runs = self.player.as_ref().map(|player| player.serial);
                let fits = runs == Some(recording.player) && self.pending.player.is_none();
                let refused =
                    if fits { self.recording.replace(recording) } else { Some(recording) };
                refused.map(RetiredObject::Recording)
            }
        };
        self.retire(replaced);
    }

    fn apply(&mut self, controls: &SoundControls, arrived: bool) {
        if arrived || controls.settings != self.applied.settings {
            for player in self.player.iter_mut().chain(&mut self.pending.player) {
                player.port.set(&controls.settings);
            }
        }
        if controls.gain != self.gain.target() {
            self.gain.set(controls.gain);
        }
        self.apply_transport(&controls.transport);
        self.apply_audition(controls.audition);
        let recorded = self.recording.as_ref().map(|recording| recording.serial);
        if recorded != controls.recording {
            let recording = self.recording.take();
            self.retire(recording.map(RetiredObject::Recording));
        }
        self.applied = *controls;
    }

    fn apply_transport(&mut self, transport: &TransportControls) {
        let is_meant = |player: &SourcePlayer| player.serial == transport.player;
        if let Some(player) = self.pending.player.as_mut().filter(|player| is_meant(player)) {
            let before = player.adopt_transport(transport);
            if before.seek.0 != transport.seek.0 {
                player.begin = StartPosition::At(transport.seek.1);
            }
        } else if let Some(player) = self.player.as_mut().filter(|player| is_meant(player)) {
            let before = player.adopt_transport(transport);
            if before.play_request != transport.play_request && player.playing && player.is_over() {
                self.pending.seek = Some(0);
            }
            if before.seek.0 != transport.seek.0 {
                self.pending.seek = Some(transport.seek.1);
            }
        }
    }

    fn apply_audition(&mut self, wanted: Option<AuditionControls>) {
        let serial = wanted.map(|wanted| wanted.serial);
        // One that is not wanted any more is not begun.
        if let Some(AuditionChange::Start(next)) = &self.pending.audition
            && Some(next.serial()) != serial
            && let Some(AuditionChange::Start(next)) = self.pending.audition.take()
        {
            self.retire(Some(RetiredObject::Audition(next)));
        }
        let Some(wanted) = wanted else {
            if self.audition.is_some() {
                self.pending.audition = Some(AuditionChange::End);
            }
            return;
        };
        match (&mut self.pending.audition, &mut self.audition) {
            (Some(AuditionChange::Start(next)), _) => next.select(wanted.index),
            (_, Some(audition)) if audition.serial() == wanted.serial => {
                audition.select(wanted.index);
                self.pending.audition = None;
            }
            _ => {}
        }
    }

    /// Gives an object back, to be freed on another thread. There is room: see `receive`.
    fn retire(&mut self, object: Option<RetiredObject>) {
        if let Some(Err(object)) = object.map(|object| self.retired.try_push(object)) {
            // Leaking it would be better than freeing it here, if the bound were ever wrong.
            std::mem::forget(object);
        }
    }

    /// The state to be in once nothing is pending.
    fn wanted_state(&self) -> SoundState {
        if self.audition.is_some() {
            let held = self.applied.audition.is_some_and(|audition| audition.held);
            return if held { SoundState::Held } else { SoundState::Auditioning };
        }
        match &self.player {
            Some(player) if player.is_to_run() => SoundState::Playing,
            _ => SoundState::Silent,
        }
    }

    /// Moves on to the next state at sample `at` of a block of `total`; returns where the next change may
    /// come.
    fn advance(&mut self, at: usize, total: usize) -> usize {
        let wanted = self.wanted_state();
        let running = self.state.running();
        if !self.pending.is_empty() || running != wanted.running() {
            self.close_gate();
            let Some(running) = running.filter(|_| self.gate.value() != 0.0) else {
                self.commit();
                return total;
            };
            self.state = SoundState::FadingOut(running);
            return total.min(at + self.gate.remaining());
        }
        self.state = wanted;
        match wanted {
            SoundState::Held => {
                self.close_gate();
                if self.gate.value() != 0.0 {
                    return total.min(at + self.gate.remaining());
                }
            }
            SoundState::Playing | SoundState::Auditioning if self.gate.target() == 0.0 => {
                // The change that it closed for was taken back.
                self.gate.set(1.0);
            }
            _ => {}
        }
        total
    }

    fn close_gate(&mut self) {
        if self.gate.target() != 0.0 {
            self.gate.set(0.0);
        }
    }

    /// Makes the pending changes, while the gate is closed.
    fn commit(&mut self) {
        if let Some(player) = self.pending.player.take() {
            self.change_player(player);
        }
        if let (Some(at), Some(player)) = (self.pending.seek.take(), &mut self.player) {
            player.start(at);
            self.gate.jump(0.0);
        }
        if let Some(change) = self.pending.audition.take() {
            let old = match change {
                AuditionChange::End => self.audition.take(),
                AuditionChange::Start(audition) => {
                    // Samples of a microphone from before are too old to go on with.
                    if let Some(player) = self.player.as_mut().filter(|p| !p.has_transport()) {
                        player.is_stale = true;
                    }
                    self.audition.replace(audition)
                }
            };
            self.retire(old.map(RetiredObject::Audition));
        }
        self.state = self.wanted_state();
        match self.state {
            SoundState::Auditioning => self.gate.set(1.0),
            SoundState::Held => self.gate.set(0.0),
            SoundState::Playing => self.open_gate(),
            SoundState::Silent | SoundState::FadingOut(_) => {}
        }
    }

    fn change_player(&mut self, mut player: Box<SourcePlayer>) {
        let at = match player.begin {
            StartPosition::At(at) => at,
            StartPosition::Resume => self.player.as_ref().map_or(0, |old| old.heard()),
        };
        player.start(at);
        self.pending.seek = None;
        let (old, recording) = (self.player.replace(player), self.recording.take());
        self.retire(recording.map(RetiredObject::Recording));
        self.retire(old.map(RetiredObject::Player));
    }

    /// Opens the gate for the player: at once where a file starts, else with a fade, when the first
    /// sample comes out of the port.
    fn open_gate(&mut self) {
        let Some(player) = &mut self.player else { return };
        if player.is_stale {
            let at = player.heard();
            player.start(at);
        }
        match player.playhead.since_start() {
            Some(0) if player.has_transport() => self.gate.jump(1.0),
            Some(_) => self.gate.set_after(1.0, player.latency() as usize),
            None => self.gate.set(1.0),
        }
    }

    /// Runs up to sample `end` or less; returns where that was.
    fn run(&mut self, planes: &mut [&mut [f32]], at: usize, end: usize) -> usize {
        match (self.state.running(), &mut self.audition, &mut self.player) {
            (Some(Running::Audition), Some(audition), _) => {
                if self.state == SoundState::Held && self.gate.value() == 0.0 {
                    silence(planes, at, end);
                } else {
                    audition.fill(planes, at, end);
                    self.gate.apply(planes, at, end);
                }
                end
            }
            (Some(Running::Player), _, Some(player)) => {
                let end = end.min(at + player.max_block());
                let count = player.run(planes, at, end);
                if count > 0
                    && let Some(recording) = &mut self.recording
                {
                    recording.push(player.port.last_block());
                }
                self.gate.apply(planes, at, at + count);
                if player.is_over() {
                    // Its end has been heard, and nothing is left to fade.
                    player.playing = false;
                    self.state = SoundState::Silent;
                    self.gate.jump(0.0);
                    silence(planes, at + count, end);
                    return end;
                }
                at + count
            }
            _ => {
                silence(planes, at, end);
                end
            }
        }
    }

    fn publish(&mut self) {
        let mut status = self.shown;
        status.request = self.applied.transport.request;
        if let Some(player) = &self.player {
            status.player = player.serial;
            status.heard = player.heard();
            status.playing = player.playing;
        }
        if let Some(audition) = &self.audition {
            status.audition = audition.at() as u64;
        }
        self.shown = status;
        self.status.write(status);
    }
}

fn silence(planes: &mut [&mut [f32]], from: usize, to: usize) {
    planes.iter_mut().for_each(|plane| plane[from..to].fill(0.0));
}
