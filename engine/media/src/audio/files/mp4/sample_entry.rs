//! Audio sample descriptions of MP4 and QuickTime files: which codec, in which form.

use std::path::Path;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_ALAC, CODEC_ID_FLAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3,
};

use super::boxes::{boxes, find, u16_at, u32_at, u64_at};
use crate::audio::files::AudioFileError;
use crate::audio::files::esds::stream_descriptor;
use crate::audio::files::pcm::{PcmFormat, SampleCoding};

/// A track's codec.
#[derive(Debug)]
pub(super) enum Mp4Coding {
    /// Uncompressed samples, A-law or µ-law.
    Pcm(PcmFormat),
    /// A codec of packets.
    Packets(AudioCodecParameters),
}

/// The audio description in `stsd`, and the boxes that follow it.
#[derive(Debug)]
pub(super) struct SampleEntry<'a> {
    kind: [u8; 4],
    channels: usize,
    bits: usize,
    rate: u32,
    /// Flags of linear PCM in a description of version 2.
    flags: u32,
    /// Bytes of a sample of every channel, where a description of version 2 states them.
    block: Option<usize>,
    extensions: &'a [u8],
}

impl<'a> SampleEntry<'a> {
    /// Reads the first description of `stsd`, of version 0, 1 or 2.
    pub(super) fn parse(stsd: &'a [u8]) -> Option<Self> {
        let entry = boxes(stsd.get(8..)?).next()?;
        let content = entry.content;
        let version = u16_at(content, 8)?;
        let mut parsed = Self {
            kind: entry.kind,
            channels: usize::from(u16_at(content, 16)?),
            bits: usize::from(u16_at(content, 18)?),
            rate: u32::from(u16_at(content, 24)?),
            flags: 0,
            block: None,
            extensions: content.get(if version == 1 { 44 } else { 28 }..)?,
        };
        if version == 2 {
            parsed.rate = f64::from_bits(u64_at(content, 32)?).round() as u32;
            parsed.channels = u32_at(content, 40)? as usize;
            parsed.bits = u32_at(content, 48)? as usize;
            parsed.flags = u32_at(content, 52)?;
            parsed.block = Some(u32_at(content, 56)? as usize);
            parsed.extensions = content.get(64..)?;
        }
        // MP4 writes no versions 1 and 2, and some MP4 files carry the number all the same.
        let begins_a_box =
            |bytes: &[u8]| u32_at(bytes, 0).is_some_and(|size| size as usize <= bytes.len());
        if version == 1 && !begins_a_box(parsed.extensions) && !parsed.extensions.is_empty() {
            parsed.extensions = content.get(28..)?;
        }
        Some(parsed)
    }

