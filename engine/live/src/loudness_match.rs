//! Loudness matching: brings a lane to the loudness of the dry signal, slowly.

use ebur128::{EbuR128, Mode};
use residue_core::ramp::ramp_gain;

/// Gate of the dry signal, in LUFS: below it the signal counts as silence and gains stay as they are.
const DRY_GATE: f64 = -60.0;
/// Gate of the lane, in LUFS. Lower, because a lane at a low depth is quieter than the original.
const LANE_GATE: f64 = -75.0;
/// Largest change of level, in dB.
const MAX_GAIN: f64 = 24.0;
/// How far the peaks of a raised lane may exceed those of the dry signal: 3 dB.
const HEADROOM: f32 = 1.41;
/// Peaks below this are not limited: -40 dBFS.
const MIN_LIMITED_PEAK: f32 = 0.01;
/// Decay of the dry signal's peak hold, a frame.
const PEAK_DECAY: f32 = 0.9;
/// Time constant of the gain, in seconds: it follows the difference of scene and lane, not words and
/// beats.
const TIME_CONSTANT: f64 = 3.0;
/// Time until a first estimate counts in full, in seconds: the meters' window.
const WINDOW: f64 = 0.4;

/// Gain of one lane.
///
/// Momentary loudness (ITU-R BS.1770-4, 400 ms) of both signals is read frame by frame; the gain is
/// the ratio of their average powers, over all frames at first, so that it settles quickly, and with
/// a time constant of 3 s from then on. It changes linearly within a frame, faster where the lane got
/// loud.
pub struct LoudnessMatch {
    dry: EbuR128,
    lane: EbuR128,
    frame_seconds: f64,
    /// Average powers of dry and lane, and the seconds they were taken over.
    powers: [f64; 2],
    seconds: f64,
    /// Gain in dB when measuring started.
    initial_gain: f64,
    gain: f32,
    /// Peak hold of the dry signal.
    dry_peak: f32,
}

impl LoudnessMatch {
    /// Returns a gain of 1 for `planes` planes at `rate` hertz, `frame_seconds` at a time. Allocates.
    ///
    /// # Errors
    /// If no loudness meter exists for such a signal.
    pub fn new(planes: usize, rate: u32, frame_seconds: f64) -> Result<Self, ebur128::Error> {
        let meter = || EbuR128::new(planes as u32, rate, Mode::M);
        let (dry, lane) = (meter()?, meter()?);
        Ok(Self {
            dry,
            lane,
            frame_seconds,
            powers: [0.0; 2],
            seconds: 0.0,
            initial_gain: 0.0,
            gain: 1.0,
            dry_peak: 0.0,
        })
    }

    /// Measures one frame of both signals and applies the gain to the lane. While `held` (frozen), the
    /// lane does not follow the dry signal, and the gain stays.
    pub fn process(&mut self, dry: &[&[f32]], lane: &mut [&mut [f32]], held: bool) {
        if held {
            return self.ramp(self.gain, lane);
        }
        let planes: Vec<&[f32]> = lane.iter().map(|plane| &**plane).collect();
        let measured = self
            .dry
            .add_frames_planar_f32(dry)
            .and_then(|()| self.lane.add_frames_planar_f32(&planes))
            .and_then(|()| Ok((self.dry.loudness_momentary()?, self.lane.loudness_momentary()?)));
        if let Ok((dry, lane)) = measured
            && dry > DRY_GATE
            && lane > LANE_GATE
        {
            self.seconds += self.frame_seconds;
            let weight = self.frame_seconds / self.seconds.min(TIME_CONSTANT);
            for (power, loudness) in self.powers.iter_mut().zip([dry, lane]) {
                *power += weight * (10f64.powf(loudness / 10.0) - *power);
            }
        }
        let decibels = match self.powers {
            [dry, lane] if lane > 0.0 => (10.0 * (dry / lane).log10()).clamp(-MAX_GAIN, MAX_GAIN),
            _ => 0.0,
        };
        // A first syllable alone would make the gain jump: it approaches the estimate over the meters'
        // window.
        let trust = (self.seconds / WINDOW).min(1.0);
        let target = self.initial_gain + trust * (decibels - self.initial_gain);
        // The meters are slow; a raised lane that gets loud is limited at once.
        self.dry_peak = peak(dry.iter().copied()).max(self.dry_peak * PEAK_DECAY);
        let mut gain = 10f32.powf(target as f32 / 20.0);
        let loudest = peak(lane.iter().map(|plane| &**plane));
        if loudest * gain > MIN_LIMITED_PEAK {
            gain = gain.min((HEADROOM * self.dry_peak / loudest).max(1.0));
        }
        self.ramp(gain, lane);
    }

