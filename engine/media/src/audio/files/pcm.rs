//! Uncompressed samples, A-law and µ-law.

use std::io::{self, Read};

use super::AudioFileError;
use super::collector::SampleCollector;

/// The coding of a sample in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleCoding {
    /// Unsigned integers of 8 bits, 128 at silence.
    Unsigned8,
    /// Signed integers of 1 to 4 bytes. Fewer valid bits are the upper ones.
    Signed(usize),
    /// 32-bit floats.
    Float32,
    /// 64-bit floats.
    Float64,
    /// A-law (ITU-T G.711), 8 bits.
    ALaw,
    /// µ-law (ITU-T G.711), 8 bits.
    MuLaw,
}

impl SampleCoding {
    /// Returns the bytes of a sample.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::ALaw | Self::MuLaw => 1,
            Self::Signed(bytes) => bytes,
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// Returns the sample in `bytes`, which are in order from the most significant.
    fn sample(self, bytes: &[u8]) -> f32 {
        let integer = |fill: u8| {
            let mut word = [0u8; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            word[0] ^= fill;
            i32::from_be_bytes(word) as f32 / 2_147_483_648.0
        };
        match self {
            Self::Unsigned8 => integer(0x80),
            Self::Signed(_) => integer(0),
            Self::Float32 => bytes.try_into().map_or(0.0, f32::from_be_bytes),
            Self::Float64 => bytes.try_into().map_or(0.0, f64::from_be_bytes) as f32,
            Self::ALaw => f32::from(a_law(bytes[0])) / 32_768.0,
            Self::MuLaw => f32::from(mu_law(bytes[0])) / 32_768.0,
        }
    }
}

/// Expands a byte of A-law to 16 bits.
fn a_law(byte: u8) -> i16 {
    let byte = byte ^ 0x55;
    let (segment, mantissa) = (byte >> 4 & 7, i16::from(byte & 15));
    let magnitude = match segment {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (segment - 1),
    };
    if byte & 0x80 != 0 { magnitude } else { -magnitude }
}

/// Expands a byte of µ-law to 16 bits.
fn mu_law(byte: u8) -> i16 {
    let byte = !byte;
    let (segment, mantissa) = (byte >> 4 & 7, i16::from(byte & 15));
    let magnitude = (((mantissa << 3) + 0x84) << segment) - 0x84;
    if byte & 0x80 != 0 { -magnitude } else { magnitude }
}

/// The form of uncompressed audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PcmFormat {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Interleaved channels.
    pub channels: usize,
    /// Coding of a sample.
    pub coding: SampleCoding,
    /// True if the most significant byte is first.
    pub big_endian: bool,
}

impl PcmFormat {
    /// Returns the bytes of a sample of every channel.
    pub(super) fn block(&self) -> usize {
        self.channels * self.coding.bytes()
    }

    /// Reads `source` to its end into `collector`; a last incomplete block is left out.
    pub(super) fn collect(
        &self,
        source: &mut dyn Read,
        collector: &mut SampleCollector<'_>,
    ) -> Result<(), AudioFileError> {
        collector.begin(self.rate, self.channels)?;
        let width = self.coding.bytes();
        let block = self.block();
        let mut buffer = vec![0u8; (1 << 16) / block * block + block];
        loop {
            let filled = fill(source, &mut buffer)
                .map_err(|reason| collector.failed_to_read(reason))?
                / block
                * block;
            if filled == 0 {
                return Ok(());
            }
            let bytes = &mut buffer[..filled];
            if !self.big_endian && width > 1 {
                bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
            }
            collector.append_with(filled / block, |channel, samples| {
                let first = bytes[channel * width..].chunks(block);
                samples.extend(first.map(|bytes| self.coding.sample(&bytes[..width])));
            })?;
            if filled < buffer.len() {
                return Ok(());
            }
        }
    }
}

/// Reads until `buffer` is full or the source ends; returns the number of bytes.
pub(super) fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coding_reaches_full_scale() {
        assert_eq!(SampleCoding::Unsigned8.sample(&[0]), -1.0);
        assert_eq!(SampleCoding::Unsigned8.sample(&[128]), 0.0);
        assert_eq!(SampleCoding::Signed(1).sample(&[0x40]), 0.5);
        assert_eq!(SampleCoding::Signed(2).sample(&[0x80, 0]), -1.0);
        assert_eq!(SampleCoding::Signed(3).sample(&[0x40, 0, 0]), 0.5);
        assert_eq!(SampleCoding::Signed(4).sample(&[0xC0, 0, 0, 0]), -0.5);
        assert_eq!(SampleCoding::Float32.sample(&1.5f32.to_be_bytes()), 1.5);
        assert_eq!(SampleCoding::Float64.sample(&(-2.5f64).to_be_bytes()), -2.5);
    }

    #[test]
    fn companded_bytes_expand_as_g711_says() {
        // The largest and smallest magnitudes of both tables.
        assert_eq!([a_law(0xAA), a_law(0x2A), a_law(0xD5), a_law(0x55)], [32256, -32256, 8, -8]);
        assert_eq!([mu_law(0x80), mu_law(0x00), mu_law(0xFF), mu_law(0x7F)], [32124, -32124, 0, 0]);
    }
}
