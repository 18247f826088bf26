//! The table of containers: who reads what.
//!
//! | container | read by |
//! |---|---|
//! | WAV, RIFX, RF64, BW64, Wave64 | `wave`; MPEG audio in it by `mpeg`, ADPCM by symphonia |
//! | AIFF, AIFF-C | `aiff` |
//! | CAF | `caf`; packets by symphonia's decoders |
//! | MP4, M4A, 3GP, QuickTime | `mp4`; packets by symphonia's decoders, fragments by its demuxer |
//! | MP1, MP2, MP3 | `mpeg`; frames by symphonia's decoders |
//! | FLAC, Ogg, Matroska and WebM, ADTS | symphonia |
//! | everything else | ffmpeg, where it is installed |
//!
//! The module `decoder` decides which codecs symphonia's decoders are trusted with.

use super::AudioFileError;
use super::input::AudioInput;
use super::mpeg::{FrameHeader, id3v2_length};
use super::wave::WaveContainer;

/// A container, recognised by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// The RIFF family.
    Wave(WaveContainer),
    /// AIFF or AIFF-C.
    Aiff,
    /// Core Audio format.
    Caf,
    /// MP4 or QuickTime.
    Mp4,
    /// Bare MPEG audio, or bytes in which it may be found.
    Mpeg,
    /// AAC in ADTS frames.
    Adts,
    /// FLAC.
    Flac,
    /// Ogg.
    Ogg,
    /// Matroska or WebM.
    Matroska,
    /// A container that only ffmpeg reads, by its name.
    Foreign(&'static str),
    /// None of these.
    Unknown,
}

/// First bytes of Matroska and WebM.
pub(super) const MATROSKA_MARK: [u8; 4] = [0x1A, 0x45, 0xDF, 0xA3];

/// First bytes of containers that only ffmpeg reads.
const FOREIGN: [(&[u8], &str); 15] = [
    (b"wvpk", "WavPack"),
    (b"MAC ", "Monkey's Audio"),
    (b"TTA1", "TTA"),
    (b"MPCK", "Musepack"),
    (b"MP+", "Musepack"),
    (b"OFR ", "OptimFROG"),
    (b"DSD ", "DSD (DSF)"),
    (b"FRM8", "DSD (DSDIFF)"),
    (b".snd", "Sun/NeXT audio (AU)"),
    (b"#!AMR", "AMR"),
    (b"\x0B\x77", "AC-3 (Dolby Digital)"),
    (b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "Windows Media (ASF)"),
    (b"FLV\x01", "Flash video"),
    (b"\x7F\xFE\x80\x01", "DTS"),
    (b"tBaK", "TAK"),
];

/// A container and its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FoundContainer {
    /// The container.
    pub container: Container,
    /// Its first byte: some programs put ID3 tags in front of everything.
    pub start: u64,
}

/// Recognises the container of `input`.
pub(super) fn find_container(input: &AudioInput) -> std::io::Result<FoundContainer> {
    let mut start = 0;
    let mut head = input.bytes(0, 64)?;
    while let Some(length) = id3v2_length(&head) {
        start += length as u64;
        head = input.bytes(start, 64)?;
        // Zeros often follow a tag.
        while head.first() == Some(&0) && head.iter().all(|&byte| byte == 0) {
            start += head.len() as u64;
            head = input.bytes(start, 64)?;
        }
    }
    let tagged = start > 0;
    let container = match container_of(&head) {
        Container::Unknown if tagged => Container::Mpeg,
        container => container,
    };
    Ok(FoundContainer { container, start })
}

fn container_of(head: &[u8]) -> Container {
    if let Some(wave) = WaveContainer::of(head) {
        return Container::Wave(wave);
    }
    let starts = |magic: &[u8]| head.starts_with(magic);
    let kind = head.get(4..8).unwrap_or(&[]);
    match head.first_chunk::<4>() {
        Some(b"FORM") if matches!(head.get(8..12), Some(b"AIFF" | b"AIFC")) => Container::Aiff,
        Some(b"RIFF") if head.get(8..12) == Some(b"AVI ") => Container::Foreign("AVI"),
        Some(b"caff") => Container::Caf,
        Some(b"fLaC") => Container::Flac,
        Some(b"OggS") => Container::Ogg,
        Some(&MATROSKA_MARK) => Container::Matroska,
        // MPEG transport streams: packets of 188 bytes.
        Some([0x47, ..]) if head.len() >= 64 && kind != b"ftyp" => Container::Unknown,
        Some([0, 0, 1, 0xBA]) => Container::Foreign("MPEG program stream"),
        _ if matches!(
            kind,
            b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip" | b"pnot" | b"styp"
        ) =>
        {
            Container::Mp4
        }
        Some([0xFF, second, ..]) if second & 0xF6 == 0xF0 => Container::Adts,
        _ if FrameHeader::parse(head).is_some() => Container::Mpeg,
        _ => FOREIGN
            .iter()
            .find(|(magic, _)| starts(magic))
            .map_or(Container::Unknown, |(_, name)| Container::Foreign(name)),
    }
}

impl Container {
    /// Returns the error of a container that this program does not read itself.
    pub(super) fn refused(self, path: &std::path::Path) -> AudioFileError {
        match self {
            Self::Foreign(name) => {
                AudioFileError::UnsupportedCodec { path: path.to_owned(), codec: name.into() }
            }
            _ => AudioFileError::not_audio(path, "no known container found"),
        }
    }
}
