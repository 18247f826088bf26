//! Hosts that render faster than real time without saying so.
//!
//! Ardour 7, for one, exports through VST3 plugins in the mode of realtime playback. The codec would be
//! late for nearly all of such a render, and concealed. But a host that has asked for more audio than
//! time has passed can wait: nobody hears that. So the port waits for the codec while the host is
//! ahead of the clock by about the latency.

use std::time::{Duration, Instant};

/// How much faster than the clock a lead is forgotten: so much faster than real time a render has to
/// be, and so soon playback after one is realtime again.
const FORGOTTEN: f64 = 0.2;
/// The most that a lead counts beyond the limit, in seconds: for so long a render may stall and is
/// still known for one.
const SPARE: f64 = 0.5;

/// How far the host is ahead of the clock. Realtime-safe: it asks for the time, which is no system
/// call where the system has a faster way.
pub struct Pace {
    rate: f64,
    /// Seconds ahead, at the end of a block, from which on the host renders.
    limit: f64,
    /// Seconds ahead; below 0 where the host has stalled, which is forgotten in about a second so that
    /// catching up is not taken for a render.
    lead: f64,
    /// The limit has been reached, and the lead not been lost since.
    rendering: bool,
    last: Option<Instant>,
}

impl Pace {
    /// For a port of this latency and largest block, in samples.
    ///
    /// In real time a host is ahead by a block, at most, and jitter. A render is ahead by the latency
    /// when the first frame is due.
    pub fn new(rate: u32, max_block: usize, latency: usize) -> Self {
        let (block, latency) = (max_block as f64, latency as f64);
        let limit = (0.75 * latency).max((block + latency) / 2.0) / f64::from(rate);
        Self { rate: f64::from(rate), limit, lead: 0.0, rendering: false, last: None }
    }

    /// Whether the host renders, as far as this block of so many samples tells, which it asks for now.
    pub fn renders(&mut self, samples: usize, now: Instant) -> bool {
        let passed = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let passed = passed.as_secs_f64();
        self.last = Some(now);
        self.lead -= passed;
        if self.lead > 0.0 {
            self.lead = (self.lead - FORGOTTEN * passed).max(0.0);
        } else {
            self.lead *= 1.0 - passed.min(1.0);
        }
        self.rendering &= self.lead > 0.0;
        self.lead = (self.lead + samples as f64 / self.rate).min(self.limit + SPARE);
        self.rendering |= self.lead >= self.limit;
        self.rendering
    }

    /// A new stream begins.
    pub fn reset(&mut self) {
        (self.lead, self.rendering, self.last) = (0.0, false, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    /// Asks for blocks with so many seconds between them; which of them were taken for a render.
    fn play(pace: &mut Pace, from: Instant, block: usize, steps: &[f64]) -> (Vec<bool>, Instant) {
        let mut now = from;
        let found = steps.iter().map(|step| {
            now += Duration::from_secs_f64(*step);
            pace.renders(block, now)
        });
        let found = found.collect();
        (found, now)
    }

    #[test]
    fn playback_with_jitter_and_stalls_is_no_render() {
        for (block, latency) in [(64, 1500), (1024, 3500), (2048, 4200), (16_384, 18_500)] {
            let mut pace = Pace::new(RATE, block, latency);
            let period = block as f64 / f64::from(RATE);
            let jitter = 0.2 * period.min(0.02);
            // Early and late by turns, and a tenth of a second lost, then caught up with, at times.
            let mut steps: Vec<f64> =
                (0..4000).map(|n| period + if n % 2 == 0 { jitter } else { -jitter }).collect();
            let missed = (0.1 / period) as usize;
            for stall in [500, 1500, 2500] {
                steps[stall] += 0.1;
                steps[stall + 1..=stall + missed].fill(0.0);
            }
            let (found, _) = play(&mut pace, Instant::now(), block, &steps);
            assert!(found.iter().all(|renders| !renders), "blocks of {block}");
        }
    }

    #[test]
    fn a_render_is_noticed_before_its_first_frame_is_due_and_over_soon() {
        for (block, latency) in [(64, 1500), (1024, 3500), (2048, 4200), (16_384, 18_500)] {
            let mut pace = Pace::new(RATE, block, latency);
            let period = block as f64 / f64::from(RATE);
            let (found, now) = play(&mut pace, Instant::now(), block, &vec![period / 10.0; 3000]);
            for (n, renders) in found.into_iter().enumerate() {
                // The block in which the first sample comes out of the latency, and all after it.
                assert!(renders || (n + 1) * block <= latency, "block {n} of {block}");
            }
            let real = vec![period; (6.0 / period) as usize + 2];
            let (found, _) = play(&mut pace, now, block, &real);
            assert!(!found[found.len() - 1], "blocks of {block}");
        }
    }

    #[test]
    fn a_reset_forgets_the_lead() {
        let mut pace = Pace::new(RATE, 64, 1500);
        play(&mut pace, Instant::now(), 64, &[0.0; 100]);
        pace.reset();
        assert!(!pace.renders(64, Instant::now()));
    }
}
