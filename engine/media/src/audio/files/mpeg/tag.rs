//! The first frame of an encoder that holds a tag (Xing, Info, VBRI) instead of sound.

use super::header::{FrameHeader, HEADER_BYTES};

/// Samples by which decoders of layer III are late, which encoders do not count.
const DECODER_DELAY: u64 = 529;

/// A tag's statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EncoderTag {
    /// Frames behind the tag, where it counts them.
    pub frames: Option<u64>,
    /// Samples at the start that are no sound, the decoder's among them; `None` where the tag does not say.
    pub delay: Option<u64>,
    /// Samples at the end that are no sound.
    pub padding: u64,
}

impl EncoderTag {
    /// Reads the tag in `frame`, if it holds one.
    pub(super) fn parse(header: &FrameHeader, frame: &[u8]) -> Option<Self> {
        if header.layer != 3 {
            return None;
        }
        // Encoders leave out the checksum in the place of the tag, or count it.
        let place = HEADER_BYTES + header.side_information();
        Self::xing(frame.get(place..)?)
            .or_else(|| Self::xing(frame.get(place + 2..).filter(|_| header.checksum)?))
            .or_else(|| Self::vbri(frame.get(HEADER_BYTES + 32..)?))
    }

    fn xing(tag: &[u8]) -> Option<Self> {
        if !matches!(tag.first_chunk()?, b"Xing" | b"Info") {
            return None;
        }
        let word = |at: usize| Some(u32::from_be_bytes(*tag.get(at..)?.first_chunk()?));
        let flags = word(4)?;
        // Frames, bytes, a table of contents and the quality, each if its flag is set.
        let mut at = 8;
        let mut frames = None;
        for (flag, bytes) in [(1, 4), (2, 4), (4, 100), (8, 4)] {
            if flags & flag != 0 {
                if flag == 1 {
                    frames = word(at).map(u64::from).filter(|frames| *frames > 0);
                }
                at += bytes;
            }
        }
        // LAME's extension: 9 bytes of a name, 12 others, then delay and padding in 12 bits each.
        let mut parsed = Self { frames, ..Self::default() };
        let extension = tag.get(at..at + 24).filter(|extension| extension[..4].is_ascii());
        if let Some(extension) = extension.filter(|extension| extension[0] != 0) {
            let [high, middle, low] = [extension[21], extension[22], extension[23]].map(u64::from);
            let delay = high << 4 | middle >> 4;
            let padding = (middle & 15) << 8 | low;
            parsed.delay = Some(delay + DECODER_DELAY);
            parsed.padding = padding.saturating_sub(DECODER_DELAY);
        }
        Some(parsed)
    }

    fn vbri(tag: &[u8]) -> Option<Self> {
        if tag.first_chunk()? != b"VBRI" {
            return None;
        }
        let frames = u32::from_be_bytes(*tag.get(14..)?.first_chunk()?);
        Some(Self {
            frames: Some(u64::from(frames)).filter(|frames| *frames > 0),
            ..Self::default()
        })
    }
}
