//! The pages of the window.

use serde::{Deserialize, Serialize};

/// A page, chosen in the top bar or with ctrl and its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Page {
    /// Sound and its pictures.
    #[default]
    Listen,
    /// Blind listening tests.
    Blind,
    /// Models: downloads, checks, precisions.
    Models,
    /// Explanations of depth, bitrate and latency, and all keys.
    Help,
}

impl Page {
    /// All of them, in the order of their keys.
    pub const ALL: [Self; 4] = [Self::Listen, Self::Blind, Self::Models, Self::Help];

    /// The name that is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listen => "Listen",
            Self::Blind => "Blind test",
            Self::Models => "Models",
            Self::Help => "Help",
        }
    }
}
