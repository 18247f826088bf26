//! Views of running audio: the codes of the last frames and the last samples of the lanes.
//!
//! Both are [histories](super::history): written without waiting, and only while there is a reader.
//!
//! ```text
//! codes record    position lo | position hi | streams | layers | codes [streams][layers], up to 128
//! lanes record    dry | A | B       one sample each, the average of the channels, as f32 bits
//! ```

use super::history::{HistoryReader, HistoryWriter};

/// Placeholder in [`FrameCodes`] for a code that does not exist.
pub const NO_CODE: u32 = u32::MAX;

/// Most codes of a frame that are passed on, over all streams and layers.
const MAX_CODES: usize = 128;
/// Words before the codes.
const HEADER: usize = 4;
/// Words of a codes record.
pub(super) const CODES_WIDTH: usize = HEADER + MAX_CODES;
/// Frames kept: 5 s at 50 frames a second.
pub(super) const CODES_CAPACITY: usize = 256;
/// Words of a lanes record: dry, A, B.
pub(super) const LANES_WIDTH: usize = 3;

/// Writes the codes of one frame. Realtime-safe.
pub(super) fn push_codes(
    writer: &mut HistoryWriter,
    position: u64,
    streams: usize,
    layers: usize,
    codes: impl Iterator<Item = u32>,
) {
    let header = [position as u32, (position >> 32) as u32, streams as u32, layers as u32];
    writer.push(header.into_iter().chain(codes));
}

/// Writes one sample of each lane. Realtime-safe.
pub(super) fn push_lanes(writer: &mut HistoryWriter, lanes: [f32; LANES_WIDTH]) {
    writer.push(lanes.map(f32::to_bits));
}

/// Codes that were decoded for one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameCodes<'a> {
    /// Position of the frame's first lane sample, counted from the opening of the port.
    pub position: u64,
    /// Streams.
    pub streams: usize,
    /// RVQ layers of a stream.
    pub layers: usize,
    /// Codes, `[streams][layers]`, [`NO_CODE`] where there is none. Of a model with more than 128 codes
    /// a frame, the first 128.
    pub codes: &'a [u32],
}

/// Reader of the codes of frames, as they are decoded.
pub struct CodesReader(pub(super) HistoryReader);

impl CodesReader {
    /// Calls `each` with every frame since the last call; returns how many were missed. Not
    /// realtime-safe.
    pub fn read(&mut self, mut each: impl FnMut(FrameCodes<'_>)) -> u64 {
        self.0.read(|words| {
            let position = u64::from(words[0]) | u64::from(words[1]) << 32;
            let (streams, layers) = (words[2] as usize, words[3] as usize);
            let codes = &words[HEADER..HEADER + (streams * layers).min(MAX_CODES)];
            each(FrameCodes { position, streams, layers, codes });
        })
    }
}

/// Reader of the lanes as they are played, aligned to the sample.
pub struct LanesReader(pub(super) HistoryReader);

impl LanesReader {
    /// Calls `each` with `[dry, A, B]`, averaged over the channels, for every sample since the last
    /// call; returns how many were missed. Not realtime-safe.
    pub fn read(&mut self, mut each: impl FnMut([f32; LANES_WIDTH])) -> u64 {
        self.0.read(|words| {
            each([words[0], words[1], words[2]].map(f32::from_bits));
        })
    }
}
