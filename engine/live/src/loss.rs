//! Which frames are lost on the way from encoder to decoder.
//!
//! Source: E. N. Gilbert, "Capacity of a burst-noise channel", Bell System Technical Journal 39
//! (1960), in its simple form: all is lost in the bad state and nothing in the good one.

use super::settings::PacketLoss;

/// State of the loss model: whether the channel is in its bad state.
#[derive(Clone, Copy, Debug, Default)]
pub struct LossModel {
    bad: bool,
}

impl LossModel {
    /// Whether frame number `frame` is lost. Called once a frame, in order.
    pub fn loses(&mut self, loss: &PacketLoss, frame: u64) -> bool {
        let PacketLoss { rate, burst, .. } = loss.sane();
        self.bad = if rate == 0.0 || rate == 1.0 {
            rate == 1.0
        } else {
            // In the long run a share `rate` of frames is bad; bad spells last `burst` on average.
            let burst = burst.max(1.0 / (1.0 - rate));
            let leave = 1.0 / burst;
            let enter = rate * leave / (1.0 - rate);
            let chance = uniform(loss.seed, frame);
            chance < if self.bad { 1.0 - leave } else { enter }
        };
        self.bad
    }
}

/// A number in [0, 1) that depends on seed and frame alone, so that a pattern can be repeated from
/// any run to any other. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators" (2014), the SplitMix64 finaliser.
fn uniform(seed: u64, frame: u64) -> f32 {
    let mut z = seed.wrapping_add((frame + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(loss: &PacketLoss, frames: u64) -> Vec<bool> {
        let mut channel = LossModel::default();
        (0..frames).map(|frame| channel.loses(loss, frame)).collect()
    }

    /// Share of frames lost and mean length of a spell.
    fn figures(lost: &[bool]) -> (f64, f64) {
        let count = lost.iter().filter(|&&x| x).count() as f64;
        let spells = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        (count / lost.len() as f64, count / spells)
    }

    #[test]
    fn rate_and_burst_are_what_was_asked_for() {
        for (rate, burst) in [(0.05, 1.0), (0.3, 1.0), (0.1, 5.0), (0.5, 8.0), (0.9, 20.0)] {
            let loss = PacketLoss { rate, burst, seed: 3, ..PacketLoss::default() };
            let (share, length) = figures(&pattern(&loss, 400_000));
            let burst = f64::from(burst.max(1.0 / (1.0 - rate)));
            assert!((share - f64::from(rate)).abs() < 0.03 * f64::from(rate), "{rate}: {share}");
            assert!((length / burst - 1.0).abs() < 0.04, "{rate}, {burst}: {length}");
        }
    }

    #[test]
    fn the_ends_are_exact_and_nonsense_loses_nothing() {
        let at = |rate| pattern(&PacketLoss { rate, ..PacketLoss::default() }, 1000);
        assert!(at(0.0).iter().all(|x| !x) && at(-1.0).iter().all(|x| !x));
        assert!(at(1.0).iter().all(|&x| x) && at(2.0).iter().all(|&x| x));
        assert!(at(f32::NAN).iter().all(|x| !x));
        let odd = PacketLoss { rate: 0.5, burst: f32::NAN, ..PacketLoss::default() };
        assert!(pattern(&odd, 1000).iter().any(|x| !x));
    }

    #[test]
    fn a_seed_is_a_pattern() {
        let loss = |seed| PacketLoss { rate: 0.2, burst: 2.0, seed, ..PacketLoss::default() };
        assert_eq!(pattern(&loss(1), 500), pattern(&loss(1), 500));
        assert_ne!(pattern(&loss(1), 500), pattern(&loss(2), 500));
    }
}
