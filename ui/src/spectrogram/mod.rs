//! Spectrograms of dry, A, B and a difference, scrolling on one time axis.

mod analysis;
mod axis;
mod scales;
mod view;

pub use axis::FrequencyAxis;
pub use scales::{frequency_grid, frequency_scale, level_scale};
pub use view::{LiveSpectrogram, SpectrogramOptions, SpectrogramReading};

use residue_engine::live::ListeningSource;

/// The difference that the fourth spectrogram shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DifferenceLane {
    /// The residual of lane A: dry minus A.
    #[default]
    DryMinusA,
    /// The residual of lane B: dry minus B.
    DryMinusB,
    /// Lane A minus lane B.
    AMinusB,
}

impl DifferenceLane {
    /// Returns the difference that a listening source plays, if it is one.
    pub fn heard(source: ListeningSource) -> Option<Self> {
        match source {
            ListeningSource::DryMinusA => Some(Self::DryMinusA),
            ListeningSource::DryMinusB => Some(Self::DryMinusB),
            ListeningSource::AMinusB => Some(Self::AMinusB),
            ListeningSource::Dry | ListeningSource::A | ListeningSource::B => None,
        }
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        crate::source_strip::name(match self {
            Self::DryMinusA => ListeningSource::DryMinusA,
            Self::DryMinusB => ListeningSource::DryMinusB,
            Self::AMinusB => ListeningSource::AMinusB,
        })
    }

    /// Returns the difference of one sample of dry, A and B.
    fn of(self, [dry, a, b]: [f32; 3]) -> f32 {
        match self {
            Self::DryMinusA => dry - a,
            Self::DryMinusB => dry - b,
            Self::AMinusB => a - b,
        }
    }
}
