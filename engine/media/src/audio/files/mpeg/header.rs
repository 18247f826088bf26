//! Headers of MPEG audio frames (ISO/IEC 11172-3 and 13818-3), and of the MPEG 2.5 extension.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3};

/// Bytes of a header.
pub(in crate::audio::files) const HEADER_BYTES: usize = 4;

/// Bitrates in kbit/s by index, for layers I, II and III of MPEG 1, and layers I, and II and III of MPEG 2.
const BITRATES: [[u32; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// A frame's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audio::files) struct FrameHeader {
    /// Layer, 1 to 3.
    pub layer: u8,
    /// True for MPEG 1, false for the lower rates of MPEG 2 and 2.5.
    pub mpeg1: bool,
    /// Sample rate in hertz.
    pub rate: u32,
    /// Channels, 1 or 2.
    pub channels: usize,
    /// Length with its header in bytes.
    pub bytes: usize,
    /// True if a checksum follows the header.
    pub checksum: bool,
}

impl FrameHeader {
    /// Reads a header at the start of `bytes`; `None` where there is none, and for frames of free bitrate.
    pub(in crate::audio::files) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[sync, kind, coding, mode] = bytes.first_chunk()?;
        if sync != 0xFF || kind & 0xE0 != 0xE0 {
            return None;
        }
        let (version, layer_bits) = (kind >> 3 & 3, kind >> 1 & 3);
        let layer = 4u8.checked_sub(layer_bits).filter(|layer| *layer < 4)?;
        let divisor = match version {
            3 => 1,
            2 => 2,
            0 => 4,
            _ => return None,
        };
        let rate = *[44_100, 48_000, 32_000].get(usize::from(coding >> 2 & 3))? / divisor;
        let mpeg1 = version == 3;
        let table = match (mpeg1, layer) {
            (true, layer) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let bitrate =
            BITRATES[table].get(usize::from(coding >> 4)).filter(|rate| **rate > 0)? * 1000;
        let padding = u32::from(coding >> 1 & 1);
        let bytes = match layer {
            1 => (12 * bitrate / rate + padding) * 4,
            3 if !mpeg1 => 72 * bitrate / rate + padding,
            _ => 144 * bitrate / rate + padding,
        };
        Some(Self {
            layer,
            mpeg1,
            rate,
            channels: if mode >> 6 == 3 { 1 } else { 2 },
            bytes: bytes as usize,
            checksum: kind & 1 == 0,
        })
    }

    /// Returns the samples of a channel in a frame.
    pub(in crate::audio::files) fn samples(&self) -> u64 {
        match self.layer {
            1 => 384,
            3 if !self.mpeg1 => 576,
            _ => 1152,
        }
    }

    /// Returns true if frames with these headers can follow one another in one stream.
    pub(super) fn continues(&self, earlier: &Self) -> bool {
        (self.layer, self.mpeg1, self.rate) == (earlier.layer, earlier.mpeg1, earlier.rate)
    }

    /// Returns symphonia's name of the layer.
    pub(super) fn codec(&self) -> AudioCodecId {
        match self.layer {
            1 => CODEC_ID_MP1,
            2 => CODEC_ID_MP2,
            _ => CODEC_ID_MP3,
        }
    }

    /// Returns the bytes of the side information of layer III.
    pub(super) fn side_information(&self) -> usize {
        match (self.mpeg1, self.channels) {
            (true, 2) => 32,
            (false, 1) => 9,
            _ => 17,
        }
    }
}
