//! G.711: 8 bits a sample at 8 kHz, by one of two laws of companding (ITU-T G.711, 1988).

use std::fmt;

use crate::codec::{ConventionalFormat, ConventionalStream, check_frames};
use crate::error::ConventionalError;

/// Samples of a frame: 20 ms, as telephony packs them.
const FRAME: usize = 160;
/// The shape of its audio. A sample depends on no other, so that there is no delay.
pub(crate) const FORMAT: ConventionalFormat =
    ConventionalFormat { rate: 8000, frame: FRAME, delay: 0 };
/// Bits a second and channel.
pub(crate) const BITRATE: f64 = 64_000.0;

/// Added before µ-law's segments are told apart: with it, each is twice as long as the one before.
const MU_BIAS: i32 = 33;
/// Largest magnitude of µ-law, in 14-bit samples: with the bias, the top of the last segment.
const MU_CLIP: i32 = 8158;

/// The law by which G.711 spaces its 256 levels. `Display` names the codec for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompandingLaw {
    /// A-law: Europe and most of the world.
    A,
    /// µ-law: North America and Japan.
    Mu,
}

impl CompandingLaw {
    /// Returns the code of a 16-bit sample. Realtime-safe.
    pub fn encode(self, sample: i16) -> u8 {
        match self {
            Self::A => encode_a(sample),
            Self::Mu => encode_mu(sample),
        }
    }

    /// Returns the 16-bit sample of a code. Realtime-safe.
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Self::A => decode_a(code),
            Self::Mu => decode_mu(code),
        }
    }
}

impl fmt::Display for CompandingLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "G.711 A-law",
            Self::Mu => "G.711 µ-law",
        })
    }
}

/// Encodes 13 of the sample's 16 bits: sign, segment (3 bits), step (4 bits), every other bit inverted.
fn encode_a(sample: i16) -> u8 {
    let sample = i32::from(sample) >> 3;
    // Magnitudes below zero begin at -1, so that no level is lost at zero.
    let (magnitude, sign) = if sample >= 0 { (sample, 0x80) } else { (!sample, 0) };
    // Each segment is twice as long as the one before, but for the first two, which share a step.
    let segment = 31 - (magnitude >> 4 | 1).leading_zeros() as i32;
    let step = magnitude >> segment.max(1) & 15;
    (sign | segment << 4 | step) as u8 ^ 0x55
}

fn decode_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    // The middle of the step, in 16 bits.
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    (if code & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

/// Encodes 14 of the sample's 16 bits: sign, segment (3 bits), step (4 bits), all bits inverted.
fn encode_mu(sample: i16) -> u8 {
    let sample = i32::from(sample) >> 2;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.abs().min(MU_CLIP) + MU_BIAS;
    let segment = 31 - magnitude.leading_zeros() as i32 - 5;
    let step = magnitude >> (segment + 1) & 15;
    !((sign | segment << 4 | step) as u8)
}

fn decode_mu(code: u8) -> i16 {
    let code = !code;
    let (segment, step) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = (((step << 3) + 0x84) << segment) - 0x84;
    (if code & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

/// A G.711 stream: no sample depends on another. A lost packet is silence, without the concealment of appendix I.
pub(crate) struct G711Stream {
    law: CompandingLaw,
    channels: usize,
}

impl G711Stream {
    pub fn new(law: CompandingLaw, channels: usize) -> Self {
        Self { law, channels }
    }
}

impl ConventionalStream for G711Stream {
    fn process(
        &mut self,
        input: &[f32],
        is_lost: bool,
        output: &mut [f32],
    ) -> Result<usize, ConventionalError> {
        check_frames(input, output, FRAME * self.channels)?;
        for (to, from) in output.iter_mut().zip(input) {
            // Saturates, and takes what is no number as silence.
            let code = self.law.encode((from * 32_768.0).round() as i16);
            *to = if is_lost { 0.0 } else { f32::from(self.law.decode(code)) / 32_768.0 };
        }
        Ok(input.len())
    }

    fn reset(&mut self) {}
}