    /// Returns the declared channels.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Returns the content of an extension, which QuickTime may put inside `wave`.
    pub(super) fn extension(&self, kind: &[u8; 4]) -> Option<&'a [u8]> {
        find(self.extensions, &[kind]).or_else(|| find(self.extensions, &[b"wave", kind]))
    }

    /// Returns the codec.
    pub(super) fn coding(&self, path: &Path) -> Result<Mp4Coding, AudioFileError> {
        if self.channels == 0 {
            return Err(AudioFileError::NoChannels { path: path.to_owned() });
        }
        if let Some((coding, big_endian)) = self.pcm(path)? {
            let (rate, channels) = (self.rate, self.channels);
            return Ok(Mp4Coding::Pcm(PcmFormat { rate, channels, coding, big_endian }));
        }
        let mut parameters = AudioCodecParameters::new();
        match &self.kind {
            b"mp4a" => {
                let descriptor = self.extension(b"esds").and_then(|esds| {
                    // Version and flags precede the descriptor.
                    stream_descriptor(esds.get(4..)?)
                });
                match descriptor.as_ref().map(|found| found.object_type) {
                    Some(0x40 | 0x66..=0x68) => {
                        let configuration =
                            descriptor.and_then(|found| found.configuration).unwrap_or(&[]);
                        parameters.for_codec(CODEC_ID_AAC).with_extra_data(configuration.into());
                    }
                    Some(0x69 | 0x6B) => {
                        parameters.for_codec(CODEC_ID_MP3);
                    }
                    Some(other) => {
                        return Err(unsupported(path, format!("MPEG-4 codec 0x{other:02X}")));
                    }
                    None => return Err(unsupported(path, "MPEG-4 without a description".into())),
                }
            }
            b".mp3" | b"ms\0U" => {
                parameters.for_codec(CODEC_ID_MP3);
            }
            b".mp2" | b"ms\0P" => {
                parameters.for_codec(CODEC_ID_MP2);
            }
            b".mp1" => {
                parameters.for_codec(CODEC_ID_MP1);
            }
            b"alac" => {
                let cookie = self.extension(b"alac").and_then(|alac| alac.get(4..)).unwrap_or(&[]);
                parameters.for_codec(CODEC_ID_ALAC).with_extra_data(cookie.into());
            }
            b"fLaC" => {
                // Version and flags, then the header of the first metadata block.
                let info =
                    self.extension(b"dfLa").and_then(|boxed| boxed.get(8..42)).unwrap_or(&[]);
                parameters.for_codec(CODEC_ID_FLAC).with_extra_data(info.into());
            }
            kind => return Err(unsupported(path, name(kind))),
        }
        Ok(Mp4Coding::Packets(parameters))
    }

    /// Returns the coding of uncompressed samples and whether the most significant byte is first.
    fn pcm(&self, path: &Path) -> Result<Option<(SampleCoding, bool)>, AudioFileError> {
        const FLOAT: u32 = 1;
        const BIG_ENDIAN: u32 = 2;
        const SIGNED: u32 = 4;
        // `enda` says that samples of these types are little-endian.
        let enda = self.extension(b"enda").and_then(|enda| u16_at(enda, 0)).unwrap_or(0);
        let big_endian = enda == 0;
        let bytes = self.bits.div_ceil(8);
        let not_sure = || AudioFileError::NotSure {
            path: path.to_owned(),
            what: format!("{} of {} bits in MP4 or QuickTime", name(&self.kind), self.bits),
        };
        let integer = |big_endian: bool| match bytes {
            1..=4 => Ok((SampleCoding::Signed(bytes), big_endian)),
            _ => Err(not_sure()),
        };
        let float = |bits: usize, big_endian: bool| match bits {
            32 => Ok((SampleCoding::Float32, big_endian)),
            64 => Ok((SampleCoding::Float64, big_endian)),
            _ => Err(not_sure()),
        };
        Ok(Some(match &self.kind {
            b"raw " | b"NONE" if bytes == 1 => (SampleCoding::Unsigned8, true),
            b"NONE" | b"twos" => integer(true)?,
            b"raw " => return Err(not_sure()),
            b"sowt" => integer(false)?,
            b"in24" => (SampleCoding::Signed(3), big_endian),
            b"in32" => (SampleCoding::Signed(4), big_endian),
            b"fl32" => (SampleCoding::Float32, big_endian),
            b"fl64" => (SampleCoding::Float64, big_endian),
            b"alaw" => (SampleCoding::ALaw, true),
            b"ulaw" => (SampleCoding::MuLaw, true),
            // Samples in wider containers.
            b"lpcm" if self.block.is_some_and(|block| block != self.channels * bytes) => {
                return Err(not_sure());
            }
            b"lpcm" => {
                let big_endian = self.flags & BIG_ENDIAN != 0;
                match (self.flags & FLOAT != 0, self.flags & SIGNED != 0) {
                    (true, _) => float(self.bits, big_endian)?,
                    (false, true) => integer(big_endian)?,
                    (false, false) if bytes == 1 => (SampleCoding::Unsigned8, true),
                    (false, false) => return Err(not_sure()),
                }
            }
            b"ipcm" | b"fpcm" => {
                let form =
                    self.extension(b"pcmC").and_then(|form| form.get(4..6)).ok_or_else(not_sure)?;
                let (big_endian, bits) = (form[0] & 1 == 0, usize::from(form[1]));
                match &self.kind {
                    b"fpcm" => float(bits, big_endian)?,
                    _ if bits == self.bits => integer(big_endian)?,
                    _ => return Err(not_sure()),
                }
            }
            _ => return Ok(None),
        }))
    }
}

fn unsupported(path: &Path, codec: String) -> AudioFileError {
    AudioFileError::UnsupportedCodec { path: path.to_owned(), codec }
}

/// Returns the usual name of a codec's four characters.
fn name(kind: &[u8; 4]) -> String {
    let known = match kind {
        b"Opus" => "Opus",
        b"ac-3" => "AC-3 (Dolby Digital)",
        b"ec-3" => "E-AC-3 (Dolby Digital Plus)",
        b"ac-4" => "AC-4",
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" => "DTS",
        b"samr" | b"sawb" => "AMR",
        b"enca" => "encrypted",
        b"ima4" => "IMA ADPCM",
        _ => return format!("MP4 `{}`", kind.escape_ascii()),
    };
    known.into()
}
