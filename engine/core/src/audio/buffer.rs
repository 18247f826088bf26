//! A planar audio buffer.

use super::SpeakerMask;

/// Planar 32-bit float audio: `channels[c][n]` is sample `n` of channel `c`, full scale ±1.
///
/// All channels have the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Sample rate in hertz.
    pub rate: u32,
    /// Samples of each channel.
    pub channels: Vec<Vec<f32>>,
    /// Speakers that the channels are meant for.
    pub speakers: SpeakerMask,
}

impl Audio {
    /// Returns `channels` at `rate` hertz. One channel is mono, two are stereo; the speakers of more are not known.
    pub fn new(rate: u32, channels: Vec<Vec<f32>>) -> Self {
        let speakers = SpeakerMask::of_count(channels.len());
        Self { rate, channels, speakers }
    }

    /// Returns silence of `samples` samples a channel.
    pub fn silence(rate: u32, channels: usize, samples: usize) -> Self {
        Self::new(rate, vec![vec![0.0; samples]; channels])
    }

    /// Returns the length in samples of a channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// Returns true if there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the length in seconds.
    pub fn seconds(&self) -> f64 {
        self.len() as f64 / f64::from(self.rate)
    }

    /// Returns the channels as slices, the form that the codec takes.
    pub fn planes(&self) -> Vec<&[f32]> {
        self.channels.iter().map(Vec::as_slice).collect()
    }
}
