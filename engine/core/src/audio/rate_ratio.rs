//! Positions in two streams of different rates, in exact integer arithmetic.

use crate::gcd;

/// Ratio of two sample rates, reduced: `inputs` input samples last as long as `outputs` output samples.
#[derive(Clone, Copy)]
pub(super) struct RateRatio {
    pub inputs: u64,
    pub outputs: u64,
}

impl RateRatio {
    /// Returns the ratio of two rates in hertz, neither 0.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let (from, to) = (u64::from(from), u64::from(to));
        let divisor = gcd(from, to);
        Self { inputs: from / divisor, outputs: to / divisor }
    }

    /// Returns the input sample at or before output sample `output`, and the distance of that output
    /// sample from it, in parts of `1 / self.outputs` of an input sample.
    pub(super) fn input_at(self, output: u64) -> (u64, u64) {
        let position = u128::from(output) * u128::from(self.inputs);
        let outputs = u128::from(self.outputs);
        (saturated(position / outputs), (position % outputs) as u64)
    }

    /// Returns the number of output samples before input sample `input`.
    pub(super) fn outputs_before(self, input: u64) -> u64 {
        saturated((u128::from(input) * u128::from(self.outputs)).div_ceil(u128::from(self.inputs)))
    }
}

fn saturated(position: u128) -> u64 {
    u64::try_from(position).unwrap_or(u64::MAX)
}
