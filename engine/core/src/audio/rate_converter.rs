//! Sample rate conversion of a stream, for files and the live path alike.
//!
//! One converter serves both, so that the live path plays exactly the samples that the command line writes. An
//! output sample depends only on the input samples around it: not on block sizes, the start of the stream or the
//! state of the thread. Its position in the input is computed in integers, so that alignment does not drift.
//!
//! The filter is symmetric, and half of its length is latency of the live path, which is why it is shorter than
//! a file would allow: 48 samples of the lower rate on either side (1 ms at 48 kHz).
//!
//! Tests of `residue-media` hold these properties; frequencies are fractions of the lower Nyquist frequency:
//!
//! | property | bound |
//! |---|---|
//! | gain up to 0.90 | within 0.0001 dB |
//! | signal-to-noise ratio of sines up to 0.90 | at least 102 dB |
//! | attenuation of aliases and images from 1.035 on | at least 104 dB |
//! | gain at 0 Hz | 1 within 1e-6 |

use std::sync::Arc;

use super::polyphase_filter::PolyphaseFilter;
use super::rate_ratio::RateRatio;
use super::{AudioError, SUPPORTED_RATES};
use residue_kernels::FlushDenormals;

/// Input samples between two moves of the history to the front of the buffer.
const BLOCK: usize = 2048;

/// Sample rate converter of one channel: output sample `m` is the input at time `m / to`, exactly.
///
/// Clones share the filter's table, so that the channels of a ratio should be clones of one converter. The stream
/// counts as silent before its start; silence has to be fed behind its end to obtain the filter's ringing.
///
/// ```
/// use residue_core::audio::RateConverter;
///
/// # fn main() -> Result<(), residue_core::audio::AudioError> {
/// let mut converter = RateConverter::new(48_000, 24_000)?;
/// let mut output = Vec::new();
/// converter.process(&[0.25; 1000], &mut output);
/// assert_eq!(output.len() as u64, converter.ready(1000));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RateConverter {
    ratio: RateRatio,
    /// `None` where the rates agree and samples are copied.
    filter: Option<Arc<PolyphaseFilter>>,
    /// Input samples that are still needed, and room for new ones.
    buffer: Vec<f32>,
    /// Number of samples in the buffer.
    filled: usize,
    /// Start of the next output's window in the buffer.
    window: usize,
    /// Distance of the next output from the input sample before it, in units of 1 / `ratio.outputs` sample.
    phase: u64,
    inputs: u64,
    outputs: u64,
}

impl RateConverter {
    /// Returns a converter at the start of a stream. Computes the filter's table and allocates: not
    /// realtime-safe.
    ///
    /// # Errors
    ///
    /// [`AudioError::ResampleRate`] if a rate is outside [`SUPPORTED_RATES`], unless both are equal
    /// (then samples are copied, whatever the rate).
    pub fn new(from: u32, to: u32) -> Result<Self, AudioError> {
        let mut converter = Self {
            ratio: RateRatio { inputs: 1, outputs: 1 },
            filter: None,
            buffer: Vec::new(),
            filled: 0,
            window: 0,
            phase: 0,
            inputs: 0,
            outputs: 0,
        };
        if from == to {
            return Ok(converter);
        }
        if !SUPPORTED_RATES.contains(&from) || !SUPPORTED_RATES.contains(&to) {
            return Err(AudioError::ResampleRate { from, to });
        }
        converter.ratio = RateRatio::new(from, to);
        let filter = Arc::new(PolyphaseFilter::new(converter.ratio));
        converter.buffer = vec![0.0; filter.taps() + filter.taps().max(BLOCK)];
        converter.filter = Some(filter);
        converter.reset();
        Ok(converter)
    }

    /// Returns the number of input samples on either side that an output sample depends on; 0 for equal rates.
    /// Realtime-safe.
    pub fn half_width(&self) -> usize {
        self.filter.as_ref().map_or(0, |filter| filter.half_width())
    }

