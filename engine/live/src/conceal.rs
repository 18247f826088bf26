//! What is played of lanes A and B where the codec was late, and the joins around it.

use super::declick::Declick;
use super::lane_reader::Span;
use super::settings::Concealment;

/// One lane's channel.
pub(super) struct Concealer {
    /// The last frame that came, as a ring.
    last: Box<[f32]>,
    at: usize,
    declick: Declick,
}

impl Concealer {
    pub fn new(rate: u32, frame: usize) -> Self {
        Self { last: vec![0.0; frame].into(), at: 0, declick: Declick::new(rate) }
    }

    /// Completes the samples of one span; `joins` if they do not continue those before. Those that
    /// did not come are made up. Realtime-safe.
    pub fn process(
        &mut self,
        span: Span,
        how: Concealment,
        dry: &[f32],
        samples: &mut [f32],
        joins: bool,
    ) {
        match (span, how) {
            (Span::There(_), _) => {
                for &sample in &*samples {
                    self.last[self.at] = sample;
                    self.advance();
                }
            }
            (Span::NoModel(_), _) | (Span::Late(_), Concealment::Dry) => {
                samples.copy_from_slice(dry);
            }
            (Span::Late(_), Concealment::Hold) => {
                for sample in &mut *samples {
                    *sample = self.last[self.at];
                    self.advance();
                }
            }
            (Span::Late(_), Concealment::Silence) => samples.fill(0.0),
        }
        self.declick.process(samples, dry, joins);
    }

    fn advance(&mut self) {
        self.at = (self.at + 1) % self.last.len();
    }

    /// Forgets what came.
    pub fn reset(&mut self) {
        self.last.fill(0.0);
        self.declick.reset();
    }
}
