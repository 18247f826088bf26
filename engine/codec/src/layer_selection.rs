//! The RVQ layers that a decoder uses.

/// A selection of RVQ layers: the first `depth`, except the muted ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerSelection {
    /// Number of layers, from 1.
    pub depth: usize,
    /// Bit mask of muted layers: bit k leaves layer k (from 0) out of the sum. Layers from 64 on cannot be
    /// muted.
    pub muted: u64,
}

impl LayerSelection {
    /// Returns true if layer `layer` (from 0) is part of the sum.
    pub fn includes(self, layer: usize) -> bool {
        layer < self.depth && (layer >= 64 || self.muted >> layer & 1 == 0)
    }
}

/// The first `depth` layers, none muted.
impl From<usize> for LayerSelection {
    fn from(depth: usize) -> Self {
        Self { depth, muted: 0 }
    }
}
