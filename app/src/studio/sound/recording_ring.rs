//! From the audio thread to the thread that writes recordings.
//!
//! One ring of 32-bit words. A block is a head (its length, the number of its first lane sample) and
//! its samples, interleaved: for each channel heard, dry, A and B. A block goes in whole or not at
//! all, so that what is there is always in step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use residue_engine::live::LaneBlock;
use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// Planes of a channel: heard, dry, A, B.
pub const KINDS: usize = 4;
/// Words before a block's samples.
const HEAD: usize = 3;

/// Flags and counts that both ends share.
#[derive(Default)]
pub struct RecordingFlags {
    /// The recording is to end.
    pub stop: AtomicBool,
    /// Nothing more will come.
    pub ended: AtomicBool,
    /// Samples a channel that found no room.
    pub dropped: AtomicU64,
}

/// The audio thread's end. Belongs to one player.
pub struct RecordingSink {
    words: HeapProd<u32>,
    state: Arc<RecordingFlags>,
    channels: usize,
    /// Number of this recording, unlike that of any other.
    pub serial: u64,
    /// Serial number of the player that it records.
    pub player: u64,
}

/// The writer's end.
pub struct RecordingReader {
    words: HeapCons<u32>,
    channels: usize,
    scratch: Vec<u32>,
}

/// Both ends, for `channels` channels, with room for `samples` samples each.
pub fn recording_ring(
    channels: usize,
    samples: usize,
    serial: u64,
    player: u64,
) -> (RecordingSink, RecordingReader, Arc<RecordingFlags>) {
    // Blocks of 16 samples or more; smaller ones find less room.
    let room = samples * KINDS * channels + samples / 16 * HEAD;
    let (producer, consumer) = HeapRb::new(room).split();
    let state = Arc::new(RecordingFlags::default());
    let sink =
        RecordingSink { words: producer, state: Arc::clone(&state), channels, serial, player };
    (sink, RecordingReader { words: consumer, channels, scratch: Vec::new() }, state)
}

impl RecordingSink {
    /// Whether it is to end. Realtime-safe.
    pub fn is_over(&self) -> bool {
        self.state.stop.load(Ordering::Relaxed)
    }

    /// Records a block. Realtime-safe.
    pub fn push(&mut self, block: LaneBlock<'_>) {
        let (count, first) = (block.len(), block.first());
        if count == 0 {
            return;
        }
        let channels = self.channels;
        if self.words.vacant_len() < HEAD + count * KINDS * channels {
            self.state.dropped.fetch_add(count as u64, Ordering::Relaxed);
            return;
        }
        let head = [count as u32, first as u32, (first >> 32) as u32];
        self.words.push_slice(&head);
        let planes = |channel: usize| {
            let (dry, heard) = (block.dry(channel), block.heard(channel));
            [heard, dry, block.lane(0, channel), block.lane(1, channel)]
        };
        let planes = [planes(0), planes(channels - 1)];
        let words = (0..count).flat_map(|n| {
            planes[..channels].iter().flat_map(move |kinds| kinds.map(|plane| plane[n].to_bits()))
        });
        self.words.push_iter(words);
    }
}

impl Drop for RecordingSink {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Release);
    }
}

impl RecordingReader {
    /// The next block, if there is one: the number of its first lane sample and its samples,
    /// interleaved by channel and then kind.
    pub fn next(&mut self, each: impl FnOnce(u64, usize, &[u32])) -> bool {
        let mut head = [0; HEAD];
        if self.words.peek_slice(&mut head) < HEAD {
            return false;
        }
        let (count, first) = (head[0] as usize, u64::from(head[1]) | u64::from(head[2]) << 32);
        let words = count * KINDS * self.channels;
        // The head goes in before the samples.
        if self.words.occupied_len() < HEAD + words {
            return false;
        }
        self.words.skip(HEAD);
        self.scratch.resize(words, 0);
        self.words.pop_slice(&mut self.scratch);
        each(first, count, &self.scratch);
        true
    }
}
