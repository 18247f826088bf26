//! A history ring: the last records of a running signal, lock-free and overwriting; one writer, any
//! number of readers.
//!
//! ```text
//! slots       | record 8 | record 9 | record 6 | record 7 |     record n is in slot n mod capacity
//!                                      ^
//!                                      record 10 is being written here
//! begun     = 11    records that the writer has begun
//! finished  = 10    records that the writer has finished
//! next      = 7     the reader's next record; it may read while next + capacity >= begun
//! ```
//!
//! The writer never waits. A reader that the writer has lapped loses the oldest records, and counts
//! them. The protocol is that of a seqlock whose counter is the record's number (H.-J. Boehm, "Can
//! seqlocks get along with programming language memory models?", MSPC 2012):
//!
//! | writer, record n | reader, record n |
//! |---|---|
//! | `begun` = n + 1 | n < `finished` (acquire) |
//! | release fence | words of the slot |
//! | words of the slot | acquire fence |
//! | `finished` = n + 1 (release) | lost if `begun` > n + capacity |
//!
//! A reader that saw a word of a later record also sees, after its fence, that this record had begun.
//! `history/loom_tests.rs` checks this under every interleaving and reordering at small sizes.

use super::sync::{Arc, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(all(loom, test))]
mod loom_tests;

struct Ring {
    slots: Box<[AtomicU32]>,
    /// Records that the writer has begun. The slots of records from `finished` on may be changing.
    begun: AtomicU64,
    /// Records that the writer has finished.
    finished: AtomicU64,
    readers: AtomicUsize,
    /// Words of a record.
    width: usize,
}

impl Ring {
    /// Records that are kept.
    fn capacity(&self) -> u64 {
        (self.slots.len() / self.width) as u64
    }

    fn slot(&self, record: u64) -> &[AtomicU32] {
        let start = (record % self.capacity()) as usize * self.width;
        &self.slots[start..start + self.width]
    }
}

/// Makes a history of the last `capacity` records of `width` 32-bit words each.
pub fn history(width: usize, capacity: usize) -> (HistoryWriter, History) {
    let slots = (0..width * capacity).map(|_| AtomicU32::new(0)).collect();
    let ring = Arc::new(Ring {
        slots,
        begun: AtomicU64::new(0),
        finished: AtomicU64::new(0),
        readers: AtomicUsize::new(0),
        width,
    });
    (HistoryWriter { ring: Arc::clone(&ring), next: 0 }, History(ring))
}

/// Writing end.
pub struct HistoryWriter {
    ring: Arc<Ring>,
    /// The record that is written next. Not read from `finished`: loom (0.7) overlooks other threads'
    /// loads of an atomic that the storing thread has loaded since.
    next: u64,
}

impl HistoryWriter {
    /// Returns whether there is any reader; without one the writer may save itself the work.
    /// Realtime-safe.
    pub fn has_readers(&self) -> bool {
        self.ring.readers.load(Ordering::Relaxed) > 0
    }

    /// Adds a record. Words beyond the history's width are dropped, missing ones keep an older
    /// record's value. Realtime-safe.
    pub fn push(&mut self, words: impl IntoIterator<Item = u32>) {
        let (ring, record) = (&*self.ring, self.next);
        self.next += 1;
        ring.begun.store(self.next, Ordering::Relaxed);
        // Pairs with the reader's fence: a reader of a word below also sees that its record had begun.
        fence(Ordering::Release);
        for (slot, word) in ring.slot(record).iter().zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
        ring.finished.store(self.next, Ordering::Release);
    }
}

/// Source of readers.
#[derive(Clone)]
pub struct History(Arc<Ring>);

impl History {
    /// Returns a reader of the records that are written from now on.
    pub fn reader(&self) -> HistoryReader {
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        let next = self.0.finished.load(Ordering::Acquire);
        HistoryReader { ring: Arc::clone(&self.0), next }
    }

    /// Returns a reader that begins with the oldest record kept, if other readers made the writer
    /// write any.
    pub fn reader_from_oldest(&self) -> HistoryReader {
        let mut reader = self.reader();
        reader.next = reader.next.saturating_sub(self.0.capacity());
        reader
    }
}

/// Reading end; the writer writes until the last one is dropped.
pub struct HistoryReader {
    ring: Arc<Ring>,
    next: u64,
}

impl HistoryReader {
    /// Calls `each` with the words of every record since the last call, oldest first, and returns
    /// how many records were lost because they were overwritten before they could be read. Allocates;
    /// not realtime-safe.
    pub fn read(&mut self, mut each: impl FnMut(&[u32])) -> u64 {
        let ring = &*self.ring;
        let finished = ring.finished.load(Ordering::Acquire);
        let oldest = finished.saturating_sub(ring.capacity());
        let mut lost = oldest.saturating_sub(self.next);
        self.next = self.next.max(oldest);
        let mut words = vec![0; ring.width];
        while self.next < finished {
            for (word, slot) in words.iter_mut().zip(ring.slot(self.next)) {
                *word = slot.load(Ordering::Relaxed);
            }
            // Pairs with the writer's fence.
            fence(Ordering::Acquire);
            if ring.begun.load(Ordering::Relaxed) > self.next + ring.capacity() {
                lost += 1;
            } else {
                each(&words);
            }
            self.next += 1;
        }
        lost
    }
}

impl Drop for HistoryReader {
    fn drop(&mut self) {
        self.ring.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn read(reader: &mut HistoryReader) -> (Vec<u32>, u64) {
        let mut seen = Vec::new();
        let lost = reader.read(|words| seen.extend_from_slice(words));
        (seen, lost)
    }

    #[test]
    fn a_reader_sees_what_comes_after_it_and_knows_what_it_missed() {
        let (mut writer, history) = history(2, 4);
        assert!(!writer.has_readers());
        writer.push([1, 1]);
        let mut reader = history.reader();
        assert!(writer.has_readers());
        assert_eq!(read(&mut reader), (vec![], 0));
        writer.push([2, 20]);
        writer.push([3, 30]);
        assert_eq!(read(&mut reader), (vec![2, 20, 3, 30], 0));
        (4..11).for_each(|n| writer.push([n, 10 * n]));
        assert_eq!(read(&mut reader), (vec![7, 70, 8, 80, 9, 90, 10, 100], 3));
        let mut later = history.reader_from_oldest();
        assert_eq!(read(&mut later), (vec![7, 70, 8, 80, 9, 90, 10, 100], 0));
        drop((reader, later));
        assert!(!writer.has_readers());
    }

    /// Records are their own checksum; a torn one would show.
    #[test]
    fn no_record_is_ever_torn() {
        let (mut writer, history) = history(4, 8);
        let mut reader = history.reader();
        let done = Arc::new(AtomicUsize::new(0));
        let finished = Arc::clone(&done);
        let thread = std::thread::spawn(move || {
            for n in 0..200_000u32 {
                writer.push([n, n ^ 5, n.wrapping_mul(7), !n]);
            }
            finished.store(1, Ordering::Release);
        });
        let (mut seen, mut lost, mut last) = (0, 0, None);
        loop {
            let over = done.load(Ordering::Acquire) == 1;
            lost += reader.read(|words| {
                let n = words[0];
                assert_eq!(words, [n, n ^ 5, n.wrapping_mul(7), !n]);
                assert!(last < Some(n));
                last = Some(n);
                seen += 1;
            });
            if over {
                break;
            }
        }
        thread.join().unwrap();
        assert_eq!(seen + lost, 200_000);
    }
}
