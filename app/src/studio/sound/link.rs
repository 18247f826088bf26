//! The connection between a [`SoundEngine`] and the threads that control it.

use std::collections::VecDeque;

use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use super::audition::Audition;
use super::controls::{SoundControls, SoundStatus};
use super::engine::SoundEngine;
use super::recording_ring::RecordingSink;
use super::source_player::SourcePlayer;

/// Objects in the ring to the audio thread; more wait on this side.
const OBJECTS: usize = 16;
/// Objects that the audio thread can own at once: a player, an audition, those that wait for the fade,
/// a recording, and one on its way.
pub(super) const MOST_OWNED: usize = 6;
/// Objects in the ring back.
const RETIRED: usize = 4 * MOST_OWNED;

/// An object that the audio thread is to own.
pub enum SoundObject {
    /// Another player, after a fade.
    Player(Box<SourcePlayer>),
    /// A recording of the player that runs, if it is still the one it was made for.
    Recording(Box<RecordingSink>),
    /// An audition to be heard instead of the player, after a fade.
    Audition(Box<Audition>),
}

/// An object that the audio thread has done with, to be freed on another thread.
pub enum RetiredObject {
    /// A player that was replaced.
    Player(#[allow(dead_code, reason = "only dropped")] Box<SourcePlayer>),
    /// A recording that is over or was refused.
    Recording(#[allow(dead_code, reason = "only dropped")] Box<RecordingSink>),
    /// An audition that is over.
    Audition(#[allow(dead_code, reason = "only dropped")] Box<Audition>),
}

/// The controlling end of a [`SoundEngine`].
///
/// ```text
/// SoundControls --triple buffer--> SoundEngine --triple buffer--> SoundStatus
/// SoundObject   --ring----------->             --ring-----------> RetiredObject
/// ```
pub struct SoundLink {
    rate: u32,
    controls: triple_buffer::Input<SoundControls>,
    status: triple_buffer::Output<SoundStatus>,
    objects: HeapProd<SoundObject>,
    /// Objects that found no room, in order.
    unsent: VecDeque<SoundObject>,
    retired: HeapCons<RetiredObject>,
}

impl SoundLink {
    /// Connects a new engine for devices at `rate` Hz, with controls to start from.
    pub fn connect(rate: u32, controls: SoundControls) -> (SoundEngine, Self) {
        let (control_input, control_output) = triple_buffer::triple_buffer(&controls);
        let (status_input, status) = triple_buffer::triple_buffer(&SoundStatus::default());
        let (objects, received) = HeapRb::new(OBJECTS).split();
        let (retiring, retired) = HeapRb::new(RETIRED).split();
        let engine =
            SoundEngine::new(rate, controls, control_output, status_input, received, retiring);
        let unsent = VecDeque::new();
        (engine, Self { rate, controls: control_input, status, objects, unsent, retired })
    }

    /// Sample rate of the devices in Hz.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Publishes controls: the audio thread reads the newest at its next block.
    pub fn publish(&mut self, controls: SoundControls) {
        self.controls.write(controls);
    }

    /// Sends an object; where the ring is full it goes with the next [`SoundLink::flush`].
    pub fn send(&mut self, object: SoundObject) {
        self.unsent.push_back(object);
        self.flush();
    }

    /// Sends objects that found no room before.
    pub fn flush(&mut self) {
        while let Some(object) = self.unsent.pop_front() {
            if let Err(object) = self.objects.try_push(object) {
                self.unsent.push_front(object);
                return;
            }
        }
    }

    /// The newest status.
    pub fn status(&mut self) -> SoundStatus {
        *self.status.read()
    }

    /// An object to be freed.
    pub fn retired(&mut self) -> Option<RetiredObject> {
        self.retired.try_pop()
    }
}
