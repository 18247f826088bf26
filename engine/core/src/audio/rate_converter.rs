//! Sample rate conversion of a stream, for files and the live path alike.
//!
//! One converter serves both because a listener compares them: what the live path plays must be
//! what the command line writes, bit for bit. So an output sample depends on the input samples
//! around it and on nothing else: not on how the stream was cut into blocks, not on where it
//! started, not on what the thread did before. Its position in the input is computed in whole
//! numbers, so hour ten is aligned as exactly as second one.
//!
//! The filter is finite and short, where a whole file would allow a longer one: what it reaches
//! ahead is the live path's delay. It reaches 48 samples of the lower rate to either side (1 ms at
//! 48 kHz).
//!
//! Measured by this crate's tests, as parts of the lower Nyquist frequency:
//!
//! | | |
//! |---|---|
//! | level up to 0.90 | within 0.0001 dB |
//! | sines up to 0.90 | signal-to-noise ratio of 102 dB or more |
//! | what would alias or mirror, from 1.035 on | 104 dB down or more |
//! | a constant | the same constant, within 1e-6 of it |

use std::sync::Arc;

use super::polyphase_filter::PolyphaseFilter;
use super::rate_ratio::RateRatio;
use super::{AudioError, SUPPORTED_RATES};
use residue_kernels::FlushDenormals;

/// Input samples taken in before the kept ones move to the front of the buffer again.
const BLOCK: usize = 2048;

/// Converts one channel from one sample rate to another: output sample `m` is the input at time
/// `m / to`, exactly.
///
/// A clone shares the filter's table, so make one converter for a ratio and clone it for every
/// channel. The stream counts as silent before its start; feed silence to hear its end ring out.
///
/// ```
/// use residue_core::audio::Converter;
///
/// # fn main() -> Result<(), residue_core::audio::AudioError> {
/// let mut converter = Converter::new(48_000, 24_000)?;
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
    /// Input samples that are still needed, and room for more.
    buffer: Vec<f32>,
    /// Samples in the buffer.
    filled: usize,
    /// Where in the buffer the next output's window starts.
    window: usize,
    /// How far the next output is after the input sample before it, in parts of `ratio.outputs`.
    phase: u64,
    inputs: u64,
    outputs: u64,
}

impl RateConverter {
    /// A converter at the start of a stream. Computes the filter's table and allocates: not
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

    /// Input samples to either side that an output sample depends on; 0 where the rates agree.
    /// Realtime-safe.
    pub fn half_width(&self) -> usize {
        self.filter.as_ref().map_or(0, |filter| filter.half_width())
    }

    /// Input samples, counted from the stream's start, that must have come before output `output`
    /// (counted from 0) is made. Realtime-safe.
    pub fn needed(&self, output: u64) -> u64 {
        self.ratio.input_at(output).0.saturating_add(self.half_width() as u64 + 1)
    }

    /// Outputs that the stream's first `inputs` samples suffice for: those that
    /// [`needed`](Self::needed) gives at most `inputs` for. Realtime-safe.
    pub fn ready(&self, inputs: u64) -> u64 {
        self.ratio.outputs_before(inputs.saturating_sub(self.half_width() as u64))
    }

    /// The most samples that one call of [`process`](Self::process) appends for `inputs` samples.
    /// Realtime-safe.
    pub fn max_output(&self, inputs: usize) -> usize {
        usize::try_from(self.ratio.outputs_before(inputs as u64)).unwrap_or(usize::MAX)
    }

    /// Takes the stream's next samples and appends every output sample that they complete. Blocks
    /// of any size give the same samples, bit for bit.
    ///
    /// Realtime-safe if `output` has room for [`max_output`](Self::max_output) more samples.
    pub fn process(&mut self, mut input: &[f32], output: &mut Vec<f32>) {
        let Some(filter) = &self.filter else {
            output.extend_from_slice(input);
            self.inputs = self.inputs.saturating_add(input.len() as u64);
            self.outputs = self.inputs;
            return;
        };
        // Here and not left to the caller: the result must not depend on the thread.
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

    /// Forgets the past and makes `output` the next sample that is made. Returns the index of the
    /// input sample that [`process`](Self::process) expects next, the first one that `output`
    /// depends on: fed from there, it makes the same samples as an unbroken stream, bit for bit.
    /// Realtime-safe.
    pub fn seek(&mut self, output: u64) -> u64 {
        let (position, phase) = self.ratio.input_at(output);
        self.outputs = output;
        self.inputs = position;
        if let Some(filter) = &self.filter {
            let past = filter.half_width() as u64 - 1;
            self.inputs = position.saturating_sub(past);
            // Zero-valued taps at the front, then what lies before the stream's start.
            let kept = filter.half_width() + (position - self.inputs) as usize + 1;
            self.filled = filter.taps() - kept;
            self.buffer[..self.filled].fill(0.0);
            self.window = 0;
            self.phase = phase;
        }
        self.inputs
    }

    /// Back to the start of a new stream. Realtime-safe.
    pub fn reset(&mut self) {
        self.seek(0);
    }

    /// Input samples so far, counted from the stream's start also after a
    /// [`seek`](Self::seek). Realtime-safe.
    pub fn inputs(&self) -> u64 {
        self.inputs
    }

    /// Output samples so far, counted as [`inputs`](Self::inputs). Realtime-safe.
    pub fn outputs(&self) -> u64 {
        self.outputs
    }
}
