//! Writing of 32-bit float WAV files as samples arrive.

use std::io::{self, Seek, SeekFrom, Write};

use super::WavFormat;
use super::wav_header::StatedLength;

/// Most bytes that are handed to the writer at once.
const BLOCK: usize = 1 << 16;

/// Writes 32-bit float WAV, bit-exact and unclipped, in blocks of any size. Beyond 4 GiB it is RF64. Not
/// realtime-safe.
#[derive(Debug)]
pub struct WavWriter<W> {
    writer: W,
    format: WavFormat,
    /// Sample frames written.
    frames: u64,
    block: Vec<u8>,
}

impl<W: Write> WavWriter<W> {
    /// Starts a file of exactly `frames` sample frames.
    ///
    /// # Errors
    /// The writer's error.
    pub fn of_length(writer: W, format: WavFormat, frames: u64) -> io::Result<Self> {
        Self::start(writer, format, StatedLength::Frames { frames, may_grow: false })
    }

    /// Starts a stream of unknown length, to a pipe for instance. Its header states no length.
    ///
    /// # Errors
    /// The writer's error.
    pub fn stream(writer: W, format: WavFormat) -> io::Result<Self> {
        Self::start(writer, format, StatedLength::Unknown)
    }

    fn start(mut writer: W, format: WavFormat, length: StatedLength) -> io::Result<Self> {
        writer.write_all(&format.header(length))?;
        Ok(Self { writer, format, frames: 0, block: Vec::with_capacity(BLOCK) })
    }

    /// Returns the number of sample frames written.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Writes a block of samples, one plane a channel.
    ///
    /// # Errors
    /// The writer's error.
    ///
    /// # Panics
    /// If the planes are not the format's channels, or differ in length.
    pub fn write_planes<P: AsRef<[f32]>>(&mut self, planes: &[P]) -> io::Result<()> {
        assert_eq!(planes.len(), self.format.channels(), "a plane a channel");
        let frames = planes.first().map_or(0, |plane| plane.as_ref().len());
        assert!(planes.iter().all(|plane| plane.as_ref().len() == frames), "planes of one length");
        self.write_interleaved(
            (0..frames).flat_map(|n| planes.iter().map(move |plane| plane.as_ref()[n])),
        )
    }

    /// Writes samples, all channels of a sample frame after each other.
    ///
    /// # Errors
    /// The writer's error.
    ///
    /// # Panics
    /// If the last sample frame is not whole.
    pub fn write_interleaved(&mut self, samples: impl IntoIterator<Item = f32>) -> io::Result<()> {
        let mut count = 0;
        for sample in samples {
            self.block.extend(sample.to_le_bytes());
            count += 1;
            if self.block.len() >= BLOCK {
                self.writer.write_all(&self.block)?;
                self.block.clear();
            }
        }
        assert_eq!(count % self.format.channels(), 0, "whole sample frames");
        self.writer.write_all(&self.block)?;
        self.block.clear();
        self.frames += (count / self.format.channels()) as u64;
        Ok(())
    }

    /// Flushes and returns the writer.
    ///
    /// # Errors
    /// The writer's error.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }
}

impl<W: Write + Seek> WavWriter<W> {
    /// Starts a file at the beginning of `writer` that grows by blocks; [`update`](Self::update) makes its header
    /// state what is there.
    ///
    /// # Errors
    /// The writer's error.
    pub fn growing(writer: W, format: WavFormat) -> io::Result<Self> {
        Self::start(writer, format, StatedLength::Frames { frames: 0, may_grow: true })
    }

    /// Makes the header of a [`growing`](Self::growing) file state the samples written, so that it is whole so far.
    ///
    /// # Errors
    /// The writer's error.
    pub fn update(&mut self) -> io::Result<()> {
        let length = StatedLength::Frames { frames: self.frames, may_grow: true };
        self.writer.rewind()?;
        self.writer.write_all(&self.format.header(length))?;
        self.writer.seek(SeekFrom::End(0))?;
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use residue_core::audio::SpeakerMask;

    use super::*;

    #[test]
    fn a_growing_file_is_the_same_as_one_of_known_length_but_for_its_room() {
        let format = WavFormat::new(8000, 2, SpeakerMask::STEREO).unwrap();
        let samples: Vec<f32> = (0..20_000).map(|n| n as f32).collect();
        let mut growing = WavWriter::growing(Cursor::new(Vec::new()), format).unwrap();
        for part in samples.chunks(7776) {
            growing.write_interleaved(part.iter().copied()).unwrap();
            growing.update().unwrap();
        }
        assert_eq!(growing.frames(), 10_000);
        let growing = growing.finish().unwrap().into_inner();
        let mut known = WavWriter::of_length(Vec::new(), format, 10_000).unwrap();
        known.write_interleaved(samples.iter().copied()).unwrap();
        let known = known.finish().unwrap();
        let data = |file: &[u8]| file.windows(4).position(|bytes| bytes == b"data").unwrap();
        assert_eq!(growing[data(&growing)..], known[data(&known)..]);
        assert_eq!(growing.len() as u64, format.file_bytes(10_000));
    }

    #[test]
    fn a_growing_file_becomes_rf64_when_it_needs_to() {
        let format = WavFormat::new(8000, 1, SpeakerMask::MONO).unwrap();
        let mut wav = WavWriter::growing(Cursor::new(Vec::new()), format).unwrap();
        wav.write_planes(&[[1.0, 2.0]]).unwrap();
        wav.update().unwrap();
        let before = wav.writer.get_ref().clone();
        assert_eq!(&before[..4], b"RIFF");
        // As if four gigabytes had been written.
        wav.frames += 1 << 30;
        wav.update().unwrap();
        wav.write_planes(&[[3.0]]).unwrap();
        let after = wav.finish().unwrap().into_inner();
        assert_eq!(&after[..4], b"RF64");
        assert_eq!(after.len(), before.len() + 4);
        assert_eq!(after[before.len() - 8..before.len()], before[before.len() - 8..]);
        assert_eq!(after[after.len() - 4..], 3.0f32.to_le_bytes());
    }
}
