//! The audio track of an MP4 or QuickTime file: places of its packets, delay and length.

use super::boxes::{boxes, find, u32_at, u64_at};
use crate::audio::files::packet_track::PacketPlace;

/// Packets of any codec are longer on average.
const LEAST_PACKET_BYTES: u64 = 4;

/// An audio track's boxes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mp4Track<'a> {
    track: &'a [u8],
    movie: &'a [u8],
    /// Content of `stbl`.
    table: &'a [u8],
}

/// The part of a track that is to be heard, in samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EditedPart {
    /// Samples before it.
    pub delay: u64,
    /// Its length, where the file states it to the sample.
    pub length: Option<u64>,
}

/// Consecutive samples in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkPlace {
    /// Its first byte.
    pub start: u64,
    /// Its number of samples, in the container's sense: packets, or PCM frames.
    pub samples: u32,
}

impl<'a> Mp4Track<'a> {
    /// Returns the audio tracks of a movie.
    pub(super) fn audio_tracks(movie: &'a [u8]) -> Vec<Self> {
        boxes(movie)
            .filter(|found| &found.kind == b"trak")
            .filter_map(|found| {
                let handler = find(found.content, &[b"mdia", b"hdlr"])?;
                let table = find(found.content, &[b"mdia", b"minf", b"stbl"])?;
                (handler.get(8..12)? == b"soun").then_some(Self {
                    track: found.content,
                    movie,
                    table,
                })
            })
            .collect()
    }

    /// Returns the content of `stsd`.
    pub(super) fn descriptions(&self) -> Option<&'a [u8]> {
        find(self.table, &[b"stsd"])
    }

    /// Returns the number of the track's samples, in the container's sense.
    pub(super) fn sample_count(&self) -> u32 {
        let size = find(self.table, &[b"stsz"]).or_else(|| find(self.table, &[b"stz2"]));
        size.and_then(|size| u32_at(size, 8)).unwrap_or(0)
    }

    /// Returns the chunks of samples in the order of time; `None` where the tables contradict each other.
    pub(super) fn chunks(&self) -> Option<Vec<ChunkPlace>> {
        let offsets: Vec<u64> = match find(self.table, &[b"stco"]) {
            Some(stco) => {
                let offset = |bytes: &[u8; 4]| u64::from(u32::from_be_bytes(*bytes));
                stco.get(8..)?.as_chunks().0.iter().map(offset).collect()
            }
            None => {
                let co64 = find(self.table, &[b"co64"])?.get(8..)?;
                co64.as_chunks().0.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect()
            }
        };
        // Each entry: first chunk it holds for (from 1), samples a chunk, description.
        let (entries, _) = find(self.table, &[b"stsc"])?.get(8..)?.as_chunks::<12>();
        let mut entries = entries.iter().peekable();
        let mut left = self.sample_count();
        let mut samples = 0;
        let mut chunks = Vec::new();
        for (number, start) in (1u32..).zip(offsets) {
            while let Some(entry) = entries.next_if(|entry| u32_at(*entry, 0) <= Some(number)) {
                samples = u32_at(entry, 4)?;
            }
            let samples = samples.min(left);
            if samples == 0 {
                break;
            }
            left -= samples;
            chunks.push(ChunkPlace { start, samples });
        }
        Some(chunks)
    }

    /// Returns the packets in the order of time; `None` where the tables contradict each other, or count more than a
    /// file of `file_bytes` can hold.
    pub(super) fn packets(&self, file_bytes: u64) -> Option<Vec<PacketPlace>> {
        let sizes = find(self.table, &[b"stsz"])?;
        let fixed = u32_at(sizes, 4)?;
        let listed = sizes.get(12..)?;
        let mut packets = Vec::new();
        for chunk in self.chunks()? {
            let mut start = chunk.start;
            for _ in 0..chunk.samples {
                let bytes = match fixed {
                    0 => u32_at(listed, packets.len() * 4)?,
                    fixed => fixed,
                };
                // A table of a fixed size takes no bytes, and chunks may overlap in a file that means harm.
                if packets.len() as u64 > file_bytes / LEAST_PACKET_BYTES {
                    return None;
                }
                packets.push(PacketPlace { start, bytes });
                start += u64::from(bytes);
            }
        }
        Some(packets)
    }

    /// Returns the part to be heard: as iTunes states it (`iTunSMPB`), or as the edit list does.
    pub(super) fn edited_part(&self, rate: u32) -> EditedPart {
        self.itunes_part().or_else(|| self.edit_list_part(rate)).unwrap_or_default()
    }

    /// Reads hexadecimal words: reserved, delay, padding, length.
    fn itunes_part(&self) -> Option<EditedPart> {
        const NAME: &[u8] = b"iTunSMPB";
        let after = self.movie.windows(NAME.len()).position(|bytes| bytes == NAME)? + NAME.len();
        let data = boxes(self.movie.get(after..)?).next().filter(|data| &data.kind == b"data")?;
        let text = std::str::from_utf8(data.content.get(8..)?).ok()?;
        let mut words =
            text.split_whitespace().map(|word| u64::from_str_radix(word, 16).unwrap_or(0));
        let (_, delay, _, length) = (words.next()?, words.next()?, words.next()?, words.next()?);
        Some(EditedPart { delay, length: (length > 0).then_some(length) })
    }

    fn edit_list_part(&self, rate: u32) -> Option<EditedPart> {
        let movie_scale = u64::from(time_scale(find(self.movie, &[b"mvhd"])?)?);
        let media_scale = u64::from(time_scale(find(self.track, &[b"mdia", b"mdhd"])?)?);
        let edits = find(self.track, &[b"edts", b"elst"])?;
        let long = *edits.first()? == 1;
        let entry = if long { 20 } else { 12 };
        let mut parts = edits.get(8..)?.chunks_exact(entry).filter_map(|edit| {
            let (duration, time) = if long {
                (u64_at(edit, 0)?, u64_at(edit, 8)?.cast_signed())
            } else {
                (u64::from(u32_at(edit, 0)?), i64::from(u32_at(edit, 4)?.cast_signed()))
            };
            // A negative time is a pause before the track.
            Some((duration, u64::try_from(time).ok()?))
        });
        let (duration, time) = parts.next()?;
        let samples = |ticks: u64, scale: u64| {
            (u128::from(ticks) * u128::from(rate) / u128::from(scale.max(1))) as u64
        };
        // A coarse clock does not state the length to the sample, and further edits are not followed.
        let exact = movie_scale >= u64::from(rate) && duration > 0 && parts.next().is_none();
        Some(EditedPart {
            delay: samples(time, media_scale),
            length: exact.then(|| samples(duration, movie_scale)),
        })
    }
}

/// Returns the ticks a second in `mvhd` or `mdhd`.
fn time_scale(header: &[u8]) -> Option<u32> {
    u32_at(header, if *header.first()? == 1 { 20 } else { 12 })
}
