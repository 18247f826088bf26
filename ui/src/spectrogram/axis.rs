//! The frequency axis.

use std::ops::RangeInclusive;

use residue_engine::measure::{hz_to_mel, mel_to_hz};

/// The scale of a spectrogram's frequency axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FrequencyAxis {
    /// Logarithmic: octaves are equally high.
    #[default]
    Log,
    /// Slaney's mel scale: linear below 1 kHz, logarithmic above.
    Mel,
}

impl FrequencyAxis {
    /// Returns the position of a frequency in `range`, 0 at the top to 1 at the bottom; outside of the range
    /// beyond them.
    pub fn position(self, hertz: f64, range: &RangeInclusive<f64>) -> f64 {
        let (low, high) = (self.scale(*range.start()), self.scale(*range.end()));
        (high - self.scale(hertz)) / (high - low)
    }

    /// Returns the frequency in Hz at a position; the inverse of [`Self::position`].
    pub fn hertz(self, position: f64, range: &RangeInclusive<f64>) -> f64 {
        let (low, high) = (self.scale(*range.start()), self.scale(*range.end()));
        self.unscale(high - position * (high - low))
    }

    fn scale(self, hertz: f64) -> f64 {
        match self {
            Self::Log => hertz.ln(),
            Self::Mel => hz_to_mel(hertz),
        }
    }

    fn unscale(self, scaled: f64) -> f64 {
        match self {
            Self::Log => scaled.exp(),
            Self::Mel => mel_to_hz(scaled),
        }
    }

    /// Returns the mapping of an image with a logarithmic axis to this one: pairs of positions, from top to
    /// bottom.
    pub(super) fn bands(self, range: &RangeInclusive<f64>) -> Vec<(f32, f32)> {
        let pieces = if self == Self::Log { 1 } else { 32 };
        (0..=pieces)
            .map(|n| {
                let from = f64::from(n) / f64::from(pieces);
                let hertz = Self::Log.hertz(from, range);
                (from as f32, self.position(hertz, range) as f32)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_invert_and_have_their_ends() {
        let range = 40.0..=20_000.0;
        for axis in [FrequencyAxis::Log, FrequencyAxis::Mel] {
            assert!(axis.position(20_000.0, &range).abs() < 1e-12);
            assert!((axis.position(40.0, &range) - 1.0).abs() < 1e-12);
            for hertz in [40.0, 440.0, 999.0, 1001.0, 8000.0] {
                let back = axis.hertz(axis.position(hertz, &range), &range);
                assert!((back - hertz).abs() < 1e-6, "{axis:?} {hertz}: {back}");
            }
            let bands = axis.bands(&range);
            let last = bands[bands.len() - 1];
            assert!(bands[0].1.abs() < 1e-6 && (last.0 - 1.0).abs() + (last.1 - 1.0).abs() < 1e-6);
            assert!(bands.windows(2).all(|pair| pair[0].1 < pair[1].1));
        }
    }

    #[test]
    fn mel_gives_low_frequencies_less_room() {
        let range = 40.0..=20_000.0;
        let below_1k = |axis: FrequencyAxis| 1.0 - axis.position(1000.0, &range);
        assert!(below_1k(FrequencyAxis::Log) > 0.5);
        assert!(below_1k(FrequencyAxis::Mel) < 0.3);
    }
}
