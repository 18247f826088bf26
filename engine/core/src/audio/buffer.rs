//! A planar audio buffer.

/// Planar 32-bit float audio: `channels[c][n]` is sample `n` of channel `c`, full scale ±1.
///
/// All channels have the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// Sample rate in hertz.
    pub rate: u32,
    /// One vector of samples a channel.
    pub channels: Vec<Vec<f32>>,
}

impl Audio {
    /// Silence of `samples` samples a channel.
    pub fn silence(rate: u32, channels: usize, samples: usize) -> Self {
        Self { rate, channels: vec![vec![0.0; samples]; channels] }
    }

    /// Samples a channel.
    pub fn len(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    /// True if there is no sample at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.len() as f64 / f64::from(self.rate)
    }

    /// The channels as slices, as the codec takes them.
    pub fn planes(&self) -> Vec<&[f32]> {
        self.channels.iter().map(Vec::as_slice).collect()
    }
}
