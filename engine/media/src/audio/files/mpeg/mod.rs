//! MPEG audio, layers I to III, also of joined files.

mod header;
mod parts;
mod tag;

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;

pub(super) use header::FrameHeader;
pub(super) use parts::id3v2_length;
use parts::{MpegParts, Part, find_parts};

use super::collector::{FileFacts, SampleCollector, Stop};
use super::decoder::make_decoder;
use super::input::AudioInput;
use super::limits::MAX_HELD_BYTES;
use super::packet_track::decode_packet;
use super::{AudioFileError, DecodedFile};

/// Missing samples that are no defect: encoders count their last frames differently.
const SLACK: u64 = 4096;

/// Reads the frames between two places of `input`.
///
/// Each part loses the delay and the padding that its own tag states, and parts of another format are converted to
/// the first one's.
pub(super) fn read_mpeg(
    path: &Path,
    input: &AudioInput,
    start: u64,
    end: u64,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let length = end.saturating_sub(start);
    if length > MAX_HELD_BYTES {
        return Err(AudioFileError::PipeTooLong { path: path.to_owned(), limit: MAX_HELD_BYTES });
    }
    let bytes = input.bytes(start, length).map_err(|reason| AudioFileError::open(path, reason))?;
    let MpegParts { parts, cut, gaps } = find_parts(&bytes);
    if parts.is_empty() {
        return Err(AudioFileError::not_audio(path, "no frames of MPEG audio found"));
    }
    let mut collector = SampleCollector::new(path, max_samples);
    for _ in 0..gaps {
        collector.corrupt("bytes between its frames are no MPEG audio".into());
    }
    let (mut declared, mut missing) = (0, 0);
    let mut counted = false;
    let mut decoder = None;
    for (number, part) in parts.iter().enumerate() {
        // Bare frames behind those that a tag counts belong to the same stream, as far as anybody knows.
        let continues = part.tag.is_none()
            && number > 0
            && part.header.continues(&parts[number - 1].header)
            && part.header.channels == parts[number - 1].header.channels;
        if !continues || decoder.is_none() {
            let mut parameters = AudioCodecParameters::new();
            parameters.for_codec(part.header.codec());
            decoder = Some(make_decoder(path, &parameters)?);
        }
        let Some(decoder) = &mut decoder else { continue };
        let mark = collector.mark();
        for &(at, length) in &part.frames {
            decode_packet(decoder.as_mut(), bytes[at..at + length].to_vec(), &mut collector)?;
        }
        let (delay, length) = heard_part(part);
        let is_new = collector.mark_follows(mark);
        collector.trim(is_new, delay, length);
        if let Some(frames) = part.tag.and_then(|tag| tag.frames) {
            counted = true;
            missing += frames.saturating_sub(part.frames.len() as u64) * part.header.samples();
        }
        declared += part.frames.len() as u64 * part.header.samples();
    }
    let facts = FileFacts::default();
    let declared = (counted && missing > 0).then_some(declared + missing);
    let stop = if cut { Stop::EndOfFile } else { Stop::End };
    collector.finish(FileFacts { stop, declared, slack: SLACK, ..facts })
}

/// Returns the samples to remove at the start of a part, and those to keep behind them.
fn heard_part(part: &Part) -> (u64, Option<u64>) {
    let Some(tag) = part.tag else { return (0, None) };
    let total = part.frames.len() as u64 * part.header.samples();
    let delay = tag.delay.unwrap_or(0);
    // Padding is behind the last frame that the tag counts, if it is there.
    let whole = tag.frames.is_some_and(|frames| part.frames.len() as u64 >= frames);
    let length = whole.then(|| total.saturating_sub(delay + tag.padding));
    (delay, length.filter(|_| tag.delay.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_all_versions_are_read() {
        let parse = |bytes: [u8; 4]| {
            FrameHeader::parse(&bytes)
                .map(|found| (found.layer, found.rate, found.channels, found.bytes))
        };
        assert_eq!(parse([0xFF, 0xFB, 0x90, 0x00]), Some((3, 44_100, 2, 417)));
        assert_eq!(parse([0xFF, 0xFB, 0x92, 0xC0]), Some((3, 44_100, 1, 418)));
        assert_eq!(parse([0xFF, 0xF3, 0x80, 0xC0]), Some((3, 22_050, 1, 208)));
        assert_eq!(parse([0xFF, 0xE3, 0x18, 0xC0]), Some((3, 8_000, 1, 72)));
        assert_eq!(parse([0xFF, 0xFD, 0xA4, 0x00]), Some((2, 48_000, 2, 576)));
        // ADTS, a reserved rate, free bitrate.
        assert_eq!(parse([0xFF, 0xF1, 0x50, 0x80]), None);
        assert_eq!(parse([0xFF, 0xFB, 0x9C, 0x00]), None);
        assert_eq!(parse([0xFF, 0xFB, 0x00, 0x00]), None);
    }

    #[test]
    fn tags_of_other_kinds_have_their_length() {
        assert_eq!(id3v2_length(b"ID3\x04\0\0\0\0\x02\x01rest"), Some(10 + 257));
        assert_eq!(id3v2_length(b"ID3\x04\0\x10\0\0\0\0"), Some(20));
        assert_eq!(id3v2_length(b"ID3\x04\0\0\x80\0\0\0"), None);
        assert_eq!(parts::foreign_tag(b"TAG of ID3v1"), Some(128));
        assert_eq!(parts::foreign_tag(b"RIFF"), None);
    }
}
