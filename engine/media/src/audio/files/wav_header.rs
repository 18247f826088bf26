//! The header of a 32-bit float WAV file.
//!
//! ```text
//! RIFF size WAVE | [JUNK] | fmt | fact | data size        up to 4 GiB
//! RF64 -1   WAVE |  ds64  | fmt | fact | data -1          beyond (EBU Tech 3306)
//! ```
//!
//! Mono and stereo have the plain `fmt` chunk of IEEE floats, which names no speakers and which every program reads.
//! Everything else has `WAVE_FORMAT_EXTENSIBLE` with its speakers.

use residue_core::audio::SpeakerMask;

/// Bytes of a sample.
const SAMPLE: u64 = 4;
/// `WAVE_FORMAT_IEEE_FLOAT`.
const FLOAT: u16 = 3;
/// `WAVE_FORMAT_EXTENSIBLE`.
const EXTENSIBLE: u16 = 0xFFFE;
/// `KSDATAFORMAT_SUBTYPE_IEEE_FLOAT` after its first two bytes, which are [`FLOAT`].
const FLOAT_SUBTYPE: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];
/// Bytes of a `ds64` chunk without a table: sizes of RIFF, data and fact, and the table's length.
const DS64: u32 = 28;

/// Rate, channels and speakers of a WAV file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavFormat {
    rate: u32,
    channels: u16,
    speakers: SpeakerMask,
}

/// The length that a header states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StatedLength {
    /// Sample frames, with room for `ds64` if the file may still grow.
    Frames { frames: u64, may_grow: bool },
    /// None: of a stream whose header cannot be written again.
    Unknown,
}

impl WavFormat {
    /// Returns the format of `channels` channels at `rate` hertz.
    ///
    /// # Errors
    /// The defect in words if a WAV header cannot state it.
    pub fn new(rate: u32, channels: usize, speakers: SpeakerMask) -> Result<Self, String> {
        let count = u16::try_from(channels)
            .ok()
            // The header states bytes a sample frame in 16 bits.
            .filter(|&channels| channels > 0 && u64::from(channels) * SAMPLE <= u64::from(u16::MAX))
            .ok_or_else(|| format!("it has {channels} channels, expected 1 to 16383"))?;
        if rate == 0 {
            return Err("its sample rate is 0 Hz".to_owned());
        }
        // Bytes a second are stated in 32 bits.
        if u64::from(rate) * u64::from(count) * SAMPLE > u64::from(u32::MAX) {
            return Err(format!("{channels} channels at {rate} Hz are too many"));
        }
        Ok(Self { rate, channels: count, speakers })
    }

    /// Returns the number of channels.
    pub fn channels(&self) -> usize {
        usize::from(self.channels)
    }

    /// Returns the size of a file of `frames` sample frames, in bytes, to within a header.
    pub fn file_bytes(&self, frames: u64) -> u64 {
        let header = self.header(StatedLength::Frames { frames, may_grow: true }).len() as u64;
        self.data_bytes(frames) + header
    }

    fn data_bytes(&self, frames: u64) -> u64 {
        frames * u64::from(self.channels) * SAMPLE
    }

