//! What runs on the audio thread. Everything here is realtime-safe once made, except that dropping
//! frees memory.
//!
//! Orders come through a ring ([`Message`]), what has had its day goes back through another
//! ([`Returned`]) and is freed elsewhere, and [`Meters`] show the rest. What interrupts the sound (a
//! pause, another place, another program) waits until it has faded.

mod audition;
mod cursor;
mod meters;
mod program;
mod ramp;
mod tape;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use residue_engine::live::PortSettings;
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

pub use audition::Audition;
use audition::samples;
pub use meters::Meters;
pub use program::{Begin, Material, Program};
use ramp::Ramp;
pub use tape::{KINDS, Tape, TapeReader, TapeState, tape};

/// Orders that may wait; more only if the audio thread stands still.
const ORDERS: usize = 512;
/// What may wait to be freed.
const RETURNS: usize = 128;
/// How long sound fades before it is interrupted, and after.
const FADE: Duration = Duration::from_millis(5);
/// How long a change of volume or mute takes.
const GLIDE: Duration = Duration::from_millis(20);

/// An order to the audio thread.
pub enum Message {
    /// What is heard.
    Settings(PortSettings),
    /// Gain of the output: volume and mute.
    Gain(f32),
    /// Another program, after a fade.
    Program(Box<Program>),
    /// Go on, or from the start if all has been heard; with the number of the order.
    Play(u64),
    /// Stand still.
    Pause(u64),
    /// Go to this sample.
    Seek(u64, u64),
    /// Repeat from sample to sample.
    Repeat(Option<(u64, u64)>),
    /// Record, if this is still the tape's program.
    Record(Box<Tape>),
    /// Play these instead of everything else.
    Audition(Box<Audition>),
    /// Another one of them.
    Select(usize),
    /// They stand still, or go on.
    Hold(bool),
    /// Back to the program.
    EndAudition,
}

