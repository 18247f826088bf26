//! Spectrograms of dry, A, B and a difference, scrolling on one time axis.

mod analysis;
mod axis;
mod scales;
mod view;

pub use axis::FrequencyAxis;
pub use scales::{frequency_grid, frequency_scale, level_scale};
pub use view::{Reading, Spectrogram, SpectrogramOptions};

use residue_engine::live::Source;

/// Which difference the fourth spectrogram shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Difference {
    /// What lane A leaves behind.
    #[default]
    DryMinusA,
    /// What lane B leaves behind.
    DryMinusB,
    /// What lane A has and lane B has not.
    AMinusB,
}

impl Difference {
    /// The one that is heard, if a difference is.
    pub fn heard(source: Source) -> Option<Self> {
        match source {
            Source::DryMinusA => Some(Self::DryMinusA),
            Source::DryMinusB => Some(Self::DryMinusB),
            Source::AMinusB => Some(Self::AMinusB),
            Source::Dry | Source::A | Source::B => None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        crate::source_strip::name(match self {
            Self::DryMinusA => Source::DryMinusA,
            Self::DryMinusB => Source::DryMinusB,
            Self::AMinusB => Source::AMinusB,
        })
    }

    /// Of one sample of dry, A and B.
    fn of(self, [dry, a, b]: [f32; 3]) -> f32 {
        match self {
            Self::DryMinusA => dry - a,
            Self::DryMinusB => dry - b,
            Self::AMinusB => a - b,
        }
    }
}
