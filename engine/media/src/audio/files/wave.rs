//! WAVE files: RIFF, RIFX, RF64, BW64 and Wave64.
//!
//! Sizes in these files are often wrong: recorders that were killed leave 0 or a placeholder, others count a header
//! too much. The end of the file is the judge: samples are read up to it where the size says nothing, and a warning
//! says so where something is missing.

use std::io;
use std::path::Path;

use super::collector::{FileFacts, SampleCollector, Stop};
use super::input::AudioInput;
use super::pcm::PcmFormat;
use super::symphonia_reader::collect_with_symphonia;
use super::wave_format::WaveCoding;
use super::{AudioFileError, DecodedFile, ReadWarning, mpeg};

/// GUIDs of Wave64 end as these bytes do, but for the first, `riff`.
const WAVE64_TAIL: [u8; 12] = [0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A];
/// Bytes of the GUID, the size and the form at the start of a Wave64 file.
const WAVE64_HEADER: u64 = 40;
const RIFF_HEADER: u64 = 12;
/// Longest `fmt ` or `ds64` chunk that is looked at.
const MAX_FORMAT_BYTES: u64 = 4096;
/// Sizes from here on stand for a length that was not known when they were written.
const PLACEHOLDER: u64 = 0xFFFF_F000;
/// Other placeholders: half of what 32 bits count, less a header.
const HALF_PLACEHOLDER: std::ops::RangeInclusive<u64> = 0x7FFF_E000..=0x8000_0000;

/// The variant of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaveContainer {
    /// RIFF, and with 64-bit sizes in a chunk `ds64` RF64 and BW64.
    Riff,
    /// RIFF with the most significant byte first.
    Rifx,
    /// Wave64 of Sonic Foundry: GUIDs and 64-bit sizes.
    Wave64,
}

impl WaveContainer {
    /// Returns the container that begins with `head`.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        let wave = head.get(8..12) == Some(b"WAVE");
        match head.get(..4)? {
            b"RIFF" | b"RF64" | b"BW64" if wave => Some(Self::Riff),
            b"RIFX" if wave => Some(Self::Rifx),
            b"riff" if head.get(24..28) == Some(b"wave") => Some(Self::Wave64),
            _ => None,
        }
    }
}

/// A chunk's place.
struct Chunk {
    id: [u8; 4],
    /// Start of its content.
    start: u64,
    /// Length of its content as declared.
    size: u64,
}

/// The chunks of a file.
struct Chunks<'a> {
    input: &'a AudioInput,
    container: WaveContainer,
}

impl Chunks<'_> {
    /// Returns the chunk whose header is at `position`, `None` where there is none.
    fn at(&self, position: u64) -> io::Result<Option<Chunk>> {
        if self.container == WaveContainer::Wave64 {
            let header = self.input.bytes(position, 24)?;
            let (Some(tail), Some(size)) = (header.get(4..16), header.get(16..24)) else {
                return Ok(None);
            };
            // The tail of the form's GUID is that of `riff`; all others share theirs but for the first bytes.
            let size = u64::from_le_bytes(size.try_into().map_err(io::Error::other)?);
            let id = [header[0], header[1], header[2], header[3]];
            let known = tail == WAVE64_TAIL && id.iter().all(u8::is_ascii_graphic_or_space);
            return Ok(known.then_some(Chunk {
                id,
                start: position + 24,
                size: size.saturating_sub(24),
            }));
        }
        let header = self.input.bytes(position, 8)?;
        let (Some(&id), Some(&size)) = (header.first_chunk::<4>(), header.last_chunk::<4>()) else {
            return Ok(None);
        };
        let size = match self.container {
            WaveContainer::Rifx => u32::from_be_bytes(size),
            _ => u32::from_le_bytes(size),
        };
        let known = header.len() == 8 && id.iter().all(u8::is_ascii_graphic_or_space);
        Ok(known.then_some(Chunk { id, start: position + 8, size: u64::from(size) }))
    }

    /// Returns the chunk behind `chunk`. Chunks begin at even bytes (Wave64: multiples of eight), which some programs
    /// forget.
    fn after(&self, chunk: &Chunk) -> io::Result<Option<Chunk>> {
        let end = chunk.start.saturating_add(chunk.size);
        let alignment = if self.container == WaveContainer::Wave64 { 8 } else { 2 };
        match self.at(end.next_multiple_of(alignment))? {
            None if !end.is_multiple_of(alignment) => self.at(end),
            next => Ok(next),
        }
    }

    /// Returns true if another file of this kind begins at `position`, as where files are joined byte by byte.
    fn another_file_at(&self, position: u64) -> io::Result<bool> {
        Ok(WaveContainer::of(&self.input.bytes(position, WAVE64_HEADER)?).is_some())
    }

    /// Returns true if nothing but whole chunks and zeros lies between `position` and the end of the file.
    fn reach_the_end(&self, position: u64) -> io::Result<bool> {
        let length = self.input.length();
        let mut end = position;
        let mut next = self.at(position)?;
        while let Some(chunk) = next {
            if chunk.start.saturating_add(chunk.size) > length {
                return Ok(false);
            }
            end = chunk.start + chunk.size;
            next = self.after(&chunk)?;
        }
        Ok(self.input.bytes(end, 1 << 16)?.iter().all(|&byte| byte == 0) && length - end < 1 << 16)
    }
}

