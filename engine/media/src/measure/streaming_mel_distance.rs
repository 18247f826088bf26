//! The mel distance of running audio, over a sliding window.

use std::collections::VecDeque;

use super::MeasureError;
use super::mel::{MEL_RESOLUTIONS, MelFilterbank, log_ratio};
use super::stft::{EdgePadding, Stft};

/// Number of lanes: the reference and two that are compared with it.
const LANES: usize = 3;
/// Length of a slice, by which the window slides, in seconds.
const SLICE_SECONDS: f64 = 0.1;
/// Longest window, in seconds.
const MAX_SECONDS: f64 = 60.0;

/// The [`mel_distance`](super::mel_distance) of two lanes from a reference lane over a sliding window, without the
/// reflections at the ends of whole signals. For stationary signals it equals the distance of the whole.
///
/// Two lanes at 48 kHz take about a twentieth of a core.
pub struct StreamingMelDistance {
    resolutions: Vec<Resolution>,
    /// Last samples of each lane: the longest analysis window, followed by new samples.
    samples: [Vec<f32>; LANES],
    /// Samples pushed since the last [`Self::clear`].
    pushed: u64,
    /// Samples of a slice.
    slice: u64,
    /// Slices of the window.
    slices: usize,
}

/// Analysis at one resolution.
struct Resolution {
    stft: Stft,
    filterbank: MelFilterbank,
    window: usize,
    /// Sample on which the next frame is centred.
    next: u64,
    magnitudes: Vec<f64>,
    mels: [Vec<f64>; LANES],
    /// Summed distances and number of frames of the last slices; the last slice is incomplete.
    sums: VecDeque<([f64; 2], u64)>,
}

impl StreamingMelDistance {
    /// Returns a measurement over the last `seconds` (0.1 to 60) of audio at `rate` hertz.
    ///
    /// # Errors
    /// If the rate is 0.
    pub fn new(rate: u32, seconds: f64) -> Result<Self, MeasureError> {
        let resolution = |(window, bands): (usize, usize)| {
            let stft = Stft::new(window, window / 4, window)?;
            let filterbank = MelFilterbank::new(rate, window, bands)?;
            let mut resolution = Resolution {
                magnitudes: vec![0.0; stft.bins()],
                mels: std::array::from_fn(|_| vec![0.0; bands]),
                sums: VecDeque::new(),
                next: 0,
                stft,
                filterbank,
                window,
            };
            resolution.clear();
            Ok(resolution)
        };
        let seconds =
            if seconds.is_finite() { seconds.clamp(SLICE_SECONDS, MAX_SECONDS) } else { 1.0 };
        Ok(Self {
            resolutions: MEL_RESOLUTIONS.into_iter().map(resolution).collect::<Result<_, _>>()?,
            samples: Default::default(),
            pushed: 0,
            slice: ((f64::from(rate) * SLICE_SECONDS) as u64).max(1),
            slices: (seconds / SLICE_SECONDS).round() as usize,
        })
    }

    /// Adds samples of the reference and the two lanes. Values that are not finite count as 0.
    pub fn push(&mut self, samples: &[[f32; LANES]]) {
        let longest = MEL_RESOLUTIONS[MEL_RESOLUTIONS.len() - 1].0;
        // In pieces, which bounds the buffers.
        for piece in samples.chunks(longest) {
            for (lane, kept) in self.samples.iter_mut().enumerate() {
                let surplus = kept.len().saturating_sub(longest);
                kept.drain(..surplus);
                let finite = |x: f32| if x.is_finite() { x } else { 0.0 };
                kept.extend(piece.iter().map(|sample| finite(sample[lane])));
            }
            self.pushed += piece.len() as u64;
            let first = self.pushed - self.samples[0].len() as u64;
            for resolution in &mut self.resolutions {
                resolution.advance(&self.samples, first, self.pushed, self.slice, self.slices);
            }
        }
    }

    /// Returns the distances of the two lanes; `None` until there is a frame of each resolution.
    pub fn read(&self) -> Option<[f64; 2]> {
        let mut distances = [0.0; 2];
        for resolution in &self.resolutions {
            let mean = resolution.mean()?;
            distances.iter_mut().zip(mean).for_each(|(sum, mean)| *sum += mean);
        }
        Some(distances)
    }

    /// Clears all samples and sums.
    pub fn clear(&mut self) {
        self.samples.iter_mut().for_each(Vec::clear);
        self.pushed = 0;
        self.resolutions.iter_mut().for_each(Resolution::clear);
    }
}

impl Resolution {
    fn clear(&mut self) {
        // The first frame that lies within the signal.
        self.next = self.window as u64 / 2;
        self.sums.clear();
        self.sums.push_back(([0.0; 2], 0));
    }

