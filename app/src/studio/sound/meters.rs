//! What the audio thread shows of itself, for any thread to read.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Plain numbers, each of its own time.
#[derive(Default)]
pub struct Meters {
    /// What is heard of the file: a sample at the stream's rate.
    pub heard: AtomicU64,
    /// The file plays.
    pub playing: AtomicBool,
    /// The last order to play, pause or seek that has been obeyed.
    pub order: AtomicU64,
    /// The program that runs.
    pub program: AtomicU64,
    /// What is heard of an audition: a sample.
    pub audition: AtomicU64,
}

impl Meters {
    /// As heard, playing.
    pub fn transport(&self) -> (u64, bool) {
        (self.heard.load(Relaxed), self.playing.load(Relaxed))
    }
}
