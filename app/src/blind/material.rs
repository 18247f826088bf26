//! The passage that everything compared is made of.

use std::f64::consts::PI;
use std::ops::Range;
use std::sync::Arc;

use residue_engine::audio::{Audio, resample};
use residue_engine::blind::{Passage, samples_sha256};

use super::BlindError;
use crate::studio::LoadedFile;

/// Shortest passage: below, its loudness does not exist.
pub const SHORTEST_SECONDS: f64 = 0.5;
/// Longest passage.
pub const LONGEST_SECONDS: f64 = 300.0;
/// Seconds of the file after the passage that codecs get too, if there are as many: more than the longest frame and
/// than converters look ahead, so that the passage's end is coded as in the whole file.
const POSTROLL_SECONDS: f64 = 2.0;
/// Both ends of the passage fade over this time: it repeats, and a click at the seam would be heard
/// as a part of it.
const FADE_SECONDS: f64 = 0.005;

/// A file and the part of it to listen to.
#[derive(Clone, Debug)]
pub struct TestMaterial {
    /// The file's name.
    pub name: String,
    /// SHA-256 of the file's bytes, in lowercase hex.
    pub sha256: String,
    /// The whole file.
    pub audio: Arc<Audio>,
    /// From second to second; all of it if `None`.
    pub region: Option<(f64, f64)>,
}

impl TestMaterial {
    /// A part of an open file.
    pub fn new(file: &LoadedFile, region: Option<(f64, f64)>) -> Self {
        let (name, sha256) = (file.name.clone(), file.sha256.clone());
        Self { name, sha256, audio: Arc::clone(&file.audio), region }
    }

    /// Length of the passage in seconds.
    pub fn seconds(&self) -> f64 {
        self.samples().len() as f64 / f64::from(self.audio.rate)
    }

    /// Samples of the passage in the file.
    fn samples(&self) -> Range<usize> {
        let at = |seconds: f64| (seconds * f64::from(self.audio.rate)).round().max(0.0) as usize;
        let length = self.audio.len();
        let (from, to) = self.region.map_or((0, length), |(from, to)| (at(from), at(to)));
        from.min(length)..to.clamp(from.min(length), length)
    }

    /// Cuts the passage out, with all of the file before it: a model's memory is the sum of its attention windows,
    /// which is longer than any one of them, and its positions count from the file's start.
    ///
    /// # Errors
    /// If it is too short or too long.
    pub(super) fn cut(&self) -> Result<CutPassage, BlindError> {
        let (samples, seconds) = (self.samples(), self.seconds());
        if seconds < SHORTEST_SECONDS {
            return Err(BlindError::TooShort { seconds });
        }
        if seconds > LONGEST_SECONDS {
            return Err(BlindError::TooLong { seconds });
        }
        let Audio { rate, channels, speakers } = &*self.audio;
        let postroll = (POSTROLL_SECONDS * f64::from(*rate)) as usize;
        let end = samples.end.saturating_add(postroll).min(self.audio.len());
        let part = |range: Range<usize>| Audio {
            rate: *rate,
            speakers: *speakers,
            channels: channels.iter().map(|channel| channel[range.clone()].to_vec()).collect(),
        };
        let passage = Passage {
            file: self.name.clone(),
            file_sha256: self.sha256.clone(),
            rate: *rate,
            channels: channels.len(),
            first_sample: samples.start,
            samples: samples.len(),
            sha256: samples_sha256(&part(samples.clone())),
        };
        Ok(CutPassage { piece: part(0..end), samples, passage })
    }
}

/// A passage, cut out.
pub(super) struct CutPassage {
    /// The file up to the passage's end and a little beyond, as a codec is to hear it.
    pub piece: Audio,
    /// The passage in the piece, and in the file.
    samples: Range<usize>,
    /// Its description in a report.
    pub passage: Passage,
}

impl CutPassage {
    /// The passage of a version of [`piece`](Self::piece), at `rate` Hz. Every version goes the same
    /// way, so all are aligned to the sample; at the file's own rate, samples are copied.
    ///
    /// # Errors
    /// If there is no conversion to that rate.
    pub fn finish(&self, version: &Audio, rate: u32) -> Result<Audio, BlindError> {
        let part = |channel: &Vec<f32>| channel[self.samples.clone()].to_vec();
        let mut version = Audio {
            rate: version.rate,
            speakers: version.speakers,
            channels: version.channels.iter().map(part).collect(),
        };
        let fade = ((FADE_SECONDS * f64::from(version.rate)) as usize).max(1);
        for channel in &mut version.channels {
            let last = channel.len() - 1;
            for n in 0..fade.min(channel.len() / 2) {
                let gain = 0.5 - 0.5 * (PI * (n as f64 + 0.5) / fade as f64).cos();
                channel[n] *= gain as f32;
                channel[last - n] *= gain as f32;
            }
        }
        Ok(resample(&version, rate)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn material(seconds: f64, region: Option<(f64, f64)>) -> TestMaterial {
        let ramp = (0..(seconds * 8000.0) as usize).map(|n| n as f32 / 1e6).collect();
        let audio = Arc::new(Audio::new(8000, vec![ramp]));
        TestMaterial { name: "ramp.wav".into(), sha256: "ab".into(), audio, region }
    }

    #[test]
    fn a_passage_is_cut_to_the_sample_with_all_before_it() {
        let cut = material(10.0, Some((3.0, 4.5))).cut().unwrap();
        assert_eq!((cut.samples.clone(), cut.piece.len()), (24_000..36_000, 52_000));
        assert_eq!((cut.passage.first_sample, cut.passage.samples), (24_000, 12_000));
        let whole = cut.finish(&cut.piece, 8000).unwrap();
        assert_eq!(whole.len(), 12_000);
        // Between the fades of 40 samples it is the file.
        for n in [40, 5000, 11_959] {
            assert_eq!(whole.channels[0][n], (24_000 + n) as f32 / 1e6);
        }
        assert!(whole.channels[0][0] < 1e-4 && whole.channels[0][11_999] < 1e-4);
        let doubled = cut.finish(&cut.piece, 16_000).unwrap();
        assert_eq!(doubled.len(), 24_000);
        assert!((doubled.channels[0][10_000] - whole.channels[0][5000]).abs() < 1e-4);

        let cut = material(10.0, Some((1.0, 99.0))).cut().unwrap();
        assert_eq!((cut.samples.start, cut.passage.samples), (8000, 72_000));
        assert_eq!(material(10.0, None).cut().unwrap().samples, 0..80_000);
    }

    #[test]
    fn too_short_and_too_long_are_told() {
        let error = |region| material(301.0, region).cut().err().unwrap().to_string();
        assert!(error(Some((1.0, 1.2))).contains("0.20 s long"));
        assert!(error(Some((5.0, 1.0))).contains("0.00 s long"));
        assert!(error(Some((f64::NAN, f64::NAN))).contains("0.00 s long"));
        assert!(error(None).contains("set a loop"));
    }
}
