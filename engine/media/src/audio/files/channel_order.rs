//! Order and speakers of channels, from what files state.

use residue_core::audio::SpeakerMask;
use symphonia::core::audio::Channels;

use super::Audio;

/// The speakers of a file's channels, and the order that puts them as WAVE files have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChannelOrder {
    speakers: SpeakerMask,
    /// The file's channel for each channel of the result; `None` where the order stays.
    from: Option<Vec<usize>>,
}

impl ChannelOrder {
    /// Returns channels in the order of a WAVE mask. A mask that does not name a speaker for each channel tells
    /// nothing about more than two.
    pub(super) fn of_mask(bits: u32, channels: usize) -> Self {
        const FRONT_LEFT: u32 = 1;
        let stated =
            SpeakerMask::new(bits, channels).filter(|_| !(channels == 1 && bits == FRONT_LEFT));
        Self { speakers: stated.unwrap_or(SpeakerMask::of_count(channels)), from: None }
    }

    /// Returns channels of which each has the speaker of one bit, in any order. Bits that repeat tell nothing.
    pub(super) fn of_speakers(speakers: &[u32]) -> Self {
        let count = speakers.len();
        let bits = speakers
            .iter()
            .fold(0u32, |bits, &speaker| bits | 1u32.checked_shl(speaker).unwrap_or(0));
        match SpeakerMask::new(bits, count) {
            None => Self::of_mask(0, count),
            Some(_) => {
                let mut from: Vec<usize> = (0..count).collect();
                from.sort_by_key(|&channel| speakers[channel]);
                let moved = from.iter().enumerate().any(|(to, &from)| to != from);
                Self { from: moved.then_some(from), ..Self::of_mask(bits, count) }
            }
        }
    }

    /// Returns the order in which symphonia gives positioned channels, that of their bits.
    pub(super) fn of_symphonia(channels: &Channels) -> Option<Self> {
        match channels {
            Channels::Positioned(position) => {
                let bits = u32::try_from(position.bits()).unwrap_or(0);
                Some(Self::of_mask(bits, channels.count()))
            }
            _ => None,
        }
    }

    /// Puts the channels of `audio` in order and names their speakers; does nothing where the number differs.
    pub(super) fn apply(&self, audio: &mut Audio) {
        if let Some(from) = &self.from {
            if from.len() != audio.channels.len() {
                return;
            }
            let mut channels = std::mem::take(&mut audio.channels);
            audio.channels =
                from.iter().map(|&channel| std::mem::take(&mut channels[channel])).collect();
        }
        let named = self.speakers.bits().count_ones() as usize;
        if named == audio.channels.len() || named == 0 {
            audio.speakers = self.speakers;
        }
    }
}

/// Returns the order that a Core Audio channel layout states (`chan` in CAF and QuickTime), after any version field:
/// a tag, a bitmap of WAVE speakers, and a description of each channel, all big-endian.
pub(super) fn core_audio_layout(bytes: &[u8], channels: usize) -> Option<ChannelOrder> {
    const USE_DESCRIPTIONS: u32 = 0;
    const USE_BITMAP: u32 = 1 << 16;
    const DESCRIPTION_BYTES: usize = 20;
    let word = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let tag = word(0)?;
    match tag {
        USE_BITMAP => Some(ChannelOrder::of_mask(word(4)?, channels)),
        USE_DESCRIPTIONS => {
            if word(8)? as usize != channels {
                return None;
            }
            let labels = (0..channels).map(|channel| word(12 + channel * DESCRIPTION_BYTES));
            // Labels 1 to 18 are the speakers of a WAVE mask in their order.
            let speakers: Option<Vec<u32>> =
                labels.map(|label| label?.checked_sub(1).filter(|&speaker| speaker < 18)).collect();
            Some(speakers.map_or_else(
                || ChannelOrder::of_mask(0, channels),
                |speakers| ChannelOrder::of_speakers(&speakers),
            ))
        }
        _ => layout_of_tag(tag >> 16)
            .filter(|speakers| speakers.len() == channels)
            .map(ChannelOrder::of_speakers),
    }
}

