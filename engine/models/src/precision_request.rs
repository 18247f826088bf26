//! The precision that is asked for.

use std::fmt;
use std::str::FromStr;

use residue_codec::{ParsePrecisionError, Precision};

/// Name of [`PrecisionRequest::Automatic`] on the command line and in files.
const AUTOMATIC: &str = "auto";

/// A precision, or the wish for the fastest one that is good enough: see
/// [`ModelStore::choose_precision`](super::ModelStore::choose_precision).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrecisionRequest {
    /// The fastest whose cost in sound is small.
    Automatic,
    /// This one.
    Fixed(Precision),
}

impl PrecisionRequest {
    /// Automatic, then all precisions, most exact first.
    pub const ALL: [Self; 5] = [
        Self::Automatic,
        Self::Fixed(Precision::F32),
        Self::Fixed(Precision::Bf16),
        Self::Fixed(Precision::Int8),
        Self::Fixed(Precision::Int4),
    ];

    /// Returns the name that [`FromStr`] parses: `auto`, or that of the precision.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => AUTOMATIC,
            Self::Fixed(precision) => precision.name(),
        }
    }

    /// Returns the text that windows show, with what it came to if that is known: `automatic (bf16)`, `f32`.
    pub fn label(self, running: Option<Precision>) -> String {
        match (self, running) {
            (Self::Automatic, Some(precision)) => format!("automatic ({precision})"),
            (Self::Automatic, None) => "automatic".to_owned(),
            (Self::Fixed(precision), _) => precision.name().to_owned(),
        }
    }
}

impl From<Precision> for PrecisionRequest {
    fn from(precision: Precision) -> Self {
        Self::Fixed(precision)
    }
}

impl fmt::Display for PrecisionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PrecisionRequest {
    type Err = ParsePrecisionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == AUTOMATIC { Ok(Self::Automatic) } else { text.parse().map(Self::Fixed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_labels_tell_what_runs() {
        for request in PrecisionRequest::ALL {
            assert_eq!(request.name().parse(), Ok(request));
        }
        assert!("automatic (f32)".parse::<PrecisionRequest>().is_err());
        let automatic = PrecisionRequest::Automatic;
        assert_eq!(automatic.label(Some(Precision::Bf16)), "automatic (bf16)");
        assert_eq!(automatic.label(None), "automatic");
        let fixed = PrecisionRequest::from(Precision::Int8);
        assert_eq!(fixed.label(Some(Precision::F32)), "int8");
    }
}
