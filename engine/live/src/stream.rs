//! A lock-free stream of samples with marks between them, one writer and one reader.
//!
//! Samples lie interleaved in one ring, marks in another. A mark holds from a sample on and is
//! written before it, so that whoever sees a sample sees its mark: position, epoch and settings
//! travel with the audio and take effect at the sample they were meant for, however late the other
//! side runs.

use ringbuf::traits::{Consumer, Observer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// A mark and the number of ticks before it.
struct Marked<M> {
    at: u64,
    mark: M,
}

/// A stream of ticks (one sample of each channel) of `width` samples: room for `ticks` of them and
/// for `marks` marks.
pub fn stream<M: Copy>(width: usize, ticks: usize, marks: usize) -> (Writer<M>, Reader<M>) {
    let (samples_in, samples_out) = HeapRb::new(width * ticks).split();
    let (marks_in, marks_out) = HeapRb::new(marks).split();
    (
        Writer { width, samples: samples_in, marks: marks_in, written: 0 },
        Reader { width, samples: samples_out, marks: marks_out, read: 0 },
    )
}

/// The writing end. All methods are realtime-safe.
pub struct Writer<M> {
    width: usize,
    samples: HeapProd<f32>,
    marks: HeapProd<Marked<M>>,
    written: u64,
}

impl<M: Copy> Writer<M> {
    /// Ticks that can be written now.
    pub fn room(&self) -> usize {
        self.samples.vacant_len() / self.width
    }

    /// Marks the next tick written; false if there is no room for a mark.
    pub fn mark(&mut self, mark: M) -> bool {
        self.marks.try_push(Marked { at: self.written, mark }).is_ok()
    }

    /// Writes interleaved ticks.
    ///
    /// # Panics
    /// If there is no [`room`](Self::room) for them.
    pub fn write(&mut self, interleaved: &[f32]) {
        let pushed = self.samples.push_slice(interleaved);
        assert_eq!(pushed, interleaved.len(), "the writer asks for room first");
        self.written += (pushed / self.width) as u64;
    }
}

/// What comes next in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<M> {
    /// This mark holds for what follows. It has been taken from the stream.
    Mark(M),
    /// So many ticks, at least 1, can be read before the next mark.
    Ticks(usize),
    /// Nothing is there yet.
    Nothing,
}

/// The reading end. All methods are realtime-safe.
pub struct Reader<M> {
    width: usize,
    samples: HeapCons<f32>,
    marks: HeapCons<Marked<M>>,
    read: u64,
}

impl<M: Copy> Reader<M> {
    /// What comes next.
    pub fn next(&mut self) -> Next<M> {
        // Samples first: the marks before any sample seen here are then there to be seen as well.
        let ticks = self.samples.occupied_len() / self.width;
        let ticks = match self.marks.try_peek() {
            Some(marked) if marked.at == self.read => {
                let mark = marked.mark;
                self.marks.skip(1);
                return Next::Mark(mark);
            }
            Some(marked) => ticks.min((marked.at - self.read) as usize),
            None => ticks,
        };
        if ticks == 0 { Next::Nothing } else { Next::Ticks(ticks) }
    }

    /// Reads whole ticks, all of them known to be there.
    ///
    /// # Panics
    /// If they are not.
    pub fn read(&mut self, interleaved: &mut [f32]) {
        let popped = self.samples.pop_slice(interleaved);
        assert_eq!(popped, interleaved.len(), "the reader asks what is there first");
        self.read += (popped / self.width) as u64;
    }

    /// Drops ticks, all of them known to be there.
    ///
    /// # Panics
    /// If they are not.
    pub fn skip(&mut self, ticks: usize) {
        let skipped = self.samples.skip(ticks * self.width);
        assert_eq!(skipped, ticks * self.width, "the reader asks what is there first");
        self.read += ticks as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_arrive_before_the_samples_they_are_for() {
        let (mut writer, mut reader) = stream::<u32>(2, 8, 4);
        assert_eq!(reader.next(), Next::Nothing);
        assert!(writer.mark(7));
        writer.write(&[1.0, 2.0, 3.0, 4.0]);
        assert!(writer.mark(8) && writer.mark(9));
        writer.write(&[5.0, 6.0]);
        assert_eq!(writer.room(), 5);

        assert_eq!(reader.next(), Next::Mark(7));
        assert_eq!(reader.next(), Next::Ticks(2));
        let mut tick = [0.0; 2];
        reader.read(&mut tick);
        assert_eq!(tick, [1.0, 2.0]);
        assert_eq!(reader.next(), Next::Ticks(1));
        reader.skip(1);
        assert_eq!(reader.next(), Next::Mark(8));
        assert_eq!(reader.next(), Next::Mark(9));
        reader.read(&mut tick);
        assert_eq!(tick, [5.0, 6.0]);
        assert_eq!(reader.next(), Next::Nothing);
        assert_eq!(writer.room(), 8);
    }

    #[test]
    fn a_full_ring_of_marks_says_so() {
        let (mut writer, mut reader) = stream::<u32>(1, 4, 1);
        assert!(writer.mark(1));
        assert!(!writer.mark(2));
        assert_eq!(reader.next(), Next::Mark(1));
        assert!(writer.mark(2));
        assert_eq!(reader.next(), Next::Mark(2));
    }

    /// Every sample carries its own number and every mark the number of the sample it precedes:
    /// whatever the interleaving of the threads, they must agree.
    #[test]
    fn threads_agree_on_where_marks_stand() {
        const TICKS: u64 = 100_000;
        let (mut writer, mut reader) = stream::<u64>(1, 64, 8);
        let sender = std::thread::spawn(move || {
            let mut n = 0;
            while n < TICKS {
                if writer.room() == 0 || (n % 3 == 0 && !writer.mark(n)) {
                    std::thread::yield_now();
                    continue;
                }
                writer.write(&[n as f32]);
                n += 1;
            }
        });
        let (mut expected, mut marked) = (0, 0);
        while expected < TICKS {
            match reader.next() {
                Next::Mark(n) => {
                    assert_eq!(n, expected);
                    marked += 1;
                }
                Next::Ticks(_) => {
                    let mut tick = [0.0];
                    reader.read(&mut tick);
                    assert_eq!(tick[0], expected as f32);
                    assert!(expected % 3 != 0 || marked == expected / 3 + 1);
                    expected += 1;
                }
                Next::Nothing => std::thread::yield_now(),
            }
        }
        sender.join().unwrap();
    }
}
