//! Detection of hosts that render faster than real time in realtime mode.
//!
//! Ardour 7, for example, exports through VST3 plugins in realtime mode. The codec would miss nearly
//! every deadline of such a render, and its frames would be concealed. But a host that has requested
//! more audio than time has passed can wait without an audible gap. So the port waits for the codec
//! while the host is ahead of the clock by about the latency.

use std::time::{Duration, Instant};

/// Decay of the lead, in seconds per second: a render must be faster than real time by this share to be
/// detected, and playback after one counts as realtime once the lead has decayed.
const LEAD_DECAY: f64 = 0.2;
/// Largest lead beyond the threshold, in seconds: a render may stall for about this long and still be
/// detected.
const LEAD_HEADROOM: f64 = 0.5;

/// Tracks how far the host's requests are ahead of the clock. Realtime-safe: callers read the monotonic
/// clock, which needs no system call on Linux, macOS and Windows.
pub struct RenderDetector {
    rate: f64,
    /// Lead at the end of a block from which on the host renders, in seconds.
    threshold: f64,
    /// Lead of the host over the clock, in seconds. Negative after a stall, which decays in about a
    /// second so that catching up is not taken for a render.
    lead: f64,
    /// The threshold has been reached, and the lead has not been lost since.
    rendering: bool,
    last_update: Option<Instant>,
}

impl RenderDetector {
    /// Creates a detector for a port at `rate` Hz; `max_block` and `latency` are in samples.
    ///
    /// In real time a host is ahead by one block at most, and jitter. A render is ahead by the latency
    /// when the first frame is due.
    pub fn new(rate: u32, max_block: usize, latency: usize) -> Self {
        let (block, latency) = (max_block as f64, latency as f64);
        let threshold = (0.75 * latency).max((block + latency) / 2.0) / f64::from(rate);
        Self { rate: f64::from(rate), threshold, lead: 0.0, rendering: false, last_update: None }
    }

    /// Takes the request for a block of `samples` at the time `now`; returns whether the host renders.
    pub fn update(&mut self, samples: usize, now: Instant) -> bool {
        let passed =
            self.last_update.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let passed = passed.as_secs_f64();
        self.last_update = Some(now);
        self.lead -= passed;
        if self.lead > 0.0 {
            self.lead = (self.lead - LEAD_DECAY * passed).max(0.0);
        } else {
            self.lead *= 1.0 - passed.min(1.0);
        }
        self.rendering &= self.lead > 0.0;
        self.lead = (self.lead + samples as f64 / self.rate).min(self.threshold + LEAD_HEADROOM);
        self.rendering |= self.lead >= self.threshold;
        self.rendering
    }

    /// Starts over for a new stream.
    pub fn reset(&mut self) {
        (self.lead, self.rendering, self.last_update) = (0.0, false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    /// Requests blocks with these intervals in seconds; returns for each whether it was taken for a
    /// render, and the time afterwards.
    fn play(
        detector: &mut RenderDetector,
        from: Instant,
        block: usize,
        steps: &[f64],
    ) -> (Vec<bool>, Instant) {
        let mut now = from;
        let found = steps.iter().map(|step| {
            now += Duration::from_secs_f64(*step);
            detector.update(block, now)
        });
        let found = found.collect();
        (found, now)
    }

    #[test]
    fn playback_with_jitter_and_stalls_is_not_a_render() {
        for (block, latency) in [(64, 1500), (1024, 3500), (2048, 4200), (16_384, 18_500)] {
            let mut detector = RenderDetector::new(RATE, block, latency);
            let period = block as f64 / f64::from(RATE);
            let jitter = 0.2 * period.min(0.02);
            // Alternately early and late, with a few stalls of 100 ms that are caught up with.
            let mut steps: Vec<f64> =
                (0..4000).map(|n| period + if n % 2 == 0 { jitter } else { -jitter }).collect();
            let missed = (0.1 / period) as usize;
            for stall in [500, 1500, 2500] {
                steps[stall] += 0.1;
                steps[stall + 1..=stall + missed].fill(0.0);
            }
            let (found, _) = play(&mut detector, Instant::now(), block, &steps);
            assert!(found.iter().all(|renders| !renders), "blocks of {block}");
        }
    }

    #[test]
    fn a_render_is_detected_before_its_first_frame_is_due_and_ends_soon() {
        for (block, latency) in [(64, 1500), (1024, 3500), (2048, 4200), (16_384, 18_500)] {
            let mut detector = RenderDetector::new(RATE, block, latency);
            let period = block as f64 / f64::from(RATE);
            let (found, now) =
                play(&mut detector, Instant::now(), block, &vec![period / 10.0; 3000]);
            for (n, renders) in found.into_iter().enumerate() {
                // The block in which the first sample comes out of the latency, and all after it.
                assert!(renders || (n + 1) * block <= latency, "block {n} of {block}");
            }
            let real = vec![period; (6.0 / period) as usize + 2];
            let (found, _) = play(&mut detector, now, block, &real);
            assert!(!found[found.len() - 1], "blocks of {block}");
        }
    }

    #[test]
    fn a_reset_clears_the_lead() {
        let mut detector = RenderDetector::new(RATE, 64, 1500);
        play(&mut detector, Instant::now(), 64, &[0.0; 100]);
        detector.reset();
        assert!(!detector.update(64, Instant::now()));
    }
}
