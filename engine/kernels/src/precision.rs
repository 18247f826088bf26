//! The number formats that weights may be kept in.

use std::fmt;
use std::str::FromStr;

/// How a model's linear layers are kept and computed. The quantizer, norms and attention always
/// compute in f32; in smaller precisions the keys and values of the past are kept in bfloat16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// 32-bit floats: the reference's own numbers, exact.
    #[default]
    F32,
    /// Weights rounded to bfloat16 (8 bits of mantissa), activations in f32: half the memory.
    Bf16,
    /// Weights as 8-bit integers, activations as one of them or, in blocks with large exceptions, two
    /// (16 bits), both with a scale for each 128 numbers of a row: a quarter of the memory. The
    /// projections around a stage, and layers that 8 bits would spoil, are in bfloat16.
    Int8,
    /// Weights as 4-bit integers with a factor for each 16 of a row, computed like those of 8 bits: a
    /// seventh of the memory at best, for large models, which wait for it. Stages with so many rows a frame that
    /// they do not, and layers that 4 bits would spoil, are in 8 bits, or in bfloat16.
    Int4,
}

impl Precision {
    /// All of them, most exact first.
    pub const ALL: [Self; 4] = [Self::F32, Self::Bf16, Self::Int8, Self::Int4];

    /// True if linear layers compute with integers.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Int8 | Self::Int4)
    }

    /// Its name, as [`FromStr`] reads it: `f32`, `bf16`, `int8` or `int4`.
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

/// A name that is no precision's.
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
    fn names_are_read_as_they_are_written() {
        for precision in Precision::ALL {
            assert_eq!(precision.to_string().parse(), Ok(precision));
        }
        let error = "fp16".parse::<Precision>().unwrap_err();
        let expected = "\"fp16\" is not a precision; expected f32, bf16, int8 or int4";
        assert_eq!(error.to_string(), expected);
    }
}
