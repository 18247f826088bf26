//! FLAC files, but for what other programs put around them.

use std::io;
use std::path::Path;

use super::collector::{FileFacts, SampleCollector, Stop};
use super::input::{AudioInput, Section};
use super::symphonia_reader::collect_with_symphonia;
use super::{AudioFileError, DecodedFile};

/// Bytes of the marker and of the first metadata block's header.
const BLOCK_SIZES: u64 = 8;
/// Frames of a fixed block size begin with these bytes.
const FIXED_FRAME: [u8; 2] = [0xFF, 0xF8];
/// The smallest block of the format.
const LEAST_BLOCK: u16 = 16;
const ID3V1_BYTES: u64 = 128;
const APE_FOOTER_BYTES: u64 = 32;

/// Reads the FLAC streams from byte `start` on: files that are joined byte by byte are several.
///
/// Tags behind the last stream would be taken for a part of its last frame, and are left out.
pub(super) fn read_flac(
    path: &Path,
    input: &AudioInput,
    start: u64,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let failed = |reason| AudioFileError::open(path, reason);
    let mut starts = find_streams(input, start).map_err(failed)?;
    starts.push(end_of_stream(input).map_err(failed)?);
    let mut collector = SampleCollector::new(path, max_samples);
    let mut facts = FileFacts { declared: Some(0), ..FileFacts::default() };
    for part in starts.windows(2) {
        let stream = stream(input, part[0], part[1]).map_err(failed)?;
        let more = collect_with_symphonia(stream, &mut collector)?;
        facts.declared = facts.declared.zip(more.declared).map(|(all, more)| all + more);
        if matches!(facts.stop, Stop::End) {
            facts.stop = more.stop;
        }
    }
    // Streams of other rates are converted, so that their lengths do not add up.
    facts.declared = facts.declared.filter(|_| starts.len() == 2);
    collector.finish(facts)
}

/// Returns the starts of all streams: their marker, and the header of their first block, which is 34 bytes long.
fn find_streams(input: &AudioInput, start: u64) -> io::Result<Vec<u64>> {
    const MARKER: &[u8] = b"fLaC";
    const READ_BYTES: u64 = 1 << 20;
    let mut starts = vec![start];
    let mut position = start + 1;
    while position < input.length() {
        // Blocks overlap by a marker, less a byte.
        let bytes = input.bytes(position, READ_BYTES + BLOCK_SIZES - 1)?;
        for (at, found) in bytes.windows(BLOCK_SIZES as usize).enumerate() {
            if found.starts_with(MARKER) && found[4] & 0x7F == 0 && found[5..] == [0, 0, 34] {
                starts.push(position + at as u64);
            }
        }
        position += READ_BYTES;
    }
    Ok(starts)
}

/// Returns a reader of the stream between two places. Encoders that were killed, or never knew, leave the smallest
/// block size 0, which the decoder would refuse.
fn stream(input: &AudioInput, start: u64, end: u64) -> io::Result<Section> {
    let mut stream = input.section(start, end.saturating_sub(start));
    let sizes = input.bytes(start + BLOCK_SIZES, 4)?;
    if let Some(&[least_high, least_low, most_high, most_low]) = sizes.first_chunk::<4>() {
        let least = u16::from_be_bytes([least_high, least_low]);
        let most = u16::from_be_bytes([most_high, most_low]);
        if most < LEAST_BLOCK {
            patch(&mut stream, BLOCK_SIZES + 2, u16::MAX);
        }
        if least < LEAST_BLOCK {
            let most = if most < LEAST_BLOCK { u16::MAX } else { most };
            let fixed = first_frame(input, start)? == Some(FIXED_FRAME);
            patch(&mut stream, BLOCK_SIZES, if fixed { most } else { LEAST_BLOCK });
        }
    }
    Ok(stream)
}

fn patch(stream: &mut Section, position: u64, value: u16) {
    for (at, byte) in (position..).zip(value.to_be_bytes()) {
        stream.patch(at, byte);
    }
}

/// Returns the first bytes of the first frame, behind the metadata.
fn first_frame(input: &AudioInput, start: u64) -> io::Result<Option<[u8; 2]>> {
    let mut position = start + 4;
    loop {
        let header = input.bytes(position, 4)?;
        let Some(&[kind, high, middle, low]) = header.first_chunk::<4>() else { return Ok(None) };
        position += 4 + u64::from(u32::from_be_bytes([0, high, middle, low]));
        if kind & 0x80 != 0 {
            return Ok(input.bytes(position, 2)?.first_chunk().copied());
        }
    }
}

/// Returns the end of the stream: that of the file without ID3v1 and APE tags.
fn end_of_stream(input: &AudioInput) -> io::Result<u64> {
    let mut end = input.length();
    if end >= ID3V1_BYTES && input.bytes(end - ID3V1_BYTES, 3)? == b"TAG" {
        end -= ID3V1_BYTES;
    }
    if end >= APE_FOOTER_BYTES {
        let footer = input.bytes(end - APE_FOOTER_BYTES, APE_FOOTER_BYTES)?;
        if let (true, Some(size)) = (footer.starts_with(b"APETAGEX"), footer.get(12..16)) {
            let size = u64::from(u32::from_le_bytes([size[0], size[1], size[2], size[3]]));
            let header = if footer[23] & 0x80 != 0 { APE_FOOTER_BYTES } else { 0 };
            end = end.saturating_sub(size + header);
        }
    }
    Ok(end)
}
