//! A lock-free ring of samples with marks between them: one writer, one reader.
//!
//! ```text
//!            read                            written
//!             v                                 v
//! samples   | 4 | 5 | 6 | 7 | 8 | 9 |10 |11 |12 |      sample frames: one sample of each channel,
//!             ^               ^       ^                interleaved
//! marks     | at 4 | at 8 | at 10 |                    each with the number of sample frames that
//!                                                      were written before it
//! ```
//!
//! Samples and marks are in two rings. A mark is written before the samples it holds for, and the
//! reader looks at the samples first: a reader that sees a sample also sees its mark. So position, stream
//! and settings travel with the audio, and take effect at their sample however late the other side
//! runs.

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// A mark and the number of sample frames written before it.
struct PlacedMark<M> {
    at: u64,
    mark: M,
}

/// Makes a ring with room for `capacity` sample frames of `channels` samples, and for `marks` marks.
pub fn marked_ring<M: Copy>(
    channels: usize,
    capacity: usize,
    marks: usize,
) -> (MarkedWriter<M>, MarkedReader<M>) {
    let (samples_in, samples_out) = HeapRb::new(channels * capacity).split();
    let (marks_in, marks_out) = HeapRb::new(marks).split();
    (
        MarkedWriter { channels, samples: samples_in, marks: marks_in, written: 0 },
        MarkedReader { channels, samples: samples_out, marks: marks_out, read: 0 },
    )
}

/// Writing end. All methods are realtime-safe.
pub struct MarkedWriter<M> {
    channels: usize,
    samples: HeapProd<f32>,
    marks: HeapProd<PlacedMark<M>>,
    written: u64,
}

impl<M: Copy> MarkedWriter<M> {
    /// Returns how many sample frames can be written now.
    pub fn room(&self) -> usize {
        self.samples.vacant_len() / self.channels
    }

    /// Marks the sample frame that is written next; false if there is no room for a mark.
    pub fn mark(&mut self, mark: M) -> bool {
        self.marks.try_push(PlacedMark { at: self.written, mark }).is_ok()
    }

    /// Writes interleaved sample frames.
    ///
    /// # Panics
    /// If there is no [`room`](Self::room) for them.
    pub fn write(&mut self, interleaved: &[f32]) {
        let pushed = self.samples.push_slice(interleaved);
        assert_eq!(pushed, interleaved.len(), "the writer asks for room first");
        self.written += (pushed / self.channels) as u64;
    }
}

/// Next item of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingItem<M> {
    /// A mark for what follows. It has been taken from the ring.
    Mark(M),
    /// This many sample frames, at least 1, can be read before the next mark.
    SampleFrames(usize),
    /// The ring is empty.
    Empty,
}

/// Reading end. All methods are realtime-safe.
pub struct MarkedReader<M> {
    channels: usize,
    samples: HeapCons<f32>,
    marks: HeapCons<PlacedMark<M>>,
    read: u64,
}

impl<M: Copy> MarkedReader<M> {
    /// Returns the next item, and removes it if it is a mark.
    pub fn next(&mut self) -> RingItem<M> {
        // Samples first: the marks before any sample seen here can then be seen as well.
        let count = self.samples.occupied_len() / self.channels;
        let count = match self.marks.try_peek() {
            Some(placed) if placed.at == self.read => {
                let mark = placed.mark;
                self.marks.skip(1);
                return RingItem::Mark(mark);
            }
            Some(placed) => count.min((placed.at - self.read) as usize),
            None => count,
        };
        if count == 0 { RingItem::Empty } else { RingItem::SampleFrames(count) }
    }

    /// Reads interleaved sample frames.
    ///
    /// # Panics
    /// If fewer can be read.
    pub fn read(&mut self, interleaved: &mut [f32]) {
        let popped = self.samples.pop_slice(interleaved);
        assert_eq!(popped, interleaved.len(), "the reader asks how many there are first");
        self.read += (popped / self.channels) as u64;
    }

    /// Drops `count` sample frames.
    ///
    /// # Panics
    /// If fewer can be read.
    pub fn skip(&mut self, count: usize) {
        let skipped = self.samples.skip(count * self.channels);
        assert_eq!(skipped, count * self.channels, "the reader asks how many there are first");
        self.read += count as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_arrive_before_the_samples_they_are_for() {
        let (mut writer, mut reader) = marked_ring::<u32>(2, 8, 4);
        assert_eq!(reader.next(), RingItem::Empty);
        assert!(writer.mark(7));
        writer.write(&[1.0, 2.0, 3.0, 4.0]);
        assert!(writer.mark(8) && writer.mark(9));
        writer.write(&[5.0, 6.0]);
        assert_eq!(writer.room(), 5);

        assert_eq!(reader.next(), RingItem::Mark(7));
        assert_eq!(reader.next(), RingItem::SampleFrames(2));
        let mut frame = [0.0; 2];
        reader.read(&mut frame);
        assert_eq!(frame, [1.0, 2.0]);
        assert_eq!(reader.next(), RingItem::SampleFrames(1));
        reader.skip(1);
        assert_eq!(reader.next(), RingItem::Mark(8));
        assert_eq!(reader.next(), RingItem::Mark(9));
        reader.read(&mut frame);
        assert_eq!(frame, [5.0, 6.0]);
        assert_eq!(reader.next(), RingItem::Empty);
        assert_eq!(writer.room(), 8);
    }

    #[test]
    fn a_full_ring_of_marks_says_so() {
        let (mut writer, mut reader) = marked_ring::<u32>(1, 4, 1);
        assert!(writer.mark(1));
        assert!(!writer.mark(2));
        assert_eq!(reader.next(), RingItem::Mark(1));
        assert!(writer.mark(2));
        assert_eq!(reader.next(), RingItem::Mark(2));
    }

    /// Every sample carries its own number and every mark the number of the sample it precedes:
    /// whatever the interleaving of the threads, they must agree.
    #[test]
    fn threads_agree_on_where_marks_stand() {
        const COUNT: u64 = 100_000;
        let (mut writer, mut reader) = marked_ring::<u64>(1, 64, 8);
        let sender = std::thread::spawn(move || {
            let mut n = 0;
            while n < COUNT {
                if writer.room() == 0 || (n % 3 == 0 && !writer.mark(n)) {
                    std::thread::yield_now();
                    continue;
                }
                writer.write(&[n as f32]);
                n += 1;
            }
        });
        let (mut expected, mut marked) = (0, 0);
        while expected < COUNT {
            match reader.next() {
                RingItem::Mark(n) => {
                    assert_eq!(n, expected);
                    marked += 1;
                }
                RingItem::SampleFrames(_) => {
                    let mut frame = [0.0];
                    reader.read(&mut frame);
                    assert_eq!(frame[0], expected as f32);
                    assert!(expected % 3 != 0 || marked == expected / 3 + 1);
                    expected += 1;
                }
                RingItem::Empty => std::thread::yield_now(),
            }
        }
        sender.join().unwrap();
    }
}
