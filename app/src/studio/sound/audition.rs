//! Versions of one recording, switched at the same place.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use residue_engine::dsp::Ramp;
use residue_engine::live::SOURCE_FADE;

use super::super::state::Stimuli;

/// The reason why stimuli cannot be played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditionError {
    /// No stimulus at all.
    #[error("there is nothing to compare")]
    NoVersions,
    /// The devices run at another rate.
    #[error("the versions are at {versions} Hz and the devices at {devices} Hz")]
    Rate {
        /// Hz.
        versions: u32,
        /// Hz.
        devices: u32,
    },
    /// Stimuli of no or different lengths, or with more than two channels.
    #[error("the versions are empty, of different lengths, or not mono or stereo")]
    Malformed,
    /// A loop beyond the end.
    #[error("the loop is not within the versions")]
    Region,
}

/// Plays stimuli. Realtime-safe once made; freeing it is not.
pub struct Audition {
    serial: u64,
    stimuli: Arc<Stimuli>,
    region: Range<usize>,
    at: usize,
    /// Gains by stimulus, which change together. The stimuli are versions of one signal, so that the
    /// crossfade has equal gain, as between the lanes of a port.
    gains: Box<[Ramp]>,
    index: usize,
}

impl Audition {
    /// At the start of the first stimulus.
    ///
    /// # Errors
    /// If the stimuli are malformed or at another rate than the devices.
    pub fn new(serial: u64, stimuli: Arc<Stimuli>, rate: u32) -> Result<Self, AuditionError> {
        let Some(first) = stimuli.planes.first() else {
            return Err(AuditionError::NoVersions);
        };
        let length = first.len();
        if stimuli.rate != rate || stimuli.planes.iter().any(|audio| audio.rate != rate) {
            return Err(AuditionError::Rate { versions: stimuli.rate, devices: rate });
        }
        let well_formed = |audio: &residue_engine::audio::Audio| {
            (1..=2).contains(&audio.channels.len())
                && audio.channels.iter().all(|channel| channel.len() == length)
        };
        if length == 0 || !stimuli.planes.iter().all(well_formed) {
            return Err(AuditionError::Malformed);
        }
        let region = stimuli.region.clone().unwrap_or(0..length);
        if region.is_empty() || region.end > length {
            return Err(AuditionError::Region);
        }
        let fade = samples(SOURCE_FADE, rate);
        let gain = |stimulus: usize| Ramp::new(if stimulus == 0 { 1.0 } else { 0.0 }, fade);
        let gains = (0..stimuli.planes.len()).map(gain).collect();
        Ok(Self { serial, at: region.start, region, stimuli, gains, index: 0 })
    }

    /// Number of this audition, unlike that of any other.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// Heads for another stimulus; one that is not there is ignored.
    pub fn select(&mut self, index: usize) {
        if index == self.index || index >= self.gains.len() {
            return;
        }
        for (stimulus, gain) in self.gains.iter_mut().enumerate() {
            gain.set(if stimulus == index { 1.0 } else { 0.0 });
        }
        self.index = index;
    }

    /// The sample that is heard next.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Samples of the crossfade that are still to come.
    fn fading(&self) -> usize {
        self.gains.iter().map(Ramp::remaining).max().unwrap_or(0)
    }

    /// Fills planes from `from` to `to`, repeating.
    pub fn fill(&mut self, planes: &mut [&mut [f32]], from: usize, to: usize) {
        let mut start = from;
        while start < to {
            if self.at >= self.region.end {
                self.at = self.region.start;
            }
            let count = (to - start).min(self.region.end - self.at);
            let fading = self.fading();
            let count = if fading > 0 { count.min(fading) } else { count };
            self.piece(planes, start, count, fading > 0);
            self.at += count;
            self.gains.iter_mut().for_each(|gain| gain.advance(count));
            start += count;
        }
    }

    fn piece(&self, planes: &mut [&mut [f32]], start: usize, count: usize, fading: bool) {
        let stereo = planes.len() > 1;
        for (channel, plane) in planes.iter_mut().enumerate() {
            let plane = &mut plane[start..start + count];
            if !fading {
                let audio = &self.stimuli.planes[self.index].channels;
                let range = self.at..self.at + count;
                match audio.as_slice() {
                    [left, right] if !stereo => mean(plane, &left[range.clone()], &right[range]),
                    _ => plane.copy_from_slice(&audio[channel.min(audio.len() - 1)][range]),
                }
                continue;
            }
            plane.fill(0.0);
            for (stimulus, audio) in self.stimuli.planes.iter().enumerate() {
                let audio = &audio.channels;
                let last = audio.len() - 1;
                for (n, x) in plane.iter_mut().enumerate() {
                    let at = self.at + n;
                    let sample = if stereo || last == 0 {
                        audio[channel.min(last)][at]
                    } else {
                        0.5 * (audio[0][at] + audio[1][at])
                    };
                    *x += self.gains[stimulus].value_after(n + 1) * sample;
                }
            }
        }
    }
}

/// Both channels on one.
pub fn mean(out: &mut [f32], left: &[f32], right: &[f32]) {
    for (out, (left, right)) in out.iter_mut().zip(left.iter().zip(right)) {
        *out = 0.5 * (left + right);
    }
}

/// Samples of a time.
pub fn samples(time: Duration, rate: u32) -> usize {
    (time.as_secs_f64() * f64::from(rate)).ceil() as usize
}

#[cfg(test)]
mod tests {
    use residue_engine::audio::Audio;

    use super::*;

    fn stimuli(region: Option<Range<usize>>) -> Arc<Stimuli> {
        let plane =
            |by: f32| Audio::new(1000, vec![(0..100).map(|n| by * (n + 1) as f32).collect()]);
        Arc::new(Stimuli { rate: 1000, planes: vec![plane(1.0), plane(2.0), plane(-1.0)], region })
    }

    #[test]
    fn switching_stays_in_place_and_fades_with_equal_gain() {
        let mut audition = Audition::new(1, stimuli(Some(20..60)), 1000).unwrap();
        let (mut left, mut right) = (vec![0.0; 200], vec![0.0; 200]);
        audition.fill(&mut [&mut left, &mut right], 0, 50);
        audition.select(1);
        audition.fill(&mut [&mut left, &mut right], 50, 54);
        audition.select(7);
        audition.select(2);
        audition.fill(&mut [&mut left, &mut right], 54, 200);
        assert_eq!(left, right);
        let original: Vec<f32> = (0..200).map(|n| (20 + n % 40 + 1) as f32).collect();
        assert_eq!(left[..50], original[..50]);
        assert!(left[64..].iter().zip(&original[64..]).all(|(x, y)| *x == -y));
        // After 4 of 10 samples the gains are 0.6 and 0.4, and go on from there.
        assert!((left[53] - original[53] * 1.4).abs() < 1e-4);
        assert!((left[54] - original[54] * (1.4 * 0.9 - 0.1)).abs() < 1e-4);
    }

    #[test]
    fn nonsense_is_refused() {
        let said = |stimuli: Stimuli, rate| {
            Audition::new(1, Arc::new(stimuli), rate).err().unwrap().to_string()
        };
        assert!(said((*stimuli(None)).clone(), 48_000).contains("1000 Hz"));
        assert!(said((*stimuli(Some(50..101))).clone(), 1000).contains("not within"));
        let mut uneven = (*stimuli(None)).clone();
        uneven.planes[1].channels[0].pop();
        assert!(said(uneven, 1000).contains("lengths"));
        assert!(
            said(Stimuli { rate: 1000, planes: vec![], region: None }, 1000).contains("nothing")
        );
    }
}