/// Whether a byte can be part of a chunk's name.
trait ChunkByte {
    fn is_ascii_graphic_or_space(&self) -> bool;
}

impl ChunkByte for u8 {
    fn is_ascii_graphic_or_space(&self) -> bool {
        self.is_ascii_graphic() || *self == b' '
    }
}

/// Reads a WAVE file that begins at byte `start` of `input`.
pub(super) fn read_wave(
    path: &Path,
    input: &AudioInput,
    (container, start): (WaveContainer, u64),
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let failed = |reason| AudioFileError::open(path, reason);
    let not_audio = |reason: &str| AudioFileError::not_audio(path, reason);
    let chunks = Chunks { input, container };
    let header = if container == WaveContainer::Wave64 { WAVE64_HEADER } else { RIFF_HEADER };
    let big_endian = container == WaveContainer::Rifx;

    let mut coding = None;
    let mut data_size_64 = None;
    let mut next = chunks.at(start + header).map_err(failed)?;
    while let Some(chunk) = next {
        match &chunk.id {
            b"fmt " => {
                let bytes = chunk.size.min(MAX_FORMAT_BYTES);
                let bytes = input.bytes(chunk.start, bytes).map_err(failed)?;
                coding = Some(WaveCoding::parse(path, &bytes, big_endian)?);
            }
            b"ds64" => {
                let sizes = input.bytes(chunk.start, 16).map_err(failed)?;
                data_size_64 = sizes.last_chunk::<8>().copied().map(u64::from_le_bytes);
            }
            b"data" => {
                let Some(coding) = coding else {
                    return Err(not_audio("its samples come before a `fmt ` chunk"));
                };
                let mut data = chunk;
                if let (Some(size), 0xFFFF_FFFF) = (data_size_64, data.size) {
                    data.size = size;
                }
                return read_data(path, &chunks, start, &data, coding, max_samples);
            }
            _ => {}
        }
        next = chunks.after(&chunk).map_err(failed)?;
    }
    Err(not_audio("a WAV without samples (no `data` chunk): it is cut short or damaged"))
}

