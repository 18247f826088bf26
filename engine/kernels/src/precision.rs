//! Number formats of weights.

use std::fmt;
use std::str::FromStr;

/// Number format of a model's linear layers. Quantizer, norms and attention compute in f32 in all of them;
/// the KV cache is in f32 with [`Precision::F32`] and in bfloat16 with the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// f32 weights: the reference's own numbers, exact.
    #[default]
    F32,
    /// bfloat16 weights (8 bits of mantissa), f32 activations: half the memory.
    Bf16,
    /// int8 weights; int8 activations, or 16-bit ones in outlier blocks; a scale for each 128 numbers of a
    /// row: a quarter of the memory. The projections around a stage, and layers whose quantization error
    /// would be too large, are in bfloat16.
    Int8,
    /// int4 weights with a factor for each 16 of a row, multiplied as int8: a seventh of the memory at best.
    /// Meant for large models, which are bound by memory bandwidth. Stages with so many rows per frame that
    /// they are not, and layers whose quantization error would be too large, are in int8 or bfloat16.
    Int4,
}

impl Precision {
    /// All precisions, most exact first.
    pub const ALL: [Self; 4] = [Self::F32, Self::Bf16, Self::Int8, Self::Int4];

    /// Whether linear layers multiply integers.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Int8 | Self::Int4)
    }

    /// Returns the name that [`FromStr`] parses: `f32`, `bf16`, `int8` or `int4`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error of parsing a precision's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{found:?} is not a precision; expected f32, bf16, int8 or int4")]
pub struct ParsePrecisionError {
    found: String,
}

impl FromStr for Precision {
    type Err = ParsePrecisionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|precision| precision.name() == text);
        named.ok_or_else(|| ParsePrecisionError { found: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        let error = "fp16".parse::<Precision>().unwrap_err();
        let expected = "\"fp16\" is not a precision; expected f32, bf16, int8 or int4";
        assert_eq!(error.to_string(), expected);
    }
}
