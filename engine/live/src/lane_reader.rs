//! Lanes A and B as they come from the worker, put where they belong in time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::model::DECODED_LANES;
use super::status::SharedStatus;
use super::stream::{Next, Reader};
use super::worker::LaneMark;

/// What part of a block came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// So many ticks have been read.
    There(usize),
    /// So many ticks are missing, and were expected.
    Late(usize),
    /// So many ticks are missing because no model runs.
    NoModel(usize),
}

/// The port's end of the lanes. All methods are realtime-safe, except while offline, when
/// [`LaneReader::read`] waits for the worker.
pub(super) struct LaneReader {
    lanes: Reader<LaneMark>,
    shared: Arc<SharedStatus>,
    /// Number of the next tick in the ring.
    position: u64,
    /// The stream that it belongs to.
    origin: u64,
    /// Samples a tick.
    width: usize,
    scratch: Vec<f32>,
}

impl LaneReader {
    pub fn new(
        lanes: Reader<LaneMark>,
        shared: Arc<SharedStatus>,
        channels: usize,
        max_block: usize,
    ) -> Self {
        let width = DECODED_LANES * channels;
        let scratch = vec![0.0; width * max_block];
        Self { lanes, shared, position: 0, origin: 0, width, scratch }
    }

    /// Drops what will not be played: ticks of other streams than the one that started at `origin`,
    /// and those before `wanted`.
    pub fn discard(&mut self, origin: u64, wanted: u64) {
        loop {
            match self.lanes.next() {
                Next::Mark(mark) => self.obey(&mark),
                Next::Ticks(count) if self.origin != origin => self.drop(count),
                Next::Ticks(count) if self.position < wanted => {
                    self.drop(count.min((wanted - self.position) as usize));
                }
                _ => return,
            }
        }
    }

    /// Reads the next ticks of the stream that started at `origin`, from tick `wanted` on, into
    /// `planes` (lane A's channels, then lane B's) from `at` to `end`, up to where what comes
    /// changes.
    pub fn read(
        &mut self,
        origin: u64,
        wanted: u64,
        planes: &mut [Vec<f32>],
        at: usize,
        end: usize,
        offline: bool,
    ) -> Span {
        let most = end - at;
        loop {
            self.discard(origin, wanted);
            match self.lanes.next() {
                Next::Ticks(count) if self.position == wanted => {
                    let count = count.min(most);
                    self.take(planes, at, count);
                    return Span::There(count);
                }
                Next::Ticks(_) => {
                    let gap = (self.position - wanted).min(most as u64) as usize;
                    return self.missing(wanted, gap);
                }
                // Came this moment.
                Next::Mark(mark) => self.obey(&mark),
                Next::Nothing => {
                    let expected = self.shared.lanes_from.load(Ordering::Acquire) <= wanted;
                    if !offline || !expected || self.shared.stop.load(Ordering::Relaxed) {
                        return self.missing(wanted, most);
                    }
                    std::thread::yield_now();
                }
            }
        }
    }

    fn missing(&self, wanted: u64, count: usize) -> Span {
        let from = self.shared.lanes_from.load(Ordering::Acquire);
        if from <= wanted {
            Span::Late(count)
        } else {
            Span::NoModel(count.min(usize::try_from(from - wanted).unwrap_or(count)))
        }
    }

    fn obey(&mut self, mark: &LaneMark) {
        self.position = mark.position;
        self.origin = mark.origin;
    }

    fn drop(&mut self, count: usize) {
        self.lanes.skip(count);
        self.position += count as u64;
    }

    fn take(&mut self, planes: &mut [Vec<f32>], at: usize, count: usize) {
        let ticks = &mut self.scratch[..count * self.width];
        self.lanes.read(ticks);
        self.position += count as u64;
        for (channel, plane) in planes.iter_mut().enumerate() {
            let samples = ticks.iter().skip(channel).step_by(self.width);
            plane[at..at + count].iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
        }
    }
}
