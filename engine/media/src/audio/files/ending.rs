//! Whether an Ogg or a Matroska file has its end.

use std::io;

use super::input::AudioInput;

/// Largest page of Ogg: a header, 255 lengths, 255 segments of 255 bytes.
const LARGEST_PAGE: u64 = 27 + 255 + 255 * 255;

/// Returns true if the last page of an Ogg file is whole and ends its stream.
pub(super) fn ogg_is_whole(input: &AudioInput) -> io::Result<bool> {
    const LAST_PAGE: u8 = 4;
    let start = input.length().saturating_sub(2 * LARGEST_PAGE);
    let tail = input.bytes(start, 2 * LARGEST_PAGE)?;
    let Some(page) = tail.windows(4).rposition(|bytes| bytes == b"OggS") else { return Ok(false) };
    let page = &tail[page..];
    let (Some(&flags), Some(&segments)) = (page.get(5), page.get(26)) else { return Ok(false) };
    let Some(lengths) = page.get(27..27 + usize::from(segments)) else { return Ok(false) };
    let content: usize = lengths.iter().map(|&length| usize::from(length)).sum();
    Ok(flags & LAST_PAGE != 0 && page.len() >= 27 + lengths.len() + content)
}

/// Returns the end of a Matroska file's segment; `None` for a live recording, which does not know it.
pub(super) fn matroska_end(input: &AudioInput) -> io::Result<Option<u64>> {
    const SEGMENT: u64 = 0x1853_8067;
    let head = input.bytes(0, 4096)?;
    let mut at = 0;
    while let Some((id, id_bytes)) = element_number(&head[at..], false) {
        at += id_bytes;
        let Some((size, size_bytes)) = element_number(&head[at..], true) else { break };
        at += size_bytes;
        let unknown = size == (1 << (7 * size_bytes)) - 1;
        if id == SEGMENT {
            return Ok((!unknown).then_some(at as u64 + size));
        }
        at = at.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        if at >= head.len() {
            break;
        }
    }
    Ok(None)
}

/// Returns an EBML number at the start of `bytes`, with or without the bits that state its length, and that length.
fn element_number(bytes: &[u8], value_only: bool) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    let number = bytes.get(..length).filter(|_| length <= 8)?;
    let word = number.iter().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
    let mask = if value_only { (1u64 << (7 * length)) - 1 } else { u64::MAX };
    Some((word & mask, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_numbers_have_their_length() {
        assert_eq!(element_number(&[0x82], true), Some((2, 1)));
        assert_eq!(element_number(&[0x18, 0x53, 0x80, 0x67], false), Some((0x1853_8067, 4)));
        assert_eq!(element_number(&[0x40, 0x02], true), Some((2, 2)));
        assert_eq!(element_number(&[0], true), None);
    }
}
