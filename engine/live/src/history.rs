//! The last values of a running signal, for whoever wants to look: lock-free, overwriting, one
//! writer and any number of readers.
//!
//! A reader that falls behind loses the oldest values and knows it; the writer never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

struct Ring {
    slots: Box<[AtomicU32]>,
    /// Records begun, records finished. A slot may be changing if it belongs to a record in between.
    begun: AtomicU64,
    finished: AtomicU64,
    readers: AtomicUsize,
    /// Words a record.
    width: usize,
}

impl Ring {
    fn records(&self) -> u64 {
        (self.slots.len() / self.width) as u64
    }

    fn slots_of(&self, record: u64) -> &[AtomicU32] {
        let start = (record % self.records()) as usize * self.width;
        &self.slots[start..start + self.width]
    }
}

/// Makes a history of the last `records` records of `width` 32-bit words each.
pub fn history(width: usize, records: usize) -> (HistoryWriter, History) {
    let slots = (0..width * records).map(|_| AtomicU32::new(0)).collect();
    let ring =
        Arc::new(Ring { slots, begun: 0.into(), finished: 0.into(), readers: 0.into(), width });
    (HistoryWriter(Arc::clone(&ring)), History(ring))
}

/// The writing end.
pub struct HistoryWriter(Arc<Ring>);

impl HistoryWriter {
    /// Whether anybody looks: if not, the writer may save itself the work. Realtime-safe.
    pub fn watched(&self) -> bool {
        self.0.readers.load(Ordering::Relaxed) > 0
    }

    /// Adds a record. Words beyond the history's width are dropped, missing ones keep an older
    /// record's value. Realtime-safe.
    pub fn push(&mut self, words: impl IntoIterator<Item = u32>) {
        let ring = &*self.0;
        let record = ring.finished.load(Ordering::Relaxed);
        ring.begun.store(record + 1, Ordering::Relaxed);
        // Whoever sees a new word below also sees that its record had begun.
        fence(Ordering::Release);
        for (slot, word) in ring.slots_of(record).iter().zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
        ring.finished.store(record + 1, Ordering::Release);
    }
}

/// Where readers come from.
#[derive(Clone)]
pub struct History(Arc<Ring>);

impl History {
    /// A reader that sees what is written from now on.
    pub fn reader(&self) -> HistoryReader {
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        let next = self.0.finished.load(Ordering::Acquire);
        HistoryReader { ring: Arc::clone(&self.0), next }
    }

    /// A reader that also sees what is kept from before, which is what other readers made the writer
    /// write.
    pub fn reader_of_kept(&self) -> HistoryReader {
        let mut reader = self.reader();
        reader.next = reader.next.saturating_sub(self.0.records());
        reader
    }
}

/// One view of a history; the writer works for it until it is dropped.
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
        let oldest = finished.saturating_sub(ring.records());
        let mut lost = oldest.saturating_sub(self.next);
        self.next = self.next.max(oldest);
        let mut words = vec![0; ring.width];
        while self.next < finished {
            for (word, slot) in words.iter_mut().zip(ring.slots_of(self.next)) {
                *word = slot.load(Ordering::Relaxed);
            }
            // Pairs with the writer's fence: had a word been new, its record would count as begun.
            fence(Ordering::Acquire);
            if ring.begun.load(Ordering::Relaxed) > self.next + ring.records() {
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

#[cfg(test)]
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
        assert!(!writer.watched());
        writer.push([1, 1]);
        let mut reader = history.reader();
        assert!(writer.watched());
        assert_eq!(read(&mut reader), (vec![], 0));
        writer.push([2, 20]);
        writer.push([3, 30]);
        assert_eq!(read(&mut reader), (vec![2, 20, 3, 30], 0));
        (4..11).for_each(|n| writer.push([n, 10 * n]));
        assert_eq!(read(&mut reader), (vec![7, 70, 8, 80, 9, 90, 10, 100], 3));
        let mut later = history.reader_of_kept();
        assert_eq!(read(&mut later), (vec![7, 70, 8, 80, 9, 90, 10, 100], 0));
        drop((reader, later));
        assert!(!writer.watched());
    }

    /// Records are their own check sum; a torn one would show.
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
