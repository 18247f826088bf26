//! The port's end of the lanes: places what the worker sends at its position in time.
//!
//! ```text
//! lanes ring      mark (position, origin), sample frames of A and B, mark, sample frames, ...
//!
//!                 other stream, or before `wanted`:  dropped
//!                 at `wanted`:                       Received
//!                 after `wanted`:                    a gap before it, Late or NoModel
//! lanes_from      position from which a running model delivers: a gap before it is NoModel,
//!                 one after it Late
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::marked_ring::{MarkedReader, RingItem};
use super::marks::LaneMark;
use super::model::DECODED_LANES;
use super::status::SharedStatus;

/// Whether a stretch of lane samples was there when it was to be played; holds its length in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// The samples have been read.
    Received(usize),
    /// The samples are missing although a model runs.
    Late(usize),
    /// The samples are missing because no model runs.
    NoModel(usize),
}

/// The port's end of the lanes. All methods are realtime-safe, except while offline, when
/// [`LaneReader::read`] waits for the worker.
pub(super) struct LaneReader {
    lanes: MarkedReader<LaneMark>,
    shared: Arc<SharedStatus>,
    /// Position of the next sample frame in the ring.
    position: u64,
    /// Origin of the stream that it belongs to.
    origin: u64,
    /// Samples of a sample frame: those of both lanes.
    width: usize,
    scratch: Vec<f32>,
}

impl LaneReader {
    pub fn new(
        lanes: MarkedReader<LaneMark>,
        shared: Arc<SharedStatus>,
        channels: usize,
        max_block: usize,
    ) -> Self {
        let width = DECODED_LANES * channels;
        let scratch = vec![0.0; width * max_block];
        Self { lanes, shared, position: 0, origin: 0, width, scratch }
    }

    /// Drops samples that will not be played: those of other streams than the one that began at
    /// `origin`, and those before position `wanted`. Returns how many sample frames can be read from
    /// [`position`](Self::position) on, which is `wanted` or later if there are any.
    pub fn discard(&mut self, origin: u64, wanted: u64) -> usize {
        loop {
            match self.lanes.next() {
                RingItem::Mark(LaneMark { position, origin }) => {
                    (self.position, self.origin) = (position, origin);
                }
                RingItem::SampleFrames(count) if self.origin != origin => self.skip(count),
                RingItem::SampleFrames(count) if self.position < wanted => {
                    self.skip(count.min((wanted - self.position) as usize));
                }
                RingItem::SampleFrames(count) => return count,
                RingItem::Empty => return 0,
            }
        }
    }

    /// Reads the next samples of the stream that began at `origin`, from position `wanted` on, into
    /// `planes` (lane A's channels, then lane B's) from `start` to `end`, up to where their arrival
    /// changes.
    pub fn read(
        &mut self,
        origin: u64,
        wanted: u64,
        planes: &mut [Vec<f32>],
        start: usize,
        end: usize,
        offline: bool,
    ) -> Arrival {
        let most = end - start;
        loop {
            // Looked at once a turn: between two looks samples of any position may come.
            match self.discard(origin, wanted) {
                0 => {
                    let expected = self.shared.lanes_from.load(Ordering::Acquire) <= wanted;
                    if !offline || !expected || self.shared.stop.load(Ordering::Relaxed) {
                        return self.missing(wanted, most);
                    }
                    std::thread::yield_now();
                }
                count if self.position == wanted => {
                    let count = count.min(most);
                    self.copy(planes, start, count);
                    return Arrival::Received(count);
                }
                _ => {
                    let gap = (self.position - wanted).min(most as u64) as usize;
                    return self.missing(wanted, gap);
                }
            }
        }
    }

    fn missing(&self, wanted: u64, count: usize) -> Arrival {
        let from = self.shared.lanes_from.load(Ordering::Acquire);
        if from <= wanted {
            Arrival::Late(count)
        } else {
            Arrival::NoModel(count.min(usize::try_from(from - wanted).unwrap_or(count)))
        }
    }

    fn skip(&mut self, count: usize) {
        self.lanes.skip(count);
        self.position += count as u64;
    }

    fn copy(&mut self, planes: &mut [Vec<f32>], start: usize, count: usize) {
        let interleaved = &mut self.scratch[..count * self.width];
        self.lanes.read(interleaved);
        self.position += count as u64;
        for (channel, plane) in planes.iter_mut().enumerate() {
            let samples = interleaved.iter().skip(channel).step_by(self.width);
            plane[start..start + count].iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::marked_ring::marked_ring;
    use super::*;

    /// Late samples are dropped whenever they come, also while the reader looks for those it wants.
    #[test]
    fn samples_that_come_late_during_a_read_are_dropped() {
        const WANTED: u64 = 300_000;
        let (mut writer, lanes) = marked_ring(DECODED_LANES, 64, 4);
        let mut reader = LaneReader::new(lanes, Arc::default(), 1, 1);
        let sender = std::thread::spawn(move || {
            assert!(writer.mark(LaneMark { position: 0, origin: 0 }));
            let mut position = 0;
            while position <= WANTED {
                if writer.room() == 0 {
                    std::thread::yield_now();
                    continue;
                }
                writer.write(&[position as f32; DECODED_LANES]);
                position += 1;
            }
        });
        let mut planes = vec![vec![0.0]; DECODED_LANES];
        let mut late = 0;
        while reader.read(0, WANTED, &mut planes, 0, 1, false) == Arrival::Late(1) {
            late += 1;
        }
        sender.join().unwrap();
        assert!(late > 0 && planes.iter().all(|plane| plane[0] == WANTED as f32));
    }
}