fn read_data(
    path: &Path,
    chunks: &Chunks<'_>,
    start: u64,
    data: &Chunk,
    coding: WaveCoding,
    max_samples: usize,
) -> Result<DecodedFile, AudioFileError> {
    let input = chunks.input;
    let extent =
        Extent::of(chunks, start, data).map_err(|reason| AudioFileError::open(path, reason))?;
    match coding {
        WaveCoding::Pcm(format, order) => {
            let mut collector = SampleCollector::new(path, max_samples);
            let frames = |bytes: u64| bytes / format.block() as u64;
            collector.begin(format.rate, format.channels)?;
            collector.expect(frames(extent.bytes))?;
            format.collect(&mut input.section(data.start, extent.bytes), &mut collector)?;
            if extent.appended {
                collector.warn(ReadWarning::AppendedFile);
            }
            if let Some(declared) = extent.beyond {
                warn_beyond(&mut collector, &format, declared, extent.bytes);
            }
            let declared = extent.missing.map(|missing| frames(extent.bytes + missing));
            let stop = if declared.is_some() { Stop::EndOfFile } else { Stop::End };
            let order = Some(order);
            // A few bytes less than a sample are no loss.
            let stop = match declared {
                Some(declared) if declared == frames(extent.bytes) => Stop::End,
                _ => stop,
            };
            collector.finish(FileFacts { stop, declared, order, ..FileFacts::default() })
        }
        WaveCoding::Mpeg => {
            mpeg::read_mpeg(path, input, data.start, data.start + extent.bytes, max_samples)
        }
        WaveCoding::Adpcm => {
            let mut file = input.section(start, input.length());
            // symphonia believes the size.
            let size = u32::try_from(extent.bytes).unwrap_or(u32::MAX).to_le_bytes();
            for (at, byte) in (data.start - start - 4..).zip(size) {
                file.patch(at, byte);
            }
            let mut collector = SampleCollector::new(path, max_samples);
            let facts = collect_with_symphonia(file, &mut collector)?;
            let stop = if extent.missing.is_some() { Stop::EndOfFile } else { Stop::End };
            collector.finish(FileFacts { stop, declared: None, ..facts })
        }
        WaveCoding::Other(codec) => {
            Err(AudioFileError::UnsupportedCodec { path: path.to_owned(), codec })
        }
    }
}

fn warn_beyond(collector: &mut SampleCollector<'_>, format: &PcmFormat, declared: u64, read: u64) {
    let frames = |bytes: u64| bytes / format.block() as u64;
    if frames(read) > frames(declared) {
        let seconds = |bytes| frames(bytes) as f64 / f64::from(format.rate);
        collector.warn(ReadWarning::BeyondDeclared {
            declared: seconds(declared),
            decoded: seconds(read),
        });
    }
}

/// The bytes of samples that a file holds.
struct Extent {
    bytes: u64,
    /// Bytes that are declared and not there.
    missing: Option<u64>,
    /// Bytes declared, where more were found to be samples.
    beyond: Option<u64>,
    /// True if another file lies behind the samples.
    appended: bool,
}

impl Extent {
    fn of(chunks: &Chunks<'_>, start: u64, data: &Chunk) -> io::Result<Self> {
        let length = chunks.input.length();
        let available = length.saturating_sub(data.start);
        let all = |missing, beyond| Ok(Self { bytes: available, missing, beyond, appended: false });
        let declared = data.size;
        if declared > available {
            // Placeholders, and sizes of the whole file put in place of those of its samples.
            let unknown = declared >= PLACEHOLDER
                || HALF_PLACEHOLDER.contains(&declared)
                || [length - start, length - start - 8].contains(&declared);
            return all((!unknown).then_some(declared - available), None);
        }
        let end = data.start + declared;
        let alignment = if chunks.container == WaveContainer::Wave64 { 8 } else { 2 };
        let padded = end.next_multiple_of(alignment);
        if chunks.another_file_at(end)? || chunks.another_file_at(padded)? {
            return Ok(Self { bytes: declared, missing: None, beyond: None, appended: true });
        }
        let ordinary = end == length
            || chunks.reach_the_end(padded)?
            || chunks.reach_the_end(end)?
            || is_tag(&chunks.input.bytes(end, 8)?)
            || is_tag(&chunks.input.bytes(padded, 8)?);
        if ordinary {
            return Ok(Self { bytes: declared, missing: None, beyond: None, appended: false });
        }
        all(None, (declared > 0).then_some(declared))
    }
}

/// Returns true if `bytes` begin a tag of another kind of file, which programs append.
fn is_tag(bytes: &[u8]) -> bool {
    [&b"TAG"[..], b"ID3", b"APETAGEX", b"LYRICS"].iter().any(|tag| bytes.starts_with(tag))
}
