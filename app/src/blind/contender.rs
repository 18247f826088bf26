//! The versions of a passage that can be compared.

use std::fmt;

use residue_engine::codec::Precision;
use residue_engine::conventional::ConventionalCodec;

/// A depth of a model in a precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecContender {
    /// A known model, an added one, or a folder.
    pub model: String,
    /// Its arithmetic.
    pub precision: Precision,
    /// RVQ depth, from 1.
    pub depth: usize,
}

/// A version of a passage. `Display` names it for a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Contender {
    /// The passage as it is.
    Original,
    /// The passage without what is above 3.5 kHz: what everybody hears is worse.
    Anchor,
    /// The passage through a model.
    Codec(CodecContender),
    /// The passage through a conventional codec.
    Conventional(ConventionalCodec),
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Original => write!(f, "the original"),
            Self::Anchor => write!(f, "the anchor (3.5 kHz low-pass)"),
            Self::Codec(CodecContender { model, precision, depth }) => {
                write!(f, "depth {depth} of {model} in {precision}")
            }
            Self::Conventional(codec) => {
                write!(f, "{codec} at {} kbps", codec.bitrate(1) / 1000.0)
            }
        }
    }
}
