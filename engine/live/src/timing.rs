//! Positions of frames in host samples: exact integer arithmetic between two clocks.
//!
//! ```text
//! host samples    0         1         2         3         4         5         6
//! model samples   0    1    2    3    4    5    6    7    8    9    10   11   12
//! frames of 5     0                        1                        2
//!                 frame_start(1) = 3       frame_start(2) = 5
//! ```
//!
//! A frame starts at the first host sample at or after its first model sample.

use residue_core::audio::{AudioError, RateConverter};
use residue_core::gcd;

/// Clocks of host and model, both counted from the start of a stream.
#[derive(Clone)]
pub struct Timing {
    host: u32,
    model: u32,
    frame: usize,
    /// Converters from host to model and back, at the start of a stream.
    down: RateConverter,
    up: RateConverter,
}

impl Timing {
    /// Returns the clocks of a host at `host` hertz and a model at `model` hertz with frames of `frame`
    /// samples. Computes two filters: not realtime-safe.
    ///
    /// # Errors
    /// If a rate is not supported.
    pub fn new(host: u32, model: u32, frame: usize) -> Result<Self, AudioError> {
        let (down, up) = (RateConverter::new(host, model)?, RateConverter::new(model, host)?);
        Ok(Self { host, model, frame, down, up })
    }

    /// Returns a converter from the host's rate to the model's, at the start of a stream.
    pub fn down(&self) -> RateConverter {
        self.down.clone()
    }

    /// Returns a converter from the model's rate to the host's, at the start of a stream.
    pub fn up(&self) -> RateConverter {
        self.up.clone()
    }

    /// Returns the host's sample rate in hertz.
    pub fn host_rate(&self) -> u32 {
        self.host
    }

    /// Returns the duration of a frame in seconds.
    pub fn frame_seconds(&self) -> f64 {
        self.frame as f64 / f64::from(self.model)
    }

    /// Returns the exact ratio (host samples, frames).
    pub fn frame_ratio(&self) -> (u64, u64) {
        (self.frame as u64 * u64::from(self.host), u64::from(self.model))
    }

    /// Returns the host samples of a frame, rounded up.
    pub fn frame_length(&self) -> usize {
        self.frame_start(1) as usize
    }

    /// Returns the first host sample of frame `frame`.
    pub fn frame_start(&self, frame: u64) -> u64 {
        let samples = u128::from(frame) * self.frame as u128 * u128::from(self.host);
        samples.div_ceil(u128::from(self.model)) as u64
    }

    /// Returns the first frame that starts at host sample `sample` or later.
    pub fn first_frame_at(&self, sample: u64) -> u64 {
        let model = u128::from(sample) * u128::from(self.model);
        let frame = self.frame as u128 * u128::from(self.host);
        // Frame f starts at ceil(f * frame / model), which is >= sample where f * frame >
        // (sample - 1) * model.
        match model.checked_sub(u128::from(self.model)) {
            Some(before) => (before / frame + 1) as u64,
            None => 0,
        }
    }

    /// Returns the smallest delay in host samples at which every sample of a lane can be made from the input
    /// that has come by then: a frame and the filters, one sample more than strictly needed.
    pub fn lookahead(&self) -> usize {
        // A sample that is the first to need a frame waits longest. The pattern repeats when a whole
        // number of frames meets a whole number of host samples.
        let frame = self.frame as u64 * u64::from(self.host);
        let period = u64::from(self.model) / gcd(frame, u64::from(self.model));
        let delay = |frame: u64| {
            let samples = frame * self.frame as u64;
            // The first host sample for which the way back needs sample number `samples`.
            let first = self.up.ready(samples);
            self.down.needed(samples + self.frame as u64 - 1).saturating_sub(first)
        };
        (1..=period).map(delay).max().unwrap_or(0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_models_rate_there_is_only_the_frame() {
        let timing = Timing::new(24_000, 24_000, 480).unwrap();
        assert_eq!((timing.lookahead(), timing.frame_length()), (480, 480));
        assert_eq!(
            (timing.frame_start(3), timing.first_frame_at(1440), timing.first_frame_at(1441)),
            (1440, 3, 4)
        );
    }

    #[test]
    fn frames_and_host_samples_agree_in_both_directions() {
        for (host, model, frame) in
            [(44_100, 24_000, 480), (22_051, 48_000, 3840), (8000, 48_000, 7)]
        {
            let timing = Timing::new(host, model, frame).unwrap();
            for f in 0..5000u64 {
                let start = timing.frame_start(f);
                assert!(timing.first_frame_at(start) <= f);
                assert_eq!(timing.frame_start(timing.first_frame_at(start)), start);
                assert_eq!(
                    timing.first_frame_at(start + 1),
                    (f..).find(|&g| timing.frame_start(g) > start).unwrap()
                );
            }
        }
    }
}