/// Something to be freed on another thread.
pub enum Returned {
    /// An old program.
    Program(#[allow(dead_code, reason = "only dropped")] Box<Program>),
    /// A tape that is over.
    Tape(#[allow(dead_code, reason = "only dropped")] Box<Tape>),
    /// An audition that is over.
    Audition(#[allow(dead_code, reason = "only dropped")] Box<Audition>),
}

/// What is played instead of the program.
enum Instead {
    Nothing,
    Audition(Box<Audition>),
}

/// The audio thread's function.
pub struct Sound {
    messages: HeapCons<Message>,
    returns: HeapProd<Returned>,
    meters: Arc<Meters>,
    program: Option<Box<Program>>,
    /// Waits for the fade.
    next_program: Option<Box<Program>>,
    audition: Option<Box<Audition>>,
    /// Auditions stand still.
    held: bool,
    /// Waits for the fade.
    instead: Option<Instead>,
    /// Waits for the fade.
    seek: Option<u64>,
    /// The port's stream must start anew before it goes on.
    restart: bool,
    playing: bool,
    /// The program runs.
    flows: bool,
    /// Closes for interruptions.
    gate: Ramp,
    /// Volume and mute.
    gain: Ramp,
    tape: Option<Box<Tape>>,
}

/// The other ends of a [`Sound`].
pub struct Line {
    /// Orders.
    pub messages: HeapProd<Message>,
    /// What is to be freed.
    pub returns: HeapCons<Returned>,
}

impl Sound {
    /// Silent, for devices at `rate` Hz, with a gain to start at.
    pub fn new(rate: u32, gain: f32, meters: Arc<Meters>) -> (Self, Line) {
        let (messages, orders) = HeapRb::new(ORDERS).split();
        let (returned, returns) = HeapRb::new(RETURNS).split();
        let sound = Self {
            messages: orders,
            returns: returned,
            meters,
            program: None,
            next_program: None,
            audition: None,
            held: false,
            instead: None,
            seek: None,
            restart: true,
            playing: false,
            flows: false,
            gate: Ramp::new(0.0, samples(FADE, rate)),
            gain: Ramp::new(gain, samples(GLIDE, rate)),
            tape: None,
        };
        (sound, Line { messages, returns })
    }

    /// Replaces a block of what the input device gives by what is heard.
    pub fn process(&mut self, planes: &mut [&mut [f32]]) {
        self.receive();
        let total = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
        let mut at = 0;
        while at < total {
            let mut end = total;
            if self.is_interrupted() {
                if self.gate.target() != 0.0 {
                    self.gate.set(0.0);
                }
                if self.gate.gain() == 0.0 {
                    self.turn();
                } else {
                    end = total.min(at + self.gate.left());
                }
            } else if self.audition.is_some() && self.held {
                if self.gate.target() != 0.0 {
                    self.gate.set(0.0);
                }
                if self.gate.gain() != 0.0 {
                    end = total.min(at + self.gate.left());
                }
            } else if self.gate.target() == 0.0 && (self.flows || self.audition.is_some()) {
                // What it closed for was taken back.
                self.gate.set(1.0);
            }
            at = self.run(planes, at, end);
        }
        self.gain.apply(planes, 0, total);
        self.show();
    }

    /// Takes orders.
    fn receive(&mut self) {
        while let Some(message) = self.messages.try_pop() {
            match message {
                Message::Settings(settings) => {
                    for program in self.program.iter_mut().chain(&mut self.next_program) {
                        program.port.set(&settings);
                    }
                }
                Message::Gain(gain) => self.gain.set(gain),
                Message::Program(program) => {
                    let old = self.next_program.replace(program);
                    self.give_back(old.map(Returned::Program));
                }
                Message::Play(order) => self.obey(order, true),
                Message::Pause(order) => self.obey(order, false),
                Message::Seek(order, at) => {
                    self.meters.order.store(order, Relaxed);
                    match &mut self.next_program {
                        Some(program) => program.begin = Begin::At(at),
                        None => self.seek = Some(at),
                    }
                }
                Message::Repeat(region) => {
                    for program in self.program.iter_mut().chain(&mut self.next_program) {
                        program.repeat(region);
                    }
                }
                Message::Record(tape) => {
                    let runs = self.program.as_ref().map(|program| program.serial);
                    let tape = if runs == Some(tape.program) && self.next_program.is_none() {
                        self.tape.replace(tape)
                    } else {
                        Some(tape)
                    };
                    self.give_back(tape.map(Returned::Tape));
                }
                Message::Audition(audition) => self.play_instead(Instead::Audition(audition)),
                Message::Hold(held) => self.held = held,
                Message::EndAudition => self.play_instead(Instead::Nothing),
                Message::Select(index) => match (&mut self.instead, &mut self.audition) {
                    (Some(Instead::Audition(audition)), _) => audition.select(index),
                    (None, Some(audition)) => audition.select(index),
                    _ => {}
                },
            }
        }
        if self.tape.as_ref().is_some_and(|tape| tape.is_over()) {
            let tape = self.tape.take();
            self.give_back(tape.map(Returned::Tape));
        }
    }

    fn play_instead(&mut self, instead: Instead) {
        if let Some(Instead::Audition(old)) = self.instead.replace(instead) {
            self.give_back(Some(Returned::Audition(old)));
        }
    }

    fn obey(&mut self, order: u64, playing: bool) {
        self.meters.order.store(order, Relaxed);
        if let Some(program) = &mut self.next_program {
            program.playing = playing;
            return;
        }
        self.playing = playing;
        // Once more from the start.
        if let Some(program) = &self.program
            && playing
            && program.is_over()
        {
            self.seek = Some(0);
        }
    }

    /// Frees something elsewhere. Where there is no room it is never freed: better than here.
    fn give_back(&mut self, returned: Option<Returned>) {
        if let Some(Err(returned)) = returned.map(|returned| self.returns.try_push(returned)) {
            std::mem::forget(returned);
        }
    }

    /// Whether the program is to run.
    fn is_to_flow(&self) -> bool {
        let wanted =
            |program: &Program| !program.has_transport() || (self.playing && !program.is_over());
        self.audition.is_none() && self.program.as_ref().is_some_and(|program| wanted(program))
    }

    /// Whether something waits for silence.
    fn is_interrupted(&self) -> bool {
        self.next_program.is_some()
            || self.instead.is_some()
            || self.seek.is_some()
            || self.flows != self.is_to_flow()
    }

    /// Does what waited for silence.
    fn turn(&mut self) {
        if let Some(program) = self.next_program.take() {
            self.adopt(program);
        }
        if let (Some(at), Some(program)) = (self.seek.take(), &mut self.program) {
            program.start(at);
            self.restart = false;
            self.gate.jump(0.0);
            self.flows = false;
        }
        match self.instead.take() {
            None => {}
            Some(Instead::Nothing) => {
                let old = self.audition.take();
                self.give_back(old.map(Returned::Audition));
            }
            Some(Instead::Audition(audition)) => {
                let old = self.audition.replace(audition);
                self.give_back(old.map(Returned::Audition));
                // What a microphone heard before is too old to go on with.
                self.restart |= self.program.as_ref().is_some_and(|p| !p.has_transport());
            }
        }
        self.flows = self.is_to_flow();
        if self.audition.is_some() {
            self.gate.set(if self.held { 0.0 } else { 1.0 });
        } else if self.flows {
            self.open();
        }
    }

    fn adopt(&mut self, mut program: Box<Program>) {
        let at = match program.begin {
            Begin::At(at) => at,
            Begin::Resume => self.program.as_ref().map_or(0, |old| old.heard()),
        };
        self.playing = program.playing;
        self.meters.program.store(program.serial, Relaxed);
        program.start(at);
        self.seek = None;
        (self.restart, self.flows) = (false, false);
        let (old, tape) = (self.program.replace(program), self.tape.take());
        self.give_back(tape.map(Returned::Tape));
        self.give_back(old.map(Returned::Program));
    }

    /// Opens the gate for the program: at once where a file starts, else with a fade, when the first
    /// sample comes out of the port.
    fn open(&mut self) {
        let Some(program) = &mut self.program else { return };
        if std::mem::take(&mut self.restart) {
            let at = program.heard();
            program.start(at);
        }
        match program.cursor.since_start() {
            Some(0) if program.has_transport() => self.gate.jump(1.0),
            Some(_) => self.gate.set_after(1.0, program.latency() as usize),
            None => self.gate.set(1.0),
        }
    }

    /// Runs up to sample `end` or less; returns where that was.
    fn run(&mut self, planes: &mut [&mut [f32]], at: usize, end: usize) -> usize {
        if let Some(audition) = &mut self.audition {
            if self.held && self.gate.gain() == 0.0 {
                planes.iter_mut().for_each(|plane| plane[at..end].fill(0.0));
                return end;
            }
            audition.fill(planes, at, end);
            self.gate.apply(planes, at, end);
            return end;
        }
        let Some(program) = self.program.as_mut().filter(|_| self.flows) else {
            planes.iter_mut().for_each(|plane| plane[at..end].fill(0.0));
            return end;
        };
        let end = end.min(at + program.max_block());
        let count = program.run(planes, at, end);
        if count > 0
            && let Some(tape) = &mut self.tape
        {
            tape.push(program.port.last_block());
        }
        self.gate.apply(planes, at, at + count);
        if program.is_over() {
            // Its end has been heard, and nothing is left to fade.
            self.playing = false;
            self.flows = false;
            self.gate.jump(0.0);
            planes.iter_mut().for_each(|plane| plane[at + count..end].fill(0.0));
            return end;
        }
        at + count
    }

    fn show(&self) {
        let meters = &self.meters;
        if let Some(program) = &self.program {
            meters.heard.store(program.heard(), Relaxed);
        }
        meters.playing.store(self.playing, Relaxed);
        if let Some(audition) = &self.audition {
            meters.audition.store(audition.at() as u64, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::audio::Audio;
    use residue_engine::codec::{Codec, CodecOptions};
    use residue_engine::live::{CodecModel, ListeningSource, PortConfig, PortControl, open_port};
    use residue_engine::models::embedded;

    use super::super::state::Stimuli;
    use super::*;

    const RATE: u32 = 24_000;

    fn audio(length: usize) -> Audio {
        let plane = (0..length).map(|n| 0.3 * (n as f32 * 0.05).sin()).collect();
        Audio { rate: RATE, channels: vec![plane] }
    }

    fn program(codec: &Codec, serial: u64, begin: Begin) -> (Box<Program>, PortControl) {
        let (mut port, control) =
            open_port(&PortConfig::new(RATE, 1, 128), &CodecModel(codec.clone())).unwrap();
        port.set_offline(true);
        let material = Material::Audio(Arc::new(audio(12_000)));
        let region = Some((1000, 5000));
        (Box::new(Program::new(serial, port, 128, material, begin, true, region)), control)
    }

    /// Everything that the audio thread may be told, at any moment, without the allocator.
    #[test]
    fn the_audio_thread_leaves_the_allocator_alone() {
        let model = embedded();
        let codec =
            Codec::load_from_memory(model.config, model.weights, &CodecOptions::default()).unwrap();
        let meters = Arc::new(Meters::default());
        let (mut sound, mut line) = Sound::new(RATE, 1.0, Arc::clone(&meters));
        let (first, _first) = program(&codec, 1, Begin::At(0));
        let (second, _second) = program(&codec, 2, Begin::Resume);
        let (reel, mut reader, state) = tape(1, 48_000, 2);
        let (early, _, refused) = tape(1, 100, 7);
        let stimuli =
            Arc::new(Stimuli { rate: RATE, planes: vec![audio(3000), audio(3000)], region: None });
        let audition = Box::new(Audition::new(stimuli, RATE).unwrap());
        let mut settings =
            PortSettings { source: ListeningSource::DryMinusB, ..PortSettings::default() };
        settings.frames.depths = [3, 9];
        let orders: Vec<Option<Message>> = vec![
            None,
            Some(Message::Program(first)),
            Some(Message::Record(Box::new(early))),
            Some(Message::Settings(settings)),
            Some(Message::Seek(1, 7000)),
            Some(Message::Pause(2)),
            Some(Message::Gain(0.5)),
            Some(Message::Play(3)),
            Some(Message::Program(second)),
            None,
            Some(Message::Record(Box::new(reel))),
            Some(Message::Repeat(None)),
            Some(Message::Select(1)),
            Some(Message::Audition(audition)),
            Some(Message::Select(1)),
            Some(Message::EndAudition),
            Some(Message::Seek(4, 11_000)),
        ];
        let (mut left, mut right) = (vec![0.0; 300], vec![0.0; 300]);
        let mut loudest = 0.0f32;
        for order in orders {
            if let Some(order) = order {
                assert!(line.messages.try_push(order).is_ok());
            }
            for _ in 0..6 {
                crate::allocations::forbid(|| sound.process(&mut [&mut left, &mut right]));
                loudest = left.iter().fold(loudest, |most, x| most.max(x.abs()));
                assert_eq!(left, right);
            }
        }
        assert!(loudest > 0.1);
        state.stop.store(true, Relaxed);
        crate::allocations::forbid(|| sound.process(&mut [&mut left, &mut right]));
        let mut returned = Vec::new();
        while let Some(back) = line.returns.try_pop() {
            returned.push(match back {
                Returned::Program(_) => 'p',
                Returned::Tape(_) => 't',
                Returned::Audition(_) => 'a',
            });
        }
        assert_eq!(returned, ['t', 'p', 'a', 't']);
        assert!(state.ended.load(Relaxed) && refused.ended.load(Relaxed));
        let mut recorded = 0;
        while reader.next(|_, count, _| recorded += count) {}
        assert!(recorded > 4000, "{recorded} samples");
        // The end has been heard.
        assert_eq!(meters.transport(), (12_000, false));
        assert_eq!(meters.program.load(Relaxed), 2);
    }
}
