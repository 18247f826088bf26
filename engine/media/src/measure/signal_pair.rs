//! Checked audio for measurements.

use super::MeasureError;
use crate::audio::Audio;

/// Checks that audio has samples, channels of one length, and finite values only.
pub(super) fn check(audio: &Audio) -> Result<(), MeasureError> {
    if audio.is_empty() {
        return Err(MeasureError::Empty);
    }
    let expected = audio.len();
    for (channel, samples) in audio.channels.iter().enumerate() {
        if samples.len() != expected {
            let found = samples.len();
            return Err(MeasureError::RaggedChannels { channel, found, expected });
        }
        if let Some(sample) = samples.iter().position(|x| !x.is_finite()) {
            return Err(MeasureError::NotFinite { channel, sample, value: samples[sample] });
        }
    }
    Ok(())
}

/// Two signals of one rate, layout and length, all samples finite, at least one sample.
pub(super) struct SignalPair<'a> {
    /// The reference.
    pub reference: &'a Audio,
    /// The signal compared with it.
    pub other: &'a Audio,
}

impl<'a> SignalPair<'a> {
    /// Checks both signals and that they match.
    pub fn new(reference: &'a Audio, other: &'a Audio) -> Result<Self, MeasureError> {
        if reference.rate != other.rate {
            return Err(MeasureError::RateMismatch {
                reference: reference.rate,
                other: other.rate,
            });
        }
        if reference.channels.len() != other.channels.len() {
            return Err(MeasureError::ChannelMismatch {
                reference: reference.channels.len(),
                other: other.channels.len(),
            });
        }
        if reference.len() != other.len() {
            return Err(MeasureError::LengthMismatch {
                reference: reference.len(),
                other: other.len(),
            });
        }
        check(reference)?;
        check(other)?;
        Ok(Self { reference, other })
    }

    /// Returns the channels of both signals in pairs.
    pub fn channels(&self) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        let other = self.other.channels.iter().map(Vec::as_slice);
        self.reference.channels.iter().map(Vec::as_slice).zip(other)
    }

    /// Returns the mean over channels of a measurement of one channel.
    pub fn mean(&self, measure: impl FnMut((&'a [f32], &'a [f32])) -> f64) -> f64 {
        self.channels().map(measure).sum::<f64>() / self.reference.channels.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mismatches_are_named() {
        let a = Audio::silence(48_000, 2, 10);
        let error = |b: &Audio| SignalPair::new(&a, b).err();
        assert_eq!(error(&a), None);
        assert_eq!(
            error(&Audio::silence(44_100, 2, 10)),
            Some(MeasureError::RateMismatch { reference: 48_000, other: 44_100 })
        );
        assert_eq!(
            error(&Audio::silence(48_000, 1, 10)),
            Some(MeasureError::ChannelMismatch { reference: 2, other: 1 })
        );
        assert_eq!(
            error(&Audio::silence(48_000, 2, 11)),
            Some(MeasureError::LengthMismatch { reference: 10, other: 11 })
        );
    }

    #[test]
    fn unusable_audio_is_named() {
        assert_eq!(check(&Audio::silence(48_000, 0, 5)), Err(MeasureError::Empty));
        assert_eq!(check(&Audio::silence(48_000, 2, 0)), Err(MeasureError::Empty));
        let ragged = Audio::new(48_000, vec![vec![0.0; 3], vec![0.0; 2]]);
        assert_eq!(
            check(&ragged),
            Err(MeasureError::RaggedChannels { channel: 1, found: 2, expected: 3 })
        );
        let infinite = Audio::new(48_000, vec![vec![0.0, f32::INFINITY]]);
        assert_eq!(
            check(&infinite),
            Err(MeasureError::NotFinite { channel: 0, sample: 1, value: f32::INFINITY })
        );
        let nan = Audio::new(48_000, vec![vec![0.0], vec![f32::NAN]]);
        assert!(matches!(check(&nan), Err(MeasureError::NotFinite { channel: 1, sample: 0, .. })));
    }
}
