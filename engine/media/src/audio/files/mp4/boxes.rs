//! Boxes of MP4 and QuickTime files (ISO/IEC 14496-12).

use std::io;

use crate::audio::files::input::AudioInput;

/// A box in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryBox<'a> {
    /// Its type.
    pub kind: [u8; 4],
    /// Its content.
    pub content: &'a [u8],
}

/// Returns the boxes in `bytes`, up to the first that is damaged.
pub(super) fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = MemoryBox<'_>> {
    std::iter::from_fn(move || {
        let size = u32_at(bytes, 0)? as usize;
        let kind = *bytes.get(4..)?.first_chunk()?;
        let (header, size) = match size {
            0 => (8, bytes.len()),
            1 => (16, usize::try_from(u64_at(bytes, 8)?).ok()?),
            size => (8, size),
        };
        let content = bytes.get(header..size.min(bytes.len()))?;
        bytes = bytes.get(size.max(header)..).unwrap_or(&[]);
        Some(MemoryBox { kind, content })
    })
}

/// Returns the content of the first box on a path of types.
pub(super) fn find<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    let mut content = bytes;
    for kind in path {
        content = boxes(content).find(|found| &found.kind == *kind)?.content;
    }
    Some(content)
}

/// Returns the big-endian integer at byte `at`.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the big-endian integer at byte `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Returns the big-endian integer at byte `at`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The boxes at the top of a file that matter.
#[derive(Debug, Default)]
pub(super) struct TopBoxes {
    /// Content of the index, `moov`.
    pub movie: Option<Vec<u8>>,
    /// True if samples lie in fragments (`moof`).
    pub fragmented: bool,
    /// True if the last box goes beyond the end of the file.
    pub cut: bool,
    /// True if another file is joined to this one, byte by byte.
    pub appended: bool,
}

/// Walks the boxes at the top of a file; holds at most `max_bytes` of an index.
pub(super) fn top_boxes(input: &AudioInput, max_bytes: u64) -> io::Result<TopBoxes> {
    let mut top = TopBoxes::default();
    let mut position = 0u64;
    while position < input.length() {
        let header = input.bytes(position, 16)?;
        let (Some(size), Some(kind)) = (u32_at(&header, 0), header.get(4..8)) else { break };
        let (head, size) = match size {
            0 => (8, input.length() - position),
            1 => (16, u64_at(&header, 8).unwrap_or(0)),
            size => (8, u64::from(size)),
        };
        if size < head {
            break;
        }
        match kind {
            b"moov" if top.movie.is_none() => {
                top.movie = Some(input.bytes(position + head, (size - head).min(max_bytes))?);
            }
            b"moov" => top.appended = true,
            b"moof" => top.fragmented = true,
            _ => {}
        }
        match position.checked_add(size) {
            Some(next) => position = next,
            None => break,
        }
    }
    top.cut = position > input.length();
    Ok(top)
}
