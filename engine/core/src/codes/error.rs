//! Errors of arrays of codes.

/// The reason why codes do not fit a model, with a remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodesError {
    /// More layers than the model has.
    #[error("the codes have {found} layers and the model {layers}: {}", remedy(*.found, *.layers, *.looks_transposed))]
    TooManyLayers {
        /// Layers of the codes.
        found: usize,
        /// Layers of the model.
        layers: usize,
        /// True if swapping layers and frames would make them fit.
        looks_transposed: bool,
    },
    /// No layer at all.
    #[error("the codes have no layers: give at least one of the model's {layers}")]
    NoLayers {
        /// Layers of the model.
        layers: usize,
    },
    /// A code outside the model's codebooks.
    #[error(
        "layer {layer}, frame {frame}: code {value} is outside 0..={}: these codes are not of this model, or damaged",
        .codebook_size.saturating_sub(1)
    )]
    OutOfRange {
        /// Layer, from 0.
        layer: usize,
        /// Frame, from 0.
        frame: usize,
        /// The code.
        value: u32,
        /// Entries of the model's codebooks.
        codebook_size: usize,
    },
    /// A frame has another number of codes than the frames before it.
    #[error(
        "frame {frame} has {found} codes and the frames before it {expected}: give every frame one code a layer"
    )]
    Ragged {
        /// Frame, from 0.
        frame: usize,
        /// Its number of codes.
        found: usize,
        /// The number of codes of frame 0.
        expected: usize,
    },
}

/// Says what to do about too many layers. The array may have dimensions of 1 besides, hence `reshape`.
fn remedy(found: usize, layers: usize, looks_transposed: bool) -> String {
    let kept = format!("numpy.save(path, codes.reshape({found}, -1)[:{layers}])");
    if looks_transposed {
        format!(
            "if they are frames first, save numpy.save(path, codes.reshape({found}, -1).T); to keep the first layers, {kept}"
        )
    } else {
        format!("decode them with the model that made them, or keep the first layers, {kept}")
    }
}
