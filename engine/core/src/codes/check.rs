//! Checks of codes against a model.

use super::{Codes, CodesError};

impl Codes {
    /// Checks that a model of `layers` RVQ layers with codebooks of `codebook_size` entries can decode
    /// these codes. Fewer layers than the model's are a lower depth; no frames are allowed. An array with
    /// frames as its first dimension is recognised by its excess of layers, unless it has no more frames
    /// than the model has layers.
    ///
    /// # Errors
    /// [`CodesError`] with the first defect.
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
        assert!(error.to_string().contains("codes.reshape(99, -1).T"), "{error}");
        assert_eq!(codes.transposed().check(16, 1024), Ok(()));
    }
}
