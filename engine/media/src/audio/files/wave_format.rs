//! The `fmt ` chunk of WAVE files.

use std::path::Path;

use super::AudioFileError;
use super::channel_order::ChannelOrder;
use super::pcm::{PcmFormat, SampleCoding};

/// Format tags (`wFormatTag`).
mod tag {
    pub const PCM: u16 = 1;
    pub const MS_ADPCM: u16 = 2;
    pub const FLOAT: u16 = 3;
    pub const A_LAW: u16 = 6;
    pub const MU_LAW: u16 = 7;
    pub const IMA_ADPCM: u16 = 0x11;
    pub const MPEG: u16 = 0x50;
    pub const MP3: u16 = 0x55;
    pub const EXTENSIBLE: u16 = 0xFFFE;
}

/// Names of other format tags, for messages.
const NAMES: [(u16, &str); 12] = [
    (0x08, "DTS"),
    (0x31, "GSM 06.10"),
    (0x45, "G.726 ADPCM"),
    (0x64, "G.726 ADPCM"),
    (0x92, "AC-3 in S/PDIF"),
    (0xFF, "AAC"),
    (0x160, "Windows Media Audio"),
    (0x161, "Windows Media Audio"),
    (0x162, "Windows Media Audio"),
    (0x163, "Windows Media Audio"),
    (0x2000, "AC-3 (Dolby Digital)"),
    (0x2001, "DTS"),
];

/// The coding of a WAVE file's samples.
#[derive(Debug, PartialEq)]
pub(super) enum WaveCoding {
    /// Uncompressed samples, A-law or µ-law.
    Pcm(PcmFormat, ChannelOrder),
    /// MPEG audio, layers 1 to 3.
    Mpeg,
    /// ADPCM of Microsoft or IMA.
    Adpcm,
    /// A codec by its name.
    Other(String),
}

impl WaveCoding {
    /// Reads a `fmt ` chunk of any length from 14 bytes.
    ///
    /// # Errors
    /// [`AudioFileError::NoChannels`], [`AudioFileError::Ambiguous`] for what programs understand differently.
    pub(super) fn parse(
        path: &Path,
        chunk: &[u8],
        big_endian: bool,
    ) -> Result<Self, AudioFileError> {
        let ambiguous = |what: String| AudioFileError::Ambiguous { path: path.to_owned(), what };
        let u16_at = |at: usize| {
            let bytes = chunk.get(at..at + 2)?.try_into().ok()?;
            Some(if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
        };
        let u32_at = |at: usize| {
            let bytes = chunk.get(at..at + 4)?.try_into().ok()?;
            Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
        };
        let (Some(mut format), Some(channels), Some(rate), Some(align)) =
            (u16_at(0), u16_at(2), u32_at(4), u16_at(12))
        else {
            return Err(ambiguous("a WAV whose `fmt ` chunk is cut".into()));
        };
        let bits = u16_at(14).unwrap_or(8);
        let (channels, align) = (usize::from(channels), usize::from(align));
        if channels == 0 {
            return Err(AudioFileError::NoChannels { path: path.to_owned() });
        }

        let mut mask = 0;
        let extensible = format == tag::EXTENSIBLE;
        if extensible {
            let (Some(stated), Some(guid)) = (u32_at(20), chunk.get(24..40)) else {
                return Err(ambiguous("a WAV whose extensible `fmt ` chunk is cut".into()));
            };
            mask = stated;
            match format_of_guid(guid, big_endian) {
                Some(tag) => format = tag,
                None => return Ok(Self::Other("a WAV format without a known name".into())),
            }
        }

        let least_bytes = usize::from(bits).div_ceil(8);
        let coding = match format {
            tag::MPEG | tag::MP3 => return Ok(Self::Mpeg),
            tag::MS_ADPCM | tag::IMA_ADPCM => return Ok(Self::Adpcm),
            tag::PCM if bits == 0 => return Err(ambiguous("PCM of 0 bits".into())),
            tag::PCM if least_bytes == 1 => SampleCoding::Unsigned8,
            tag::PCM if least_bytes <= 4 => SampleCoding::Signed(least_bytes),
            tag::PCM => return Err(ambiguous(format!("PCM of {bits} bits"))),
            tag::FLOAT if bits == 32 => SampleCoding::Float32,
            tag::FLOAT if bits == 64 => SampleCoding::Float64,
            tag::FLOAT => return Err(ambiguous(format!("float samples of {bits} bits"))),
            tag::A_LAW => SampleCoding::ALaw,
            tag::MU_LAW => SampleCoding::MuLaw,
            other => {
                let name = NAMES.iter().find(|(tag, _)| *tag == other);
                return Ok(Self::Other(name.map_or_else(
                    || format!("WAV format 0x{other:04X}"),
                    |(_, name)| (*name).to_owned(),
                )));
            }
        };
        let pcm = PcmFormat { rate, channels, coding, big_endian };
        // Some programs leave the block size out, or write that of one channel.
        let usual = [0, pcm.block(), coding.bytes()];
        if usual.contains(&align) {
            return Ok(Self::Pcm(pcm, ChannelOrder::of_mask(mask, channels)));
        }
        // A container wider than its samples. The upper bits are the valid ones where the format says so; under a
        // plain tag, programs differ (upper bits, lower bits, floats).
        let wider = align / channels;
        let fits = align % channels == 0 && (least_bytes..=4).contains(&wider);
        if extensible && fits && matches!(coding, SampleCoding::Signed(_)) {
            let pcm = PcmFormat { coding: SampleCoding::Signed(wider), ..pcm };
            return Ok(Self::Pcm(pcm, ChannelOrder::of_mask(mask, channels)));
        }
        Err(ambiguous(format!(
            "a WAV of {bits}-bit samples in blocks of {align} bytes ({channels} channels)"
        )))
    }
}

/// Returns the format tag in a sub-format GUID, from the range for WAVE tags or for ambisonics.
fn format_of_guid(guid: &[u8], big_endian: bool) -> Option<u16> {
    const WAVE: [u8; 12] = [0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
    const WAVE_BIG_ENDIAN: [u8; 12] = [0, 0, 0, 0x10, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
    const AMBISONIC: [u8; 12] = [0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0];
    if big_endian && guid[..2] == [0, 0] && guid[4..] == WAVE_BIG_ENDIAN {
        return Some(u16::from_be_bytes([guid[2], guid[3]]));
    }
    let tag = u16::from_le_bytes([guid[0], guid[1]]);
    (guid[4..] == AMBISONIC || (guid[2..4] == [0, 0] && guid[4..] == WAVE)).then_some(tag)
}
