//! The speakers that channels are meant for.

/// The speaker of each channel, as WAVE files state it: bit n is set if there is a channel for speaker n, and
/// channels stand in the order of their bits. No bit is set where the speakers are not known.
///
/// Bits: 0 front left, 1 front right, 2 front center, 3 low frequency, 4 back left, 5 back right, 6 and 7 left
/// and right of center, 8 back center, 9 side left, 10 side right, 11 to 17 top. Source: `dwChannelMask` of
/// Microsoft's `WAVEFORMATEXTENSIBLE`. Realtime-safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SpeakerMask(u32);

impl SpeakerMask {
    /// Channels whose speakers are not known.
    pub const UNKNOWN: Self = Self(0);
    /// One channel, front center.
    pub const MONO: Self = Self(0b100);
    /// Two channels, front left and front right.
    pub const STEREO: Self = Self(0b11);
    /// Number of speakers that have a bit.
    const SPEAKERS: u32 = 18;

    /// Returns the mask of `bits`, or `None` if they do not name one speaker for each of `channels`.
    pub fn new(bits: u32, channels: usize) -> Option<Self> {
        let named = bits.count_ones() as usize == channels && channels > 0;
        (named && bits >> Self::SPEAKERS == 0).then_some(Self(bits))
    }

    /// Returns what a number of channels means by itself: one is mono, two are stereo, of others the speakers
    /// are not known.
    pub fn of_count(channels: usize) -> Self {
        match channels {
            1 => Self::MONO,
            2 => Self::STEREO,
            _ => Self::UNKNOWN,
        }
    }

    /// Returns the bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_names_one_speaker_a_channel() {
        assert_eq!(SpeakerMask::new(0x33, 4).map(SpeakerMask::bits), Some(0x33));
        assert_eq!(SpeakerMask::new(0x33, 3), None);
        assert_eq!(SpeakerMask::new(0, 0), None);
        assert_eq!(SpeakerMask::new(1 << 18, 1), None);
        assert_eq!(SpeakerMask::of_count(1), SpeakerMask::MONO);
        assert_eq!(SpeakerMask::of_count(2), SpeakerMask::STEREO);
        assert_eq!(SpeakerMask::of_count(6), SpeakerMask::UNKNOWN);
    }
}