    /// Returns the gain to 1, over one frame.
    pub fn release(&mut self, lane: &mut [&mut [f32]]) {
        if self.gain != 1.0 || self.seconds > 0.0 {
            self.restart();
            self.initial_gain = 0.0;
            self.powers = [0.0; 2];
            self.ramp(1.0, lane);
        }
    }

    /// Returns to the state of a new one.
    pub fn reset(&mut self) {
        (self.gain, self.dry_peak) = (1.0, 0.0);
        self.restart();
        self.powers = [0.0; 2];
    }

    /// Restarts the measurement because the lane has changed; the gain stays.
    pub fn restart(&mut self) {
        self.dry.reset();
        self.lane.reset();
        self.initial_gain = 20.0 * f64::from(self.gain).log10();
        self.seconds = 0.0;
    }

    fn ramp(&mut self, gain: f32, lane: &mut [&mut [f32]]) {
        for plane in lane {
            // A large reduction must not wait for the end of a frame of 80 ms.
            let length = if gain < 0.7 * self.gain { plane.len() / 16 } else { plane.len() };
            ramp_gain(plane, self.gain, gain, length);
        }
        self.gain = gain;
    }
}

fn peak<'a>(planes: impl Iterator<Item = &'a [f32]>) -> f32 {
    planes.flatten().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 24_000;
    const FRAME: usize = 480;

    fn tone(frame: usize, level: f32) -> Vec<f32> {
        let at = |n: usize| (0.3 * (frame * FRAME + n) as f32).sin() * level;
        (0..FRAME).map(at).collect()
    }

    /// Runs `frames` frames of a tone at full level against the lane's level at each frame; returns
    /// the lane's level over the original, frame by frame.
    fn run(matched: &mut LoudnessMatch, levels: impl Iterator<Item = f32>) -> Vec<f32> {
        levels
            .enumerate()
            .map(|(frame, level)| {
                let (dry, mut lane) = (tone(frame, 0.5), tone(frame, 0.5 * level));
                matched.process(&[&dry], &mut [&mut lane], false);
                let power = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
                (power(&lane) / power(&dry)).sqrt()
            })
            .collect()
    }

    #[test]
    fn a_quiet_lane_is_brought_up_within_a_second_and_stays() {
        let mut matched = LoudnessMatch::new(1, RATE, 0.02).unwrap();
        let levels = run(&mut matched, std::iter::repeat_n(0.2, 250));
        assert!(levels[0] < 0.25, "no jump at the start: {}", levels[0]);
        assert!(
            levels[50..].iter().all(|level| (level - 1.0).abs() < 0.06),
            "{:?}",
            &levels[50..60]
        );
        // Never faster than 3 dB from one frame to the next.
        assert!(levels.windows(2).all(|pair| pair[1] / pair[0] < 1.41));
    }

    #[test]
    fn a_pause_leaves_the_gain_alone() {
        let mut matched = LoudnessMatch::new(1, RATE, 0.02).unwrap();
        run(&mut matched, std::iter::repeat_n(0.5, 100));
        let before = matched.gain;
        for _ in 0..500 {
            let mut lane = vec![1e-6; FRAME];
            matched.process(&[&[0.0; FRAME]], &mut [&mut lane], false);
        }
        assert!((matched.gain / before - 1.0).abs() < 0.1, "{before} {}", matched.gain);
    }

    #[test]
    fn a_lane_that_gets_loud_is_brought_down_at_once() {
        let mut matched = LoudnessMatch::new(1, RATE, 0.02).unwrap();
        let levels = [0.1, 1.0].into_iter().flat_map(|level| std::iter::repeat_n(level, 500));
        let levels = run(&mut matched, levels);
        assert!((levels[499] - 1.0).abs() < 0.1);
        // In the frame itself for a moment, and never after it by more than 3 dB.
        assert!(levels[500] < 3.0, "{}", levels[500]);
        assert!(levels[501..].iter().all(|level| *level < 1.42), "{:?}", &levels[500..515]);
    }

    #[test]
    fn release_ends_at_exactly_one() {
        let mut matched = LoudnessMatch::new(1, RATE, 0.02).unwrap();
        run(&mut matched, std::iter::repeat_n(0.5, 100));
        let mut lane = tone(0, 0.5);
        matched.release(&mut [&mut lane]);
        let (mut lane, dry) = (tone(1, 0.5), tone(1, 0.5));
        matched.release(&mut [&mut lane]);
        assert_eq!(lane, dry);
    }
}
