//! A safety limiter at the end of a signal's way: nothing louder than a ceiling gets past it, and a
//! signal that can only be a fault is muted.

use std::time::Duration;

/// Magnitude beyond which decoded audio is a fault of the model, not sound: 24 dB over full scale.
/// A decoder's output depends on its codes alone, however loud the encoded audio was, and models are
/// trained on audio within full scale.
pub const FAULT_MAGNITUDE: f32 = 16.0;

/// Ceiling of lanes A and B: 12 dB over full scale. Hosts mix floats, so that levels over 0 dBFS are
/// legal there.
pub(super) const LANE_CEILING: f32 = 4.0;

/// Returns whether any of these samples can only be a fault: not finite, or beyond [`FAULT_MAGNITUDE`].
/// Realtime-safe.
pub(super) fn has_fault(samples: &[f32]) -> bool {
    samples.iter().any(|sample| is_fault(*sample))
}

fn is_fault(sample: f32) -> bool {
    sample.is_nan() || sample.abs() > FAULT_MAGNITUDE
}

/// Time without a fault until a muted signal is heard again.
const MUTED: Duration = Duration::from_secs(1);
/// Time in which the gain returns from 0 to 1.
const RELEASE: Duration = Duration::from_millis(100);

/// Limiter and mute of the channels of one signal, which share one gain.
///
/// A signal within the ceiling passes unchanged, bit for bit, once the gain has returned to 1. Louder
/// samples lower the gain at once, which then returns linearly in 100 ms. A sample beyond
/// [`FAULT_MAGNITUDE`], or one that is not finite, mutes the signal from itself on until there has been
/// none for a second. The result does not depend on how the signal is cut into blocks. All methods are
/// realtime-safe.
#[derive(Clone, Debug)]
pub struct LevelGuard {
    ceiling: f32,
    gain: f32,
    /// Growth of the gain a sample.
    release: f32,
    /// Samples of a mute.
    hold: u64,
    /// Samples for which the signal is still muted.
    muted: u64,
    counts: GuardCounts,
}

/// Samples per channel that a [`LevelGuard`] changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GuardCounts {
    /// Samples whose level was lowered.
    pub limited: u64,
    /// Samples that were muted.
    pub muted: u64,
}

impl LevelGuard {
    /// Returns a guard with this ceiling, a magnitude up to [`FAULT_MAGNITUDE`], at `rate` hertz.
    pub fn new(ceiling: f32, rate: u32) -> Self {
        let samples = |time: Duration| (f64::from(rate.max(1)) * time.as_secs_f64()).max(1.0);
        Self {
            ceiling: ceiling.min(FAULT_MAGNITUDE),
            gain: 1.0,
            release: (1.0 / samples(RELEASE)) as f32,
            hold: samples(MUTED) as u64,
            muted: 0,
            counts: GuardCounts::default(),
        }
    }

    /// Processes the next samples in place: one plane a channel, of which the shortest counts.
    pub fn process<P: AsRef<[f32]> + AsMut<[f32]>>(&mut self, planes: &mut [P]) {
        self.process_from(0, planes);
    }

    /// Processes the next samples in place, which begin at sample `from` of the planes.
    pub fn process_from<P: AsRef<[f32]> + AsMut<[f32]>>(&mut self, from: usize, planes: &mut [P]) {
        let count = planes.iter().map(|plane| plane.as_ref().len()).min().unwrap_or(0);
        let ceiling = self.ceiling;
        // Written so that NaN is not within.
        let within = |plane: &P| plane.as_ref()[from..count].iter().all(|x| x.abs() <= ceiling);
        if self.muted == 0 && self.gain == 1.0 && planes.iter().all(within) {
            return;
        }
        for n in from..count {
            let mut peak = 0.0f32;
            let mut fault = false;
            for plane in &*planes {
                let magnitude = plane.as_ref()[n].abs();
                fault |= is_fault(magnitude);
                peak = peak.max(magnitude);
            }
            if fault {
                self.mute();
            }
            if self.muted > 0 {
                self.muted -= 1;
                self.gain = 0.0;
                self.counts.muted += 1;
                planes.iter_mut().for_each(|plane| plane.as_mut()[n] = 0.0);
                continue;
            }
            self.gain = (self.gain + self.release).min(1.0);
            if peak * self.gain > ceiling {
                self.gain = ceiling / peak;
            }
            if self.gain < 1.0 {
                self.counts.limited += 1;
                for plane in &mut *planes {
                    let sample = &mut plane.as_mut()[n];
                    // The quotient may have been rounded up.
                    *sample = (*sample * self.gain).clamp(-ceiling, ceiling);
                }
            }
        }
    }