    /// Returns everything before the samples. Its length depends on the format and on `may_grow`, and without
    /// `may_grow` on whether RIFF's 32 bits hold the length.
    pub(super) fn header(&self, length: StatedLength) -> Vec<u8> {
        let (frames, may_grow) = match length {
            StatedLength::Frames { frames, may_grow } => (Some(frames), may_grow),
            StatedLength::Unknown => (None, false),
        };
        let format = self.format_chunk();
        let plain = 4 + chunk_bytes(format.len()) + chunk_bytes(4) + 8;
        let reserved = chunk_bytes(DS64 as usize);
        let data = frames.map(|frames| self.data_bytes(frames));
        let riff = |extra: u64| data.map(|data| plain + extra + data);
        let is_large = riff(reserved).is_some_and(|size| size > u64::from(u32::MAX));
        let has_room = may_grow || is_large;
        let riff = riff(if has_room { reserved } else { 0 });
        // All ones where 32 bits do not hold a size, or none is known.
        let short = |size: Option<u64>| size.and_then(|size| u32::try_from(size).ok());
        let short = |size| short(size).filter(|_| !is_large).unwrap_or(u32::MAX).to_le_bytes();

        let mut header = Vec::new();
        header.extend(if is_large { b"RF64" } else { b"RIFF" });
        header.extend(short(riff));
        header.extend(b"WAVE");
        if has_room {
            let mut sizes = [0; DS64 as usize];
            if is_large {
                let long = [riff, data, frames].map(|size| size.unwrap_or(0).to_le_bytes());
                sizes[..24].copy_from_slice(long.as_flattened());
            }
            push_chunk(&mut header, if is_large { b"ds64" } else { b"JUNK" }, &sizes);
        }
        push_chunk(&mut header, b"fmt ", &format);
        // Readers take all ones for a length here.
        let fact = if frames.is_some() { short(frames) } else { [0; 4] };
        push_chunk(&mut header, b"fact", &fact);
        header.extend(b"data");
        header.extend(short(data));
        header
    }

    /// Returns the content of the `fmt` chunk.
    fn format_chunk(&self) -> Vec<u8> {
        let usual = [SpeakerMask::UNKNOWN, SpeakerMask::of_count(self.channels())];
        let is_plain = self.channels <= 2 && usual.contains(&self.speakers);
        let frame = self.channels * SAMPLE as u16;
        let bits = 8 * SAMPLE as u16;
        let mut chunk = Vec::new();
        chunk.extend(if is_plain { FLOAT } else { EXTENSIBLE }.to_le_bytes());
        chunk.extend(self.channels.to_le_bytes());
        chunk.extend(self.rate.to_le_bytes());
        chunk.extend((self.rate * u32::from(frame)).to_le_bytes());
        chunk.extend(frame.to_le_bytes());
        chunk.extend(bits.to_le_bytes());
        let extra: u16 = if is_plain { 0 } else { 22 };
        chunk.extend(extra.to_le_bytes());
        if !is_plain {
            chunk.extend(bits.to_le_bytes());
            chunk.extend(self.speakers.bits().to_le_bytes());
            chunk.extend(FLOAT.to_le_bytes());
            chunk.extend(FLOAT_SUBTYPE);
        }
        chunk
    }
}

fn chunk_bytes(content: usize) -> u64 {
    8 + content as u64
}

