//! Positions in two streams of different rates, in whole numbers.

use crate::gcd;

/// Two sample rates without their common divisor: so many input samples last as long as so many
/// output samples.
#[derive(Clone, Copy)]
pub(super) struct RateRatio {
    pub inputs: u64,
    pub outputs: u64,
}

impl RateRatio {
    /// From rates in hertz, neither 0.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let (from, to) = (u64::from(from), u64::from(to));
        let divisor = gcd(from, to);
        Self { inputs: from / divisor, outputs: to / divisor }
    }

    /// The input sample at or before output sample `output`, and how many parts of `self.outputs`
    /// of a sample later that is.
    pub(super) fn input_at(self, output: u64) -> (u64, u64) {
        let position = u128::from(output) * u128::from(self.inputs);
        let outputs = u128::from(self.outputs);
        (saturated(position / outputs), (position % outputs) as u64)
    }

    /// Output samples that lie before input sample `input`.
    pub(super) fn outputs_before(self, input: u64) -> u64 {
        saturated((u128::from(input) * u128::from(self.outputs)).div_ceil(u128::from(self.inputs)))
    }
}

fn saturated(position: u128) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}