    /// Returns the number of input samples, from the stream's start, after which output sample `output` (from 0) is
    /// available. Realtime-safe.
    pub fn needed(&self, output: u64) -> u64 {
        self.ratio.input_at(output).0.saturating_add(self.half_width() as u64 + 1)
    }

    /// Returns the number of output samples that are available after the stream's first `inputs` samples: the inverse
    /// of [`needed`](Self::needed). Realtime-safe.
    pub fn ready(&self, inputs: u64) -> u64 {
        self.ratio.outputs_before(inputs.saturating_sub(self.half_width() as u64))
    }

    /// Returns the most samples that one call of [`process`](Self::process) appends for `inputs` samples.
    /// Realtime-safe.
    pub fn max_output(&self, inputs: usize) -> usize {
        usize::try_from(self.ratio.outputs_before(inputs as u64)).unwrap_or(usize::MAX)
    }

    /// Takes the stream's next samples and appends every output sample that they complete. The output is
    /// bit-identical for any block sizes.
    ///
    /// Realtime-safe if `output` has room for [`max_output`](Self::max_output) more samples.
    pub fn process(&mut self, mut input: &[f32], output: &mut Vec<f32>) {
        let Some(filter) = &self.filter else {
            output.extend_from_slice(input);
            self.inputs = self.inputs.saturating_add(input.len() as u64);
            self.outputs = self.inputs;
            return;
        };
        // Set here rather than by the caller, so that the result does not depend on the thread.
        let _flush = FlushDenormals::new();
        let (taps, RateRatio { inputs: step, outputs: parts }) = (filter.taps(), self.ratio);
        let (whole_step, step_phase) = ((step / parts) as usize, step % parts);
        while !input.is_empty() {
            if self.filled == self.buffer.len() {
                self.buffer.copy_within(self.window.., 0);
                self.filled -= self.window;
                self.window = 0;
            }
            let (taken, rest) = input.split_at(input.len().min(self.buffer.len() - self.filled));
            self.buffer[self.filled..][..taken.len()].copy_from_slice(taken);
            self.filled += taken.len();
            self.inputs = self.inputs.saturating_add(taken.len() as u64);
            input = rest;

            let before = output.len();
            while self.window + taps <= self.filled {
                output.push(filter.apply(&self.buffer[self.window..][..taps], self.phase));
                self.window += whole_step;
                self.phase += step_phase;
                if self.phase >= parts {
                    self.phase -= parts;
                    self.window += 1;
                }
            }
            self.outputs = self.outputs.saturating_add((output.len() - before) as u64);
        }
    }

    /// Clears the state and makes `output` the next output sample. Returns the index of the input sample that
    /// [`process`](Self::process) expects next, the first one that `output` depends on: fed from there, the output
    /// is bit-identical to that of an unbroken stream. Realtime-safe.
    pub fn seek(&mut self, output: u64) -> u64 {
        let (position, phase) = self.ratio.input_at(output);
        self.outputs = output;
        self.inputs = position;
        if let Some(filter) = &self.filter {
            let past = filter.half_width() as u64 - 1;
            self.inputs = position.saturating_sub(past);
            // Zeros for the padding taps, and for samples before the stream's start.
            let kept = filter.half_width() + (position - self.inputs) as usize + 1;
            self.filled = filter.taps() - kept;
            self.buffer[..self.filled].fill(0.0);
            self.window = 0;
            self.phase = phase;
        }
        self.inputs
    }

    /// Returns to the start of a new stream. Realtime-safe.
    pub fn reset(&mut self) {
        self.seek(0);
    }

    /// Returns the number of input samples so far, from the stream's start also after a [`seek`](Self::seek).
    /// Realtime-safe.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// Returns the number of output samples so far, counted as [`inputs`](Self::inputs). Realtime-safe.
    pub fn outputs(&self) -> u64 {
        self.outputs
    }
}