    /// Measures the frames that are complete up to sample `end`; `samples` begin with sample `first`.
    fn advance(
        &mut self,
        samples: &[Vec<f32>; LANES],
        first: u64,
        end: u64,
        slice: u64,
        slices: usize,
    ) {
        let (half, hop) = (self.window as u64 / 2, self.window as u64 / 4);
        while self.next + half <= end {
            let centre = (self.next - first) as i64;
            for (signal, mels) in samples.iter().zip(&mut self.mels) {
                self.stft.frame_at(signal, centre, EdgePadding::Zero, &mut self.magnitudes);
                self.filterbank.apply(&self.magnitudes, mels);
            }
            let [reference, a, b] = &self.mels;
            let distance = |lane: &[f64]| {
                let sum: f64 = reference.iter().zip(lane).map(|(x, y)| log_ratio(*x, *y)).sum();
                sum / lane.len() as f64
            };
            let distances = [distance(a), distance(b)];
            let (sums, frames) = self.sums.back_mut().expect("a slice is always open");
            sums.iter_mut().zip(distances).for_each(|(sum, distance)| *sum += distance);
            *frames += 1;
            self.next += hop;
            if self.next / slice > (self.next - hop) / slice {
                self.sums.push_back(([0.0; 2], 0));
                // The last slice is empty yet.
                if self.sums.len() > slices + 1 {
                    self.sums.pop_front();
                }
            }
        }
    }

    /// Returns the mean distance of each lane over the window.
    fn mean(&self) -> Option<[f64; 2]> {
        let frames: u64 = self.sums.iter().map(|(_, frames)| frames).sum();
        let sum = |lane: usize| self.sums.iter().map(|(sums, _)| sums[lane]).sum::<f64>();
        (frames > 0).then(|| [sum(0) / frames as f64, sum(1) / frames as f64])
    }
}

#[cfg(test)]
mod tests {
    use residue_engine_testing::SeededNoise;

    use super::super::mel_distance;
    use super::super::test_signals::sine;
    use super::*;
    use crate::audio::Audio;

    const RATE: u32 = 24_000;

    /// Returns a tone as reference, the tone with noise, and the tone at half level with more noise.
    fn lanes(seconds: f64) -> Vec<[f32; 3]> {
        let count = (f64::from(RATE) * seconds) as usize;
        let tone = sine(RATE, 1, count, 440.0, 0.5);
        let mut seeded = SeededNoise::new(1);
        let mut noise = move || seeded.sample() / 2.0;
        let lane = |x: &f32| {
            let dry = *x + 0.01 * noise();
            [dry, dry + 0.02 * noise(), 0.5 * dry + 0.1 * noise()]
        };
        tone.channels[0].iter().map(lane).collect()
    }

    fn whole(samples: &[[f32; 3]], lane: usize) -> f64 {
        let plane = |lane: usize| {
            Audio::new(RATE, vec![samples.iter().map(|sample| sample[lane]).collect()])
        };
        mel_distance(&plane(0), &plane(lane)).unwrap()
    }

    #[test]
    fn a_stationary_signal_has_the_distance_of_the_whole() {
        let samples = lanes(3.0);
        let mut live = StreamingMelDistance::new(RATE, 3.0).unwrap();
        samples.chunks(1000).for_each(|piece| live.push(piece));
        let read = live.read().unwrap();
        for lane in [1, 2] {
            let (read, whole) = (read[lane - 1], whole(&samples, lane));
            assert!((read / whole - 1.0).abs() < 0.01, "lane {lane}: {read}, offline {whole}");
        }
    }

    #[test]
    fn the_distance_does_not_depend_on_the_pieces() {
        let samples = lanes(1.0);
        let read = |size: usize| {
            let mut live = StreamingMelDistance::new(RATE, 0.5).unwrap();
            samples.chunks(size).for_each(|piece| live.push(piece));
            live.read().unwrap()
        };
        assert_eq!(read(1), read(24_000));
        assert_eq!(read(1), read(777));
    }

    #[test]
    fn only_the_window_counts() {
        let mut live = StreamingMelDistance::new(RATE, 0.5).unwrap();
        assert_eq!(live.read(), None);
        live.push(&lanes(1.0));
        assert!(live.read().unwrap()[0] > 0.5);
        let same: Vec<[f32; 3]> = lanes(1.0).iter().map(|sample| [sample[0]; 3]).collect();
        live.push(&same);
        assert_eq!(live.read(), Some([0.0; 2]));
        live.clear();
        assert_eq!(live.read(), None);
        live.push(&[[f32::NAN, f32::INFINITY, 0.0]; 4096]);
        assert_eq!(live.read(), Some([0.0; 2]));
        assert!(StreamingMelDistance::new(0, 1.0).is_err());
    }
}
