//! Which host sample belongs to which frame: integer arithmetic between two clocks.

use residue_core::audio::{AudioError, RateConverter};
use residue_core::gcd;

/// The clocks of host and model, both counted from the start of a stream.
#[derive(Clone)]
pub struct Timing {
    host: u32,
    model: u32,
    frame: usize,
    /// From host to model and back, as they are at the start of a stream.
    down: RateConverter,
    up: RateConverter,
}

impl Timing {
    /// Between a host's rate and a model's rate and frame.
    ///
    /// # Errors
    /// If a rate is not supported.
    pub fn new(host: u32, model: u32, frame: usize) -> Result<Self, AudioError> {
        let (down, up) = (RateConverter::new(host, model)?, RateConverter::new(model, host)?);
        Ok(Self { host, model, frame, down, up })
    }

    /// A converter from the host's rate to the model's, at the start of a stream.
    pub fn down(&self) -> RateConverter {
        self.down.clone()
    }

    /// A converter from the model's rate to the host's, at the start of a stream.
    pub fn up(&self) -> RateConverter {
        self.up.clone()
    }

    /// Samples a second of the host.
    pub fn host_rate(&self) -> u32 {
        self.host
    }

    /// Seconds of a frame.
    pub fn frame_seconds(&self) -> f64 {
        self.frame as f64 / f64::from(self.model)
    }

    /// Host samples and the frames they are, exactly.
    pub fn frame_ratio(&self) -> (u64, u64) {
        (self.frame as u64 * u64::from(self.host), u64::from(self.model))
    }

    /// Host samples of a frame, rounded up.
    pub fn frame_ticks(&self) -> usize {
        self.start(1) as usize
    }

    /// The first host sample of frame `frame`.
    pub fn start(&self, frame: u64) -> u64 {
        let samples = u128::from(frame) * self.frame as u128 * u128::from(self.host);
        samples.div_ceil(u128::from(self.model)) as u64
    }

    /// The first frame that starts at host sample `tick` or later.
    pub fn frame_from(&self, tick: u64) -> u64 {
        let model = u128::from(tick) * u128::from(self.model);
        let frame = self.frame as u128 * u128::from(self.host);
        // Frame f starts at ceil(f * frame / model), which is >= tick where f * frame > (tick - 1) *
        // model.
        match model.checked_sub(u128::from(self.model)) {
            Some(before) => (before / frame + 1) as u64,
            None => 0,
        }
    }

    /// The smallest delay in host samples at which every sample of a lane can be made from the input
    /// that has come by then, one sample more than strictly needed: a frame and the filters.
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
        assert_eq!((timing.lookahead(), timing.frame_ticks()), (480, 480));
        assert_eq!(
            (timing.start(3), timing.frame_from(1440), timing.frame_from(1441)),
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
                let start = timing.start(f);
                assert!(timing.frame_from(start) <= f);
                assert_eq!(timing.start(timing.frame_from(start)), start);
                assert_eq!(
                    timing.frame_from(start + 1),
                    (f..).find(|&g| timing.start(g) > start).unwrap()
                );
            }
        }
    }
}
