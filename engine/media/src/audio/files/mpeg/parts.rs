//! The parts of an MPEG audio stream: what one encoder wrote at a time.
//!
//! Files are joined by appending one to the other, with their tags. Each encoder tag, and each change of format,
//! begins a part; ID3, APE and other tags lie between them.

use super::header::{FrameHeader, HEADER_BYTES};
use super::tag::EncoderTag;

/// Frames in a row that make sure that a stream begins, and not other bytes that look like a header.
const SURE_FRAMES: usize = 3;

/// Frames of one encoder.
#[derive(Debug)]
pub(super) struct Part {
    /// Format of its first frame.
    pub header: FrameHeader,
    /// Its tag, if it has one.
    pub tag: Option<EncoderTag>,
    /// Start and length of its frames in bytes, without that of the tag.
    pub frames: Vec<(usize, usize)>,
}

/// The frames found.
#[derive(Debug, Default)]
pub(super) struct MpegParts {
    /// Parts in the order of time.
    pub parts: Vec<Part>,
    /// True if the stream ends inside a frame.
    pub cut: bool,
    /// Places between frames that are neither frames nor tags.
    pub gaps: usize,
}

/// Finds the frames in `bytes`.
pub(super) fn find_parts(bytes: &[u8]) -> MpegParts {
    let mut found = MpegParts::default();
    let mut at = 0;
    let mut in_stream = false;
    // Bytes since the last frame that are neither zeros nor tags.
    let mut garbage = 0;
    while at + HEADER_BYTES <= bytes.len() {
        if let Some(length) = foreign_tag(&bytes[at..]) {
            at += length;
            continue;
        }
        let header = FrameHeader::parse(&bytes[at..]);
        let known = header.filter(|header| {
            let earlier = found.parts.last().filter(|_| in_stream);
            earlier.is_some_and(|part| header.continues(&part.header))
                || is_sure(&bytes[at..], header)
        });
        let Some(header) = known else {
            in_stream = false;
            garbage += usize::from(bytes[at] != 0);
            at += 1;
            continue;
        };
        let Some(frame) = bytes.get(at..at + header.bytes) else {
            found.cut = true;
            break;
        };
        in_stream = true;
        if !found.parts.is_empty() && garbage > 0 {
            found.gaps += 1;
        }
        garbage = 0;
        let tag = EncoderTag::parse(&header, frame);
        let begins = match found.parts.last() {
            None => true,
            Some(part) => {
                let same =
                    header.continues(&part.header) && header.channels == part.header.channels;
                tag.is_some()
                    || !same
                    || part.tag.and_then(|tag| tag.frames) == Some(part.frames.len() as u64)
            }
        };
        if begins {
            found.parts.push(Part { header, tag, frames: Vec::new() });
        }
        if let (None, Some(part)) = (tag, found.parts.last_mut()) {
            part.frames.push((at, header.bytes));
        }
        at += header.bytes;
    }
    found
}

/// Returns true if further frames, a tag, or the end follow the frame at the start of `bytes`.
fn is_sure(bytes: &[u8], header: &FrameHeader) -> bool {
    let mut at = 0;
    let mut header = *header;
    for _ in 1..SURE_FRAMES {
        at += header.bytes;
        match bytes.get(at..) {
            // The end, after a whole frame or two.
            Some([]) => return true,
            None => return at > header.bytes,
            Some(rest) if foreign_tag(rest).is_some() => return true,
            Some(rest) => match FrameHeader::parse(rest) {
                Some(next) if next.continues(&header) => header = next,
                // Encoder tags may stand in a stream of another format.
                _ => return EncoderTag::parse(&header, &bytes[at - header.bytes..at]).is_some(),
            },
        }
    }
    true
}

/// Returns the length of a tag of another kind at the start of `bytes`.
pub(super) fn foreign_tag(bytes: &[u8]) -> Option<usize> {
    const ID3V1_BYTES: usize = 128;
    let little = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    if let Some(length) = id3v2_length(bytes) {
        return Some(length);
    }
    if bytes.starts_with(b"TAG") {
        return Some(ID3V1_BYTES);
    }
    if bytes.starts_with(b"APETAGEX") {
        // The size counts the items and the footer, not a header.
        let is_header = little(20)? & (1 << 29) != 0;
        return Some(if is_header { 32usize.checked_add(little(12)?)? } else { 32 });
    }
    None
}

/// Returns the length of an ID3v2 tag at the start of `bytes`.
pub(in crate::audio::files) fn id3v2_length(bytes: &[u8]) -> Option<usize> {
    const HEADER: usize = 10;
    const FOOTER_FLAG: u8 = 0x10;
    let head = bytes.first_chunk::<HEADER>()?;
    let plain = head[6..].iter().all(|byte| byte & 0x80 == 0);
    if &head[..3] != b"ID3" || head[3] == 0xFF || head[4] == 0xFF || !plain {
        return None;
    }
    let size = head[6..].iter().fold(0usize, |size, &byte| size << 7 | usize::from(byte));
    Some(HEADER + size + if head[5] & FOOTER_FLAG != 0 { HEADER } else { 0 })
}
