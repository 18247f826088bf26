//! A layers × frames array of codes.

/// Codes of one stream: `layers` RVQ layers × `frames` frames, layer-major, so that the code of
/// layer `k` at frame `t` is `data[k * frames + t]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codes {
    layers: usize,
    frames: usize,
    data: Vec<u32>,
}

impl Codes {
    /// Wraps layer-major data.
    ///
    /// # Panics
    /// If `data.len() != layers * frames`.
    pub fn new(layers: usize, frames: usize, data: Vec<u32>) -> Self {
        assert_eq!(data.len(), layers * frames, "codes are layers x frames");
        Self { layers, frames, data }
    }

    /// No frames yet of `layers` layers.
    pub fn empty(layers: usize) -> Self {
        Self { layers, frames: 0, data: Vec::new() }
    }

    /// RVQ layers (K).
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Frames (T).
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The code of `layer` at `frame`.
    ///
    /// # Panics
    /// If either is out of range.
    pub fn get(&self, layer: usize, frame: usize) -> u32 {
        self.layer(layer)[frame]
    }

    /// All codes of one layer, frame by frame.
    ///
    /// # Panics
    /// If `layer` is out of range.
    pub fn layer(&self, layer: usize) -> &[u32] {
        &self.data[layer * self.frames..(layer + 1) * self.frames]
    }

    /// Layer-major data, `layers * frames` long.
    pub fn data(&self) -> &[u32] {
        &self.data
    }

    /// Frames `range` of every layer.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let frames = range.len();
        let data = (0..self.layers).flat_map(|k| self.layer(k)[range.clone()].to_vec()).collect();
        Self { layers: self.layers, frames, data }
    }

    /// This array followed by `next`.
    ///
    /// # Panics
    /// If the two have different numbers of layers.
    pub fn extend(&mut self, next: &Self) {
        assert_eq!(self.layers, next.layers, "codes of one stream have one number of layers");
        let layers = 0..self.layers;
        self.data = layers.flat_map(|k| [self.layer(k), next.layer(k)].concat()).collect();
        self.frames += next.frames;
    }
}