    /// Mutes the signal from the next sample on, as a fault in it does.
    pub fn mute(&mut self) {
        self.muted = self.hold;
    }

    /// Returns whether the signal is muted now.
    pub fn is_muted(&self) -> bool {
        self.muted > 0
    }

    /// Returns the counts since the last call.
    pub fn take_counts(&mut self) -> GuardCounts {
        std::mem::take(&mut self.counts)
    }

    /// Returns to gain 1; the counts stay.
    pub fn reset(&mut self) {
        (self.gain, self.muted) = (1.0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8000;

    fn guard() -> LevelGuard {
        LevelGuard::new(1.0, RATE)
    }

    fn tone(level: f32, length: usize) -> Vec<f32> {
        (0..length).map(|n| level * (n as f32 * 0.37).sin()).collect()
    }

    #[test]
    fn a_signal_within_the_ceiling_passes_bit_for_bit() {
        let (mut guard, signal) = (guard(), tone(1.0, 5000));
        let mut planes = [signal.clone(), vec![-1.0; 5000]];
        guard.process(&mut planes);
        assert!(planes[0] == signal && planes[1] == vec![-1.0; 5000]);
        assert_eq!(guard.take_counts(), GuardCounts::default());
    }

    #[test]
    fn louder_samples_are_held_to_the_ceiling_and_the_gain_returns() {
        for level in [1.0001, 2.0, 8.0, 15.99] {
            let mut guard = guard();
            let mut loud = [tone(level, 2000), tone(0.5 * level, 2000)];
            guard.process(&mut loud);
            let peak = loud[0].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
            assert!((0.9..=1.0).contains(&peak), "{level}: {peak}");
            // One gain for both channels.
            assert!(loud[0].iter().zip(&loud[1]).all(|(a, b)| (a - 2.0 * b).abs() < 1e-5));
            assert!(guard.take_counts().limited > 0);
            guard.process(&mut [vec![0.0; RATE as usize / 10 + 1]]);
            let mut quiet = [tone(1.0, 1000)];
            guard.take_counts();
            guard.process(&mut quiet);
            assert!(quiet[0] == tone(1.0, 1000), "unchanged again after 100 ms");
            assert_eq!(guard.take_counts(), GuardCounts::default());
        }
    }

    #[test]
    fn a_fault_mutes_from_itself_on_for_a_second() {
        for fault in [16.1, -1e4, 1e30, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut guard = guard();
            let mut signal = tone(0.9, 3 * RATE as usize);
            signal[700] = fault;
            let mut planes = [signal.clone()];
            guard.process(&mut planes);
            let end = 700 + RATE as usize;
            assert!(planes[0][..700] == signal[..700], "{fault}");
            assert!(planes[0][700..end].iter().all(|x| *x == 0.0), "{fault}");
            let released = end + RATE as usize / 10;
            assert!(planes[0][released..] == signal[released..], "{fault}");
            assert_eq!(guard.take_counts().muted, u64::from(RATE));
            assert!(!guard.is_muted());
        }
    }

    #[test]
    fn blocks_do_not_matter() {
        let mut signal = tone(3.0, 20_000);
        (signal[4000], signal[4001]) = (50.0, f32::NAN);
        let mut whole = [signal.clone()];
        guard().process(&mut whole);
        for size in [1, 7, 64, 4001] {
            let mut guard = guard();
            let mut parts = signal.clone();
            parts.chunks_mut(size).for_each(|part| guard.process(&mut [part]));
            assert!(parts == whole[0], "{size}");
        }
    }
}
