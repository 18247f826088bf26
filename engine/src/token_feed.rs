//! A stream of codes that arrive one by one, such as those of a speech language model.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, unbounded};
use residue_codec::Codec;
use residue_core::codes::{Codes, CodesError};

use crate::frame_source::FrameSource;

/// Counters that both ends of a feed share.
#[derive(Default)]
struct Progress {
    decoded: AtomicU64,
    underruns: AtomicU64,
    finished: AtomicBool,
}

/// Sending end of a stream of codes.
pub struct TokenFeed {
    sender: Sender<Vec<u32>>,
    layers: usize,
    codebook_size: usize,
    progress: Arc<Progress>,
}

impl TokenFeed {
    /// Returns a feed of codes for `codec`, and its receiving end, which buffers `prebuffer` frames
    /// at the start and after an underrun.
    pub(super) fn new(codec: &Codec, prebuffer: usize) -> (Self, FeedReceiver) {
        let (sender, frames) = unbounded();
        let progress = Arc::new(Progress::default());
        let quantizer = &codec.config().quantizer;
        let feed = Self {
            sender,
            layers: quantizer.layers,
            codebook_size: quantizer.codebook_size,
            progress: Arc::clone(&progress),
        };
        (feed, FeedReceiver { frames, prebuffer, progress, playing: false })
    }

    /// Queues a frame: one code for each of its first layers. Never waits; a sender that is faster than
    /// playback should watch [`TokenFeed::queued`].
    ///
    /// # Errors
    /// If the codes are not of this model.
    pub fn push(&self, frame: Vec<u32>) -> Result<(), CodesError> {
        let codes = Codes::new(frame.len(), 1, frame);
        codes.check(self.layers, self.codebook_size)?;
        // Once the model has been dropped, frames are dropped too.
        let _ = self.sender.send(codes.data().to_vec());
        Ok(())
    }

    /// Ends the stream: queued frames are played without waiting for more.
    pub fn finish(&self) {
        self.progress.finished.store(true, Ordering::Release);
    }

    /// Returns whether [`TokenFeed::finish`] was called.
    pub fn is_finished(&self) -> bool {
        self.progress.finished.load(Ordering::Acquire)
    }

    /// Returns the number of frames that wait to be decoded.
    pub fn queued(&self) -> usize {
        self.sender.len()
    }

    /// Returns the number of frames that have been decoded.
    pub fn decoded(&self) -> u64 {
        self.progress.decoded.load(Ordering::Acquire)
    }

    /// Returns how many times frames ran out before [`TokenFeed::finish`].
    pub fn underruns(&self) -> u64 {
        self.progress.underruns.load(Ordering::Relaxed)
    }
}

/// Receiving end of a [`TokenFeed`]. Clones share its frames.
#[derive(Clone)]
pub(super) struct FeedReceiver {
    frames: Receiver<Vec<u32>>,
    prebuffer: usize,
    progress: Arc<Progress>,
    playing: bool,
}

impl FrameSource for FeedReceiver {
    fn next(&mut self, _number: u64) -> Option<Vec<u32>> {
        let finished = self.progress.finished.load(Ordering::Acquire);
        if !self.playing && !finished && self.frames.len() < self.prebuffer.max(1) {
            return None;
        }
        let next = self.frames.try_recv().ok();
        if next.is_none() && self.playing && !finished {
            self.progress.underruns.fetch_add(1, Ordering::Relaxed);
        }
        self.playing = next.is_some();
        next
    }

    fn decoded(&mut self) {
        self.progress.decoded.fetch_add(1, Ordering::Release);
    }

    /// Keeps the queue: a new stream of audio does not restart the codes.
    fn reset(&mut self) {
        self.playing = false;
    }
}
