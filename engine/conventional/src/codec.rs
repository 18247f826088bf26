//! The codecs by one name, and what they have in common.

use std::fmt;

use crate::error::ConventionalError;
use crate::g711::{self, CompandingLaw, G711Stream};
use crate::opus::{self, OpusSettings, OpusStream};

/// A conventional codec with its settings. `Display` names it for a person, without its bitrate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConventionalCodec {
    /// Opus.
    Opus(OpusSettings),
    /// G.711, the codec of the telephone network.
    G711(CompandingLaw),
}

/// The shape of a codec's audio, the same for all of its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConventionalFormat {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Length of a frame, in samples a channel.
    pub frame: usize,
    /// Samples that the output is behind the input: the encoder's look-ahead, and a frame more where the decoder waits
    /// for the next packet.
    pub delay: usize,
}

/// A codec at one position in a signal: encoder, channel and decoder.
pub trait ConventionalStream: Send {
    /// Sends a frame through the codec and returns the size of its packet in bytes.
    ///
    /// `input` and `output` hold a frame of each channel, one channel after the other, full scale ±1. The output is the
    /// signal [`ConventionalFormat::delay`] samples ago, silence before its start. Samples that are not finite count as
    /// silence. A packet that is lost does not reach the decoder, which conceals it as the codec does.
    ///
    /// For a worker thread: it does not wait, but the encoder of Opus may allocate a few small buffers.
    ///
    /// # Errors
    /// [`ConventionalError::Frame`] for a buffer of another size, [`ConventionalError::Opus`] if the library fails.
    fn process(
        &mut self,
        input: &[f32],
        is_lost: bool,
        output: &mut [f32],
    ) -> Result<usize, ConventionalError>;

    /// Forgets the signal: what follows is as from a new stream. For a worker thread: it may allocate.
    fn reset(&mut self);
}

impl ConventionalCodec {
    /// Returns the shape of the codec's audio. Realtime-safe.
    pub fn format(&self) -> ConventionalFormat {
        match self {
            Self::Opus(settings) => settings.format(),
            Self::G711(_) => g711::FORMAT,
        }
    }

    /// Returns the nominal bitrate of a stream in bits a second. Realtime-safe.
    pub fn bitrate(&self, channels: usize) -> f64 {
        match self {
            Self::Opus(settings) => settings.kbps * 1000.0,
            Self::G711(_) => g711::BITRATE * channels as f64,
        }
    }

    /// Returns the lowest and the highest bitrate of a stream in kbps. Realtime-safe.
    pub fn kbps_range(&self, channels: usize) -> (f64, f64) {
        match self {
            Self::Opus(_) => (opus::LOWEST_KBPS, opus::HIGHEST_KBPS),
            Self::G711(_) => {
                let kbps = g711::BITRATE * channels as f64 / 1000.0;
                (kbps, kbps)
            }
        }
    }

    /// Returns a stream of 1 or 2 channels at the start of a signal. Allocates.
    ///
    /// # Errors
    /// [`ConventionalError`] for settings out of range or other numbers of channels.
    pub fn stream(
        &self,
        channels: usize,
    ) -> Result<Box<dyn ConventionalStream>, ConventionalError> {
        if !(1..=2).contains(&channels) {
            return Err(ConventionalError::Channels { channels });
        }
        Ok(match self {
            Self::Opus(settings) => Box::new(OpusStream::new(*settings, channels)?),
            Self::G711(law) => Box::new(G711Stream::new(*law, channels)),
        })
    }
}

impl fmt::Display for ConventionalCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opus(settings) => settings.fmt(f),
            Self::G711(law) => law.fmt(f),
        }
    }
}

/// Checks that both buffers hold `expected` samples.
pub(crate) fn check_frames(
    input: &[f32],
    output: &[f32],
    expected: usize,
) -> Result<(), ConventionalError> {
    match [input.len(), output.len()].into_iter().find(|found| *found != expected) {
        Some(found) => Err(ConventionalError::Frame { found, expected }),
        None => Ok(()),
    }
}