/// Appends a chunk, whose content has an even length.
fn push_chunk(header: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    header.extend(name);
    header.extend((content.len() as u32).to_le_bytes());
    header.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(channels: usize, speakers: SpeakerMask) -> WavFormat {
        WavFormat::new(48_000, channels, speakers).unwrap()
    }

    fn fixed(frames: u64) -> StatedLength {
        StatedLength::Frames { frames, may_grow: false }
    }

    /// Chunks before the samples: names, and contents.
    fn chunks(header: &[u8]) -> Vec<([u8; 4], Vec<u8>)> {
        assert_eq!(&header[8..12], b"WAVE");
        let (mut at, mut chunks) = (12, Vec::new());
        while at < header.len() {
            let name: [u8; 4] = header[at..at + 4].try_into().unwrap();
            let size = u32::from_le_bytes(header[at + 4..at + 8].try_into().unwrap()) as usize;
            let content = if name == *b"data" {
                header[at + 4..at + 8].to_vec()
            } else {
                header[at + 8..at + 8 + size].to_vec()
            };
            at += 8 + if name == *b"data" { 0 } else { size };
            chunks.push((name, content));
        }
        assert_eq!(at, header.len());
        chunks
    }

    fn tag_and_mask(format: WavFormat) -> (u16, Option<u32>) {
        let header = format.header(fixed(1));
        let (_, chunk) = chunks(&header).into_iter().find(|(name, _)| name == b"fmt ").unwrap();
        let tag = u16::from_le_bytes([chunk[0], chunk[1]]);
        let mask = chunk.get(20..24).map(|mask| u32::from_le_bytes(mask.try_into().unwrap()));
        (tag, mask)
    }

    #[test]
    fn speakers_are_written_as_they_are_known() {
        let mask = |bits: u32, channels| SpeakerMask::new(bits, channels).unwrap();
        assert_eq!(tag_and_mask(format(1, SpeakerMask::MONO)), (FLOAT, None));
        assert_eq!(tag_and_mask(format(1, SpeakerMask::UNKNOWN)), (FLOAT, None));
        assert_eq!(tag_and_mask(format(2, SpeakerMask::STEREO)), (FLOAT, None));
        assert_eq!(tag_and_mask(format(1, mask(8, 1))), (EXTENSIBLE, Some(8)));
        assert_eq!(tag_and_mask(format(2, mask(0x30, 2))), (EXTENSIBLE, Some(0x30)));
        for (bits, channels) in [(0x33, 4), (0x3F, 6), (0x63F, 8)] {
            let format = format(channels, mask(bits, channels));
            assert_eq!(tag_and_mask(format), (EXTENSIBLE, Some(bits)));
        }
        assert_eq!(tag_and_mask(format(4, SpeakerMask::UNKNOWN)), (EXTENSIBLE, Some(0)));
    }

    #[test]
    fn sizes_beyond_32_bits_are_in_ds64() {
        let format = format(2, SpeakerMask::STEREO);
        let small = format.header(fixed(1000));
        assert_eq!(&small[..4], b"RIFF");
        assert_eq!(small[4..8], (small.len() as u32 - 8 + 8000).to_le_bytes());
        let names =
            |header: &[u8]| chunks(header).iter().map(|(name, _)| *name).collect::<Vec<_>>();
        assert_eq!(names(&small), [*b"fmt ", *b"fact", *b"data"]);

        // The last that fits, the first that does not.
        let most = (u64::from(u32::MAX) - 104) / 8;
        let growing = |frames| format.header(StatedLength::Frames { frames, may_grow: true });
        let first = (0..32).map(|n| most + n).find(|n| &growing(*n)[..4] == b"RF64").unwrap();
        for frames in [first, 1 << 31, 1 << 40] {
            for header in [format.header(fixed(frames)), growing(frames)] {
                assert_eq!(&header[..8], b"RF64\xFF\xFF\xFF\xFF");
                let chunks = chunks(&header);
                let riff = header.len() as u64 - 8 + frames * 8;
                assert!(riff > u64::from(u32::MAX));
                let sizes = [riff, frames * 8, frames].map(u64::to_le_bytes);
                assert_eq!(chunks[0], (*b"ds64", [sizes.as_flattened(), &[0; 4]].concat()));
                assert_eq!(chunks.last().unwrap().1, [0xFF; 4]);
            }
        }
        let last = growing(first - 1);
        assert_eq!(&last[..4], b"RIFF");
        assert_eq!(names(&last)[0], *b"JUNK");
        assert_eq!(
            last.len(),
            growing(first).len(),
            "a growing file's samples stay where they are"
        );
        let size = u32::from_le_bytes(last[4..8].try_into().unwrap());
        assert_eq!(u64::from(size), last.len() as u64 - 8 + (first - 1) * 8);
    }

    #[test]
    fn streams_state_no_length() {
        let header = format(1, SpeakerMask::MONO).header(StatedLength::Unknown);
        assert_eq!(&header[..8], b"RIFF\xFF\xFF\xFF\xFF");
        assert_eq!(&header[header.len() - 8..], b"data\xFF\xFF\xFF\xFF");
        assert_eq!(chunks(&header)[1], (*b"fact", vec![0; 4]));
    }

    #[test]
    fn formats_that_no_header_states_are_refused() {
        for (rate, channels) in [(0, 1), (48_000, 0), (8000, 16_384), (768_000, 2000)] {
            assert!(WavFormat::new(rate, channels, SpeakerMask::UNKNOWN).is_err());
        }
    }
}
