//! Whether codes fit a model.

use super::Codes;

/// Why codes do not fit a model, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodesError {
    /// More layers than the model has.
    #[error(
        "the codes have {found} layers and the model {layers}: {}",
        if *.looks_transposed {
            "they look like frames first; transpose them, numpy.save(path, codes.T)"
        } else {
            "decode them with the model that made them"
        }
    )]
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
    /// A code the model's codebooks do not have.
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

impl Codes {
    /// Whether a model of `layers` RVQ layers with codebooks of `codebook_size` entries can decode
    /// these. Fewer layers than the model's are fine: that is a lower depth. No frames are fine too.
    /// An array stored frames first is told by its too many layers; one with no more frames than the
    /// model has layers cannot be told.
    ///
    /// # Errors
    /// [`CodesError`] naming the first thing that does not fit.
    pub fn check(&self, layers: usize, codebook_size: usize) -> Result<(), CodesError> {
        let found = self.layers();
        if found > layers {
            let looks_transposed = (1..=layers).contains(&self.frames());
            return Err(CodesError::TooManyLayers { found, layers, looks_transposed });
        }
        if found == 0 {
            return Err(CodesError::NoLayers { layers });
        }
        let outside = |value: &u32| usize::try_from(*value).is_ok_and(|v| v >= codebook_size);
        match self.data().iter().position(outside) {
            Some(at) => Err(CodesError::OutOfRange {
                layer: at / self.frames(),
                frame: at % self.frames(),
                value: self.data()[at],
                codebook_size,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_passes() {
        let codes = Codes::new(2, 3, vec![0, 1, 2, 1023, 4, 5]);
        assert_eq!(codes.check(2, 1024), Ok(()));
        assert_eq!(codes.check(16, 1024), Ok(()));
        assert_eq!(Codes::empty(16).check(16, 1024), Ok(()));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let codes = Codes::new(2, 3, vec![0, 1, 2, 3, 1024, 5]);
        assert_eq!(
            codes.check(2, 1024),
            Err(CodesError::OutOfRange { layer: 1, frame: 1, value: 1024, codebook_size: 1024 })
        );
        let message = codes.check(2, 1024).unwrap_err().to_string();
        assert!(message.contains("layer 1, frame 1: code 1024 is outside 0..=1023"), "{message}");
        let message = codes.check(1, 4096).unwrap_err().to_string();
        assert!(message.contains("the model that made them"), "{message}");
        assert_eq!(Codes::empty(0).check(16, 4), Err(CodesError::NoLayers { layers: 16 }));
    }

    #[test]
    fn frames_before_layers_are_recognised() {
        let codes = Codes::new(99, 16, vec![0; 99 * 16]);
        let error = codes.check(16, 1024).unwrap_err();
        assert_eq!(
            error,
            CodesError::TooManyLayers { found: 99, layers: 16, looks_transposed: true }
        );
        assert!(error.to_string().contains("codes.T"), "{error}");
        assert_eq!(codes.transposed().check(16, 1024), Ok(()));
    }
}
