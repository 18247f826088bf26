//! Playback of codes that are all there, from any frame on.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use residue_core::codes::Codes;

use crate::frame_source::FrameSource;

/// Control of the playback of an array of codes. Clones control the same playback.
#[derive(Clone)]
pub struct Playback(Arc<Shared>);

struct Shared {
    codes: Codes,
    /// Frame that the next stream starts with.
    start: AtomicU64,
    /// Frames of the loop: the first in the upper half, the one after the last in the lower; 0 for none.
    repeated: AtomicU64,
}

impl Playback {
    pub(super) fn new(codes: Codes) -> Self {
        Self(Arc::new(Shared { codes, start: 0.into(), repeated: 0.into() }))
    }

    /// Returns the codes.
    pub fn codes(&self) -> &Codes {
        &self.0.codes
    }

    /// Sets the frame that streams start with from now on: call it before
    /// [`AudioPort::reset`](residue_live::AudioPort::reset). Past the end there is silence.
    /// Realtime-safe.
    pub fn start_at(&self, frame: u64) {
        self.0.start.store(frame, Ordering::Release);
    }

    /// Loops over these frames: at their end, or past it, playback continues at their start. Takes effect
    /// with the next frame that is decoded; an empty range loops over nothing. Realtime-safe.
    pub fn repeat(&self, frames: Option<Range<u32>>) {
        let frames = frames.filter(|frames| !frames.is_empty());
        let word = frames.map_or(0, |f| u64::from(f.start) << 32 | u64::from(f.end));
        self.0.repeated.store(word, Ordering::Release);
    }

    fn repeated(&self) -> Option<Range<u64>> {
        let word = self.0.repeated.load(Ordering::Acquire);
        (word != 0).then(|| word >> 32..word & u64::from(u32::MAX))
    }
}

/// Position of one processor in a [`Playback`].
pub(super) struct PlaybackCursor {
    playback: Playback,
    /// Number of the next frame within the codes.
    at: u64,
    /// Number of the next frame within the stream.
    number: u64,
}

impl PlaybackCursor {
    pub fn new(playback: Playback) -> Self {
        let at = playback.0.start.load(Ordering::Acquire);
        Self { playback, at, number: 0 }
    }
}

impl FrameSource for PlaybackCursor {
    fn next(&mut self, number: u64) -> Option<Vec<u32>> {
        let repeated = self.playback.repeated();
        let looped = |at: u64| match &repeated {
            Some(frames) if at >= frames.end => frames.start,
            _ => at,
        };
        // Frames that were left out because they were too late skip their codes too.
        for _ in self.number..number {
            self.at = looped(self.at) + 1;
        }
        let at = looped(self.at);
        (self.at, self.number) = (at + 1, number + 1);
        let codes = self.playback.codes();
        usize::try_from(at).ok().filter(|at| *at < codes.frames()).map(|at| codes.frame(at))
    }

    fn reset(&mut self) {
        self.at = self.playback.0.start.load(Ordering::Acquire);
        self.number = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_repeat_and_those_left_out_are_left_out() {
        let playback = Playback::new(Codes::new(1, 10, (0..10).collect()));
        let mut cursor = PlaybackCursor::new(playback.clone());
        let play = |numbers: Range<u64>, cursor: &mut PlaybackCursor| -> Vec<u32> {
            numbers.map(|number| cursor.next(number).map_or(99, |frame| frame[0])).collect()
        };
        assert_eq!(play(0..3, &mut cursor), [0, 1, 2]);
        playback.repeat(Some(2..5));
        assert_eq!(play(3..9, &mut cursor), [3, 4, 2, 3, 4, 2]);
        assert_eq!(play(11..13, &mut cursor), [2, 3], "two were left out");
        playback.repeat(None);
        assert_eq!(play(13..20, &mut cursor), [4, 5, 6, 7, 8, 9, 99]);
        playback.start_at(7);
        cursor.reset();
        assert_eq!(play(0..2, &mut cursor), [7, 8]);
        // Past the loop: at once to its start.
        playback.repeat(Some(0..2));
        assert_eq!(play(2..5, &mut cursor), [0, 1, 0]);
    }
}
