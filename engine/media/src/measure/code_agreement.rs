//! The agreement of the codes of two encodings.

use super::error::MeasureError;
use crate::tokens::Codes;

/// Returns for each layer the share, 0 to 1, of frames in which `a` and `b` have the same code, over all streams;
/// 1 where there are no frames.
///
/// # Errors
/// [`MeasureError::CodeShapes`] if they differ in streams, layers or frames.
pub fn code_agreement(a: &[Codes], b: &[Codes]) -> Result<Vec<f64>, MeasureError> {
    let shape = |codes: &[Codes]| -> Vec<(usize, usize)> {
        codes.iter().map(|codes| (codes.layers(), codes.frames())).collect()
    };
    if shape(a) != shape(b) {
        return Err(MeasureError::CodeShapes { first: shape(a), second: shape(b) });
    }
    let layers = a.iter().map(Codes::layers).max().unwrap_or(0);
    let agreement = |layer| {
        let pairs = a.iter().zip(b).filter(|(a, _)| layer < a.layers());
        let pairs = pairs.flat_map(|(a, b)| a.layer(layer).iter().zip(b.layer(layer)));
        let (same, all) =
            pairs.fold((0, 0), |(same, all), (a, b)| (same + u64::from(a == b), all + 1));
        if all == 0 { 1.0 } else { same as f64 / all as f64 }
    };
    Ok((0..layers).map(agreement).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_by_layer() {
        let a = [Codes::new(2, 4, vec![1, 2, 3, 4, 5, 6, 7, 8]), Codes::new(2, 1, vec![1, 2])];
        let b = [Codes::new(2, 4, vec![1, 2, 3, 0, 0, 0, 7, 0]), Codes::new(2, 1, vec![1, 2])];
        assert_eq!(code_agreement(&a, &a).unwrap(), [1.0, 1.0]);
        assert_eq!(code_agreement(&a, &b).unwrap(), [0.8, 0.4]);
        assert!(code_agreement(&a, &b[..1]).is_err());
        assert_eq!(code_agreement(&[], &[]).unwrap(), [0.0; 0]);
    }
}
