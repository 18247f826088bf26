//! Spectrograms of dry, A, B and a difference, scrolling on one time axis.

mod analysis;
mod axis;
mod scales;
mod view;

pub use axis::FrequencyAxis;
pub use scales::{frequency_grid, frequency_scale, level_scale};
pub use view::{LiveSpectrogram, SpectrogramOptions, SpectrogramReading};

use residue_engine::live::ListeningSource;

/// Which difference the fourth spectrogram shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DifferenceLane {
    /// What lane A leaves behind.
    #[default]
    DryMinusA,
    /// What lane B leaves behind.
    DryMinusB,
    /// What lane A has and lane B has not.
    AMinusB,
}

impl DifferenceLane {
    /// The one that is heard, if a difference is.
    pub fn heard(source: ListeningSource) -> Option<Self> {
        match source {
            ListeningSource::DryMinusA => Some(Self::DryMinusA),
            ListeningSource::DryMinusB => Some(Self::DryMinusB),
            ListeningSource::AMinusB => Some(Self::AMinusB),
            ListeningSource::Dry | ListeningSource::A | ListeningSource::B => None,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        crate::source_strip::name(match self {
            Self::DryMinusA => ListeningSource::DryMinusA,
            Self::DryMinusB => ListeningSource::DryMinusB,
            Self::AMinusB => ListeningSource::AMinusB,
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
