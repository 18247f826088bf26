//! Codes that are all there, played from any frame on.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::token_model::FrameSource;
use residue_core::codes::Codes;

/// Says from where an array of codes is played. Clones say it of the same array.
#[derive(Clone)]
pub struct Playback(Arc<Tape>);

struct Tape {
    codes: Codes,
    /// The frame that the next stream starts with.
    start: AtomicU64,
    /// The frames that repeat: the first in the upper half, the one after the last in the lower; 0 for
    /// none.
    repeated: AtomicU64,
}

impl Playback {
    pub(super) fn new(codes: Codes) -> Self {
        Self(Arc::new(Tape { codes, start: 0.into(), repeated: 0.into() }))
    }

    /// The codes.
    pub fn codes(&self) -> &Codes {
        &self.0.codes
    }

    /// The frame that a stream starts with from now on: set it before
    /// [`AudioPort::reset`](residue_live::AudioPort::reset). Past the end there is silence. Realtime-safe.
    pub fn start_at(&self, frame: u64) {
        self.0.start.store(frame, Ordering::Release);
    }

    /// Repeats these frames: whoever reaches their end, or is past it, goes on at their start.
    /// Takes effect with the next frame that is decoded. An empty range repeats nothing.
    /// Realtime-safe.
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

/// One processor's place in a [`Playback`].
pub(super) struct PlaybackCursor {
    playback: Playback,
    /// The next frame of the codes.
    at: u64,
    /// The next frame of the stream.
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
        let turn = |at: u64| match &repeated {
            Some(frames) if at >= frames.end => frames.start,
            _ => at,
        };
        // Frames of the stream that were too late were left out, and so are theirs.
        for _ in self.number..number {
            self.at = turn(self.at) + 1;
        }
        let at = turn(self.at);
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
        let mut reel = PlaybackCursor::new(playback.clone());
        let play = |numbers: Range<u64>, reel: &mut PlaybackCursor| -> Vec<u32> {
            numbers.map(|number| reel.next(number).map_or(99, |frame| frame[0])).collect()
        };
        assert_eq!(play(0..3, &mut reel), [0, 1, 2]);
        playback.repeat(Some(2..5));
        assert_eq!(play(3..9, &mut reel), [3, 4, 2, 3, 4, 2]);
        assert_eq!(play(11..13, &mut reel), [2, 3], "two were left out");
        playback.repeat(None);
        assert_eq!(play(13..20, &mut reel), [4, 5, 6, 7, 8, 9, 99]);
        playback.start_at(7);
        reel.reset();
        assert_eq!(play(0..2, &mut reel), [7, 8]);
        // Past the part that repeats: at once to its start.
        playback.repeat(Some(0..2));
        assert_eq!(play(2..5, &mut reel), [0, 1, 0]);
    }
}
