//! Arrays of codes, layers × frames.

use super::CodesError;

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

    /// Returns an array of `layers` layers without frames.
    pub fn empty(layers: usize) -> Self {
        Self { layers, frames: 0, data: Vec::new() }
    }

    /// Returns the number of RVQ layers (K).
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Returns the number of frames (T).
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Returns the code of `layer` at `frame`.
    ///
    /// # Panics
    /// If either is out of range.
    pub fn get(&self, layer: usize, frame: usize) -> u32 {
        self.layer(layer)[frame]
    }

    /// Returns the codes of one layer, frame by frame.
    ///
    /// # Panics
    /// If `layer` is out of range.
    pub fn layer(&self, layer: usize) -> &[u32] {
        &self.data[layer * self.frames..(layer + 1) * self.frames]
    }

    /// Returns the codes, layer-major, `layers * frames` long.
    pub fn data(&self) -> &[u32] {
        &self.data
    }

    /// Returns frames `range` of every layer.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let frames = range.len();
        let data = (0..self.layers).flat_map(|k| self.layer(k)[range.clone()].to_vec()).collect();
        Self { layers: self.layers, frames, data }
    }

    /// Concatenates arrays along their frames.
    ///
    /// # Panics
    /// If they do not all have `layers` layers.
    pub fn concat(layers: usize, parts: &[Self]) -> Self {
        let same = parts.iter().all(|part| part.layers == layers);
        assert!(same, "codes of one stream have one number of layers");
        let layer = |k| parts.iter().flat_map(move |part| part.layer(k).iter().copied());
        let data = (0..layers).flat_map(layer).collect();
        Self::new(layers, parts.iter().map(Self::frames).sum(), data)
    }

    /// Makes an array from frames of one code a layer. No frames give no layers.
    ///
    /// # Errors
    /// [`CodesError::Ragged`] if a frame has another number of codes than the first.
    pub fn from_frames<F: AsRef<[u32]>>(frames: &[F]) -> Result<Self, CodesError> {
        let expected = frames.first().map_or(0, |f| f.as_ref().len());
        for (frame, codes) in frames.iter().enumerate() {
            let found = codes.as_ref().len();
            if found != expected {
                return Err(CodesError::Ragged { frame, found, expected });
            }
        }
        let layer = |k: usize| frames.iter().map(move |f| f.as_ref()[k]);
        let data = (0..expected).flat_map(layer).collect();
        Ok(Self { layers: expected, frames: frames.len(), data })
    }

    /// Returns the codes of one frame, first layer first.
    ///
    /// # Panics
    /// If `frame` is out of range.
    pub fn frame(&self, frame: usize) -> Vec<u32> {
        (0..self.layers).map(|layer| self.get(layer, frame)).collect()
    }

    /// Returns the first `depth` layers, or all if there are fewer.
    pub fn truncated(&self, depth: usize) -> Self {
        let layers = depth.min(self.layers);
        Self { layers, frames: self.frames, data: self.data[..layers * self.frames].to_vec() }
    }

    /// Returns the array with layers and frames swapped.
    pub fn transposed(&self) -> Self {
        let data = (0..self.frames).flat_map(|frame| self.frame(frame)).collect();
        Self { layers: self.frames, frames: self.layers, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_keeps_the_first_layers() {
        let codes = Codes::new(3, 2, vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(codes.truncated(2), Codes::new(2, 2, vec![1, 2, 3, 4]));
        assert_eq!(codes.truncated(9), codes);
        assert_eq!(codes.truncated(0).layers(), 0);
    }

    #[test]
    fn frames_and_transposition() {
        let codes = Codes::new(2, 3, vec![1, 2, 3, 4, 5, 6]);
        let frames: Vec<Vec<u32>> = (0..3).map(|t| codes.frame(t)).collect();
        assert_eq!(frames, [[1, 4], [2, 5], [3, 6]]);
        assert_eq!(Codes::from_frames(&frames), Ok(codes.clone()));
        assert_eq!(codes.transposed(), Codes::new(3, 2, vec![1, 4, 2, 5, 3, 6]));
        assert_eq!(codes.transposed().transposed(), codes);
        assert_eq!(
            Codes::from_frames(&[vec![1, 2], vec![3]]),
            Err(CodesError::Ragged { frame: 1, found: 1, expected: 2 })
        );
        assert_eq!(Codes::from_frames::<Vec<u32>>(&[]), Ok(Codes::empty(0)));
    }
}
