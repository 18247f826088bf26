//! What views see of the running audio: the codes of the last frames and the lanes' last samples.
//!
//! Both are [histories](super::history): written without waiting, only while somebody reads.

use super::history::{HistoryReader, HistoryWriter};

/// Placeholder in [`FrameCodes`] for a code that does not exist.
pub const NO_CODE: u32 = u32::MAX;

/// Most codes of one frame that are passed on: streams times layers.
const MOST_CODES: usize = 128;
/// Words before the codes.
const HEAD: usize = 4;
/// Words of a frame's record.
pub(super) const CODES_WIDTH: usize = HEAD + MOST_CODES;
/// Frames kept: 5 s at 50 frames a second.
pub(super) const CODES_KEPT: usize = 256;
/// Lanes in a record of samples: dry, A, B.
pub(super) const TAP_WIDTH: usize = 3;

/// The record of one frame.
pub(super) fn frame_codes(
    position: u64,
    streams: usize,
    layers: usize,
    codes: impl Iterator<Item = u32>,
) -> impl Iterator<Item = u32> {
    [position as u32, (position >> 32) as u32, streams as u32, layers as u32]
        .into_iter()
        .chain(codes)
}

/// The codes that were decoded for one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameCodes<'a> {
    /// The first lane sample of the frame, counted from the opening of the port.
    pub position: u64,
    /// Streams.
    pub streams: usize,
    /// RVQ layers of a stream.
    pub layers: usize,
    /// One code a layer for each stream in turn, [`NO_CODE`](super::NO_CODE) where there is none. Of
    /// a model with more than 128 codes a frame, the first 128.
    pub codes: &'a [u32],
}

/// Reads the codes of frames as they are decoded.
pub struct CodesReader(pub(super) HistoryReader);

impl CodesReader {
    /// Calls `each` with every frame since the last call; returns how many were missed.
    pub fn read(&mut self, mut each: impl FnMut(FrameCodes<'_>)) -> u64 {
        self.0.read(|words| {
            let position = u64::from(words[0]) | u64::from(words[1]) << 32;
            let (streams, layers) = (words[2] as usize, words[3] as usize);
            let codes = &words[HEAD..HEAD + (streams * layers).min(MOST_CODES)];
            each(FrameCodes { position, streams, layers, codes });
        })
    }
}

/// Reads the lanes as they are played, aligned to the sample.
pub struct LanesReader(pub(super) HistoryReader);

impl LanesReader {
    /// Calls `each` with `[dry, A, B]`, the average of the channels each, for every sample since the
    /// last call; returns how many were missed.
    pub fn read(&mut self, mut each: impl FnMut([f32; TAP_WIDTH])) -> u64 {
        self.0.read(|words| {
            each([words[0], words[1], words[2]].map(f32::from_bits));
        })
    }
}

/// Writes one sample of the lanes.
pub(super) fn tap(writer: &mut HistoryWriter, lanes: [f32; TAP_WIDTH]) {
    writer.push(lanes.map(f32::to_bits));
}
