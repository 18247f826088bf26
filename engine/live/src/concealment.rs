//! Concealment of late frames: the signal in their place, and the joins around it.

use super::declick::Declick;
use super::lane_reader::Arrival;
use super::settings::Concealment;

/// Concealment of one channel of a lane. Realtime-safe once made.
pub(super) struct Concealer {
    /// The last samples received, a frame of them, as a ring.
    last: Box<[f32]>,
    at: usize,
    declick: Declick,
}

impl Concealer {
    pub fn new(rate: u32, frame: usize) -> Self {
        Self { last: vec![0.0; frame].into(), at: 0, declick: Declick::new(rate) }
    }

    /// Completes the samples of one stretch in place: fills them in if they did not arrive, and
    /// declicks their start if it `joins` another signal.
    pub fn process(
        &mut self,
        arrival: Arrival,
        concealment: Concealment,
        dry: &[f32],
        samples: &mut [f32],
        joins: bool,
    ) {
        match (arrival, concealment) {
            (Arrival::Received(_), _) => {
                for &sample in &*samples {
                    self.last[self.at] = sample;
                    self.advance();
                }
            }
            (Arrival::NoModel(_), _) | (Arrival::Late(_), Concealment::Dry) => {
                samples.copy_from_slice(dry);
            }
            (Arrival::Late(_), Concealment::Hold) => {
                for sample in &mut *samples {
                    *sample = self.last[self.at];
                    self.advance();
                }
            }
            (Arrival::Late(_), Concealment::Silence) => samples.fill(0.0),
        }
        self.declick.process(samples, dry, joins);
    }

    fn advance(&mut self) {
        self.at = (self.at + 1) % self.last.len();
    }

    /// Sets the past to silence.
    pub fn reset(&mut self) {
        self.last.fill(0.0);
        self.declick.reset();
    }
}
