//! Which layers of the quantizer a decoder hears.

/// A choice of RVQ layers: the first `depth`, less those muted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerSelection {
    /// How many first layers, from 1.
    pub depth: usize,
    /// Bit k mutes layer k (from 0): its contribution is left out of the sum. Layers from 64 on
    /// cannot be muted.
    pub muted: u64,
}

impl LayerSelection {
    /// Whether layer `layer` (from 0) is heard.
    pub fn hears(self, layer: usize) -> bool {
        layer < self.depth && (layer >= 64 || self.muted >> layer & 1 == 0)
    }
}

/// The first `depth` layers, none muted.
impl From<usize> for LayerSelection {
    fn from(depth: usize) -> Self {
        Self { depth, muted: 0 }
    }
}