/// Returns the speakers of a Core Audio layout tag (`kAudioChannelLayoutTag_*`), as bits of a WAVE mask.
fn layout_of_tag(tag: u32) -> Option<&'static [u32]> {
    const L: u32 = 0;
    const R: u32 = 1;
    const C: u32 = 2;
    const LFE: u32 = 3;
    /// Left and right surround.
    const LS: u32 = 4;
    const RS: u32 = 5;
    const LC: u32 = 6;
    const RC: u32 = 7;
    /// Center surround.
    const CS: u32 = 8;
    /// Left and right rear, where there are side speakers too.
    const SIDE_L: u32 = 9;
    const SIDE_R: u32 = 10;
    Some(match tag {
        100 => &[C],
        101 => &[L, R],
        108 => &[L, R, LS, RS],
        113 => &[L, R, C],
        114 => &[C, L, R],
        115 => &[L, R, C, CS],
        116 => &[C, L, R, CS],
        117 => &[L, R, C, LS, RS],
        118 => &[L, R, LS, RS, C],
        119 => &[L, C, R, LS, RS],
        120 => &[C, L, R, LS, RS],
        121 => &[L, R, C, LFE, LS, RS],
        122 => &[L, R, LS, RS, C, LFE],
        123 => &[L, C, R, LS, RS, LFE],
        124 => &[C, L, R, LS, RS, LFE],
        125 => &[L, R, C, LFE, LS, RS, CS],
        126 => &[L, R, C, LFE, LS, RS, LC, RC],
        127 => &[C, LC, RC, L, R, LS, RS, LFE],
        // Apple has the pair at the sides first, ffmpeg writes the pair behind first: the order stays as it is.
        128 => &[L, R, C, LFE, LS, RS, SIDE_L, SIDE_R],
        131 => &[L, R, CS],
        132 => &[L, R, LS, RS],
        133 => &[L, R, LFE],
        134 => &[L, R, LFE, CS],
        135 => &[L, R, LFE, LS, RS],
        136 => &[L, R, C, LFE],
        137 => &[L, R, C, LFE, CS],
        138 => &[L, R, LS, RS, LFE],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(order: &ChannelOrder, channels: usize) -> (Vec<f32>, u32) {
        let mut audio = Audio::new(48_000, (0..channels).map(|c| vec![c as f32]).collect());
        order.apply(&mut audio);
        (audio.channels.iter().map(|channel| channel[0]).collect(), audio.speakers.bits())
    }

    #[test]
    fn channels_are_put_in_the_order_of_wave() {
        // C L R Ls Rs LFE, as MPEG has 5.1.
        let mut layout = (124u32 << 16 | 6).to_be_bytes().to_vec();
        layout.extend([0; 8]);
        let order = core_audio_layout(&layout, 6).unwrap();
        assert_eq!(ordered(&order, 6), (vec![1.0, 2.0, 0.0, 5.0, 3.0, 4.0], 0x3F));
        assert_eq!(core_audio_layout(&layout, 5), None);
    }

    #[test]
    fn masks_that_name_no_speaker_for_each_channel_tell_nothing() {
        assert_eq!(ordered(&ChannelOrder::of_mask(0, 4), 4).1, 0);
        assert_eq!(ordered(&ChannelOrder::of_mask(0x33, 4), 4).1, 0x33);
        assert_eq!(ordered(&ChannelOrder::of_mask(0x3F, 4), 4).1, 0);
        assert_eq!(ordered(&ChannelOrder::of_mask(0, 2), 2).1, 3);
        // Mono is front center, also where a file says front left.
        assert_eq!(ordered(&ChannelOrder::of_mask(1, 1), 1).1, 4);
    }

    #[test]
    fn descriptions_and_bitmaps_name_speakers() {
        let mut layout = vec![0u8; 12];
        layout[11] = 3;
        for label in [3u8, 1, 2] {
            layout.extend([0, 0, 0, label]);
            layout.extend([0; 16]);
        }
        let order = core_audio_layout(&layout, 3).unwrap();
        assert_eq!(ordered(&order, 3), (vec![1.0, 2.0, 0.0], 0b111));
        let bitmap = [0, 1, 0, 0, 0, 0, 0, 0x33, 0, 0, 0, 0];
        assert_eq!(ordered(&core_audio_layout(&bitmap, 4).unwrap(), 4).1, 0x33);
    }
}
