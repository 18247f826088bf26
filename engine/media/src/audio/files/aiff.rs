//! AIFF and AIFF-C files.

use std::path::Path;

use super::channel_order::{ChannelOrder, core_audio_layout};
use super::collector::{FileFacts, SampleCollector, Stop};
use super::input::AudioInput;
use super::pcm::{PcmFormat, SampleCoding};
use super::{AudioFileError, DecodedFile, ReadWarning};

/// Longest `COMM` or `CHAN` chunk that is looked at.
const MAX_FORMAT_BYTES: u64 = 4096;

/// The content of a `COMM` chunk.
struct CommonChunk {
    format: PcmFormat,
    frames: u64,
}

/// Reads an AIFF or AIFF-C file that begins at byte `start` of `input`.
pub(super) fn read_aiff(
    path: &Path,
    input: &AudioInput,
    start: u64,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let failed = |reason| AudioFileError::open(path, reason);
    let not_audio = |reason: &str| AudioFileError::not_audio(path, reason);
    let mut common = None;
    let mut layout = None;
    let mut samples = None;
    let mut appended = false;
    let mut position = start + 12;
    loop {
        let header = input.bytes(position, 8).map_err(failed)?;
        let (Some(id), Some(size)) = (header.first_chunk::<4>(), header.get(4..8)) else { break };
        let size = u64::from(u32::from_be_bytes([size[0], size[1], size[2], size[3]]));
        let content = position + 8;
        match id {
            b"COMM" => {
                let bytes = input.bytes(content, size.min(MAX_FORMAT_BYTES)).map_err(failed)?;
                common = Some(parse_common(path, &bytes)?);
            }
            b"CHAN" => {
                layout = Some(input.bytes(content, size.min(MAX_FORMAT_BYTES)).map_err(failed)?);
            }
            // Files that are joined byte by byte.
            b"FORM" => appended = samples.is_some(),
            // An offset and a block size precede the samples.
            b"SSND" if samples.is_none() => {
                let offset = input.bytes(content, 4).map_err(failed)?;
                let offset = offset.first_chunk().map_or(0, |&offset| u32::from_be_bytes(offset));
                samples = Some((content + 8 + u64::from(offset), content + size));
            }
            _ => {}
        }
        position = content + size.next_multiple_of(2);
    }
    let Some(common) = common else {
        return Err(not_audio("an AIFF without a `COMM` chunk: it is cut short or damaged"));
    };
    let Some((begin, end)) = samples else {
        return Err(not_audio("an AIFF without samples (no `SSND` chunk)"));
    };
    let format = common.format;
    // The count of samples and the chunk's size are 0, or lag behind, where a recorder was killed.
    let block = format.block() as u64;
    let stated = common.frames.max(end.saturating_sub(begin) / block);
    let open = common.frames == 0 || stated >= u64::from(u32::MAX) / block;
    let available = input.length().saturating_sub(begin);
    let bytes = if open { available } else { (stated * block).min(available) };

    let mut collector = SampleCollector::new(path, max_samples);
    if appended {
        collector.warn(ReadWarning::AppendedFile);
    }
    collector.begin(format.rate, format.channels)?;
    collector.expect(bytes / block)?;
    format.collect(&mut input.section(begin, bytes), &mut collector)?;
    let declared = (!open).then_some(common.frames);
    let cut = declared.is_some_and(|frames| frames > bytes / block);
    let stop = if cut { Stop::EndOfFile } else { Stop::End };
    let order = layout
        .and_then(|layout| core_audio_layout(&layout, format.channels))
        .unwrap_or_else(|| ChannelOrder::of_mask(0, format.channels));
    collector.finish(FileFacts { stop, declared, order: Some(order), ..FileFacts::default() })
}

fn parse_common(path: &Path, chunk: &[u8]) -> Result<CommonChunk, AudioFileError> {
    let Some(fields) = chunk.first_chunk::<18>() else {
        return Err(AudioFileError::not_audio(path, "an AIFF whose `COMM` chunk is cut"));
    };
    let channels = usize::from(u16::from_be_bytes([fields[0], fields[1]]));
    if channels == 0 {
        return Err(AudioFileError::NoChannels { path: path.to_owned() });
    }
    let frames = u64::from(u32::from_be_bytes([fields[2], fields[3], fields[4], fields[5]]));
    let bits = u16::from_be_bytes([fields[6], fields[7]]);
    let rate = extended_float(&fields[8..18]);
    let bytes = usize::from(bits).div_ceil(8);
    let integer = |big_endian: bool| match bytes {
        1..=4 => Ok((SampleCoding::Signed(bytes), big_endian)),
        _ => Err(AudioFileError::Ambiguous {
            path: path.to_owned(),
            what: format!("an AIFF of {bits}-bit samples"),
        }),
    };
    let (coding, big_endian) = match chunk.get(18..22) {
        None | Some(b"NONE" | b"twos") => integer(true)?,
        Some(b"sowt") => integer(false)?,
        Some(b"in24") => (SampleCoding::Signed(3), true),
        Some(b"in32") => (SampleCoding::Signed(4), true),
        Some(b"raw ") if bytes == 1 => (SampleCoding::Unsigned8, true),
        Some(b"fl32" | b"FL32") => (SampleCoding::Float32, true),
        Some(b"fl64" | b"FL64") => (SampleCoding::Float64, true),
        Some(b"alaw" | b"ALAW") => (SampleCoding::ALaw, true),
        Some(b"ulaw" | b"ULAW") => (SampleCoding::MuLaw, true),
        Some(other) => {
            let codec = format!("AIFF-C `{}`", other.escape_ascii());
            return Err(AudioFileError::UnsupportedCodec { path: path.to_owned(), codec });
        }
    };
    Ok(CommonChunk { format: PcmFormat { rate, channels, coding, big_endian }, frames })
}

/// Returns the whole part of an 80-bit float, 0 where it is no sample rate.
fn extended_float(bytes: &[u8]) -> u32 {
    let exponent = i32::from(u16::from_be_bytes([bytes[0], bytes[1]])) - 16_383;
    let mantissa = bytes[2..10].iter().fold(0u64, |word, &byte| word << 8 | u64::from(byte));
    if (0..32).contains(&exponent) { (mantissa >> (63 - exponent)) as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_80_bits_are_read() {
        assert_eq!(extended_float(&[0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]), 44_100);
        assert_eq!(extended_float(&[0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]), 48_000);
        assert_eq!(extended_float(&[0; 10]), 0);
        assert_eq!(extended_float(&[0xFF; 10]), 0);
    }
}
