//! How much of the codebooks a recording uses.

use serde::Serialize;

use super::MeasureError;
use crate::tokens::Codes;

/// Largest codebook accepted.
const MAX_CODEBOOK: usize = 1 << 24;

/// What one RVQ layer used.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LayerUsage {
    /// Different codes that occur.
    pub distinct: usize,
    /// Shannon entropy of the empirical distribution of the codes, in bits a frame.
    pub entropy_bits: f64,
}

/// What all layers used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CodebookUsage {
    /// Entries of each layer's codebook.
    pub codebook_size: usize,
    /// Frames counted.
    pub frames: usize,
    /// First layer first.
    pub layers: Vec<LayerUsage>,
}

impl CodebookUsage {
    /// Share of the codebook that `layer` used, 0 to 1; `None` if there is no such layer.
    pub fn used(&self, layer: usize) -> Option<f64> {
        self.layers.get(layer).map(|l| l.distinct as f64 / self.codebook_size as f64)
    }

    /// Sum of the layers' entropies: the bits a frame really carries, each layer and frame coded
    /// alone. An entropy coder that knows how layers and frames depend on each other needs less.
    pub fn bits_per_frame(&self) -> f64 {
        self.layers.iter().map(|l| l.entropy_bits).sum()
    }

    /// Bits a frame is sent with: layers times `log2(codebook_size)`.
    pub fn nominal_bits_per_frame(&self) -> f64 {
        self.layers.len() as f64 * (self.codebook_size as f64).log2()
    }

    /// The most bits a frame [`Self::bits_per_frame`] could have shown with so few frames: layers
    /// times `log2` of the smaller of frames and codebook size. Near this bound the recording is too
    /// short to tell.
    pub fn measurable_bits_per_frame(&self) -> f64 {
        let most = self.frames.min(self.codebook_size).max(1);
        self.layers.len() as f64 * (most as f64).log2()
    }
}

/// Counts the codes of every layer.
///
/// Entropy is Shannon's, `-sum p log2 p` of the relative frequencies (the plug-in estimate): it is
/// too low for short recordings and cannot exceed `log2(frames)`. No frames: nothing used, 0 bits.
///
/// # Errors
/// [`MeasureError::CodeOutOfRange`] for the first code not below `codebook_size`,
/// [`MeasureError::Parameter`] unless that is 1 to 2^24.
pub fn codebook_usage(codes: &Codes, codebook_size: usize) -> Result<CodebookUsage, MeasureError> {
    if !(1..=MAX_CODEBOOK).contains(&codebook_size) {
        return Err(MeasureError::parameter("codebook_size", codebook_size, "1 to 16777216"));
    }
    let mut counts = vec![0_usize; codebook_size];
    let layers = (0..codes.layers())
        .map(|layer| {
            counts.fill(0);
            for (frame, &value) in codes.layer(layer).iter().enumerate() {
                match counts.get_mut(value as usize) {
                    Some(count) => *count += 1,
                    None => {
                        return Err(MeasureError::CodeOutOfRange {
                            layer,
                            frame,
                            value,
                            codebook_size,
                        });
                    }
                }
            }
            Ok(layer_use(&counts, codes.frames()))
        })
        .collect::<Result<_, _>>()?;
    Ok(CodebookUsage { codebook_size, frames: codes.frames(), layers })
}

/// Distinct codes and entropy of `frames` codes counted.
fn layer_use(counts: &[usize], frames: usize) -> LayerUsage {
    let used = || counts.iter().filter(|count| **count > 0);
    let term = |count: &usize| {
        let p = *count as f64 / frames as f64;
        p * (1.0 / p).log2()
    };
    LayerUsage { distinct: used().count(), entropy_bits: used().map(term).sum() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_distributions() {
        // Constant, uniform over 4, and 1/2 1/4 1/8 1/8.
        let rows = [[7; 8], [0, 1, 2, 3, 0, 1, 2, 3], [0, 0, 0, 0, 1, 1, 2, 3]];
        let usage = codebook_usage(&Codes::new(3, 8, rows.concat()), 16).unwrap();
        let expected = [(1, 0.0), (4, 2.0), (4, 1.75)];
        for (layer, (distinct, entropy_bits)) in usage.layers.iter().zip(expected) {
            assert_eq!(layer.distinct, distinct);
            assert!((layer.entropy_bits - entropy_bits).abs() < 1e-12);
        }
        assert_eq!(usage.used(1), Some(0.25));
        assert_eq!(usage.used(3), None);
        assert!((usage.bits_per_frame() - 3.75).abs() < 1e-12);
        assert_eq!(usage.nominal_bits_per_frame(), 12.0);
        assert_eq!(usage.measurable_bits_per_frame(), 9.0);
    }

    #[test]
    fn no_frames_carry_nothing() {
        let usage = codebook_usage(&Codes::empty(4), 1024).unwrap();
        assert_eq!(usage.bits_per_frame(), 0.0);
        assert_eq!(usage.measurable_bits_per_frame(), 0.0);
        assert_eq!(usage.layers.len(), 4);
    }

    #[test]
    fn codes_outside_the_codebook_are_named() {
        let codes = Codes::new(2, 3, vec![0, 1, 2, 3, 4, 5]);
        assert_eq!(
            codebook_usage(&codes, 4),
            Err(MeasureError::CodeOutOfRange { layer: 1, frame: 1, value: 4, codebook_size: 4 })
        );
        assert!(codebook_usage(&codes, 0).is_err());
        assert!(codebook_usage(&codes, usize::MAX).is_err());
    }
}
