//! What loading a model needs to know at every step.

use std::ops::ControlFlow;
use std::sync::Mutex;

#[cfg(feature = "reference")]
use candle_core::Device;

use super::checkpoint::TensorSource;
use super::error::CodecError;
use super::packed_file::PackedWriter;
use residue_kernels::{Arena, Linear, Precision};

/// Told which share of a model is loaded, 0 to 1; breaking off ends loading with
/// [`CodecError::Cancelled`].
pub type LoadProgress<'a> = dyn Fn(f64) -> ControlFlow<()> + Sync + 'a;

/// One model on its way into memory.
pub(super) struct LoadContext<'a> {
    pub weights: &'a dyn TensorSource,
    #[cfg(feature = "reference")]
    pub device: &'a Device,
    pub precision: Precision,
    pub progress: &'a LoadProgress<'a>,
    /// Numbers of the whole model, and of what is loaded.
    pub total: u64,
    pub done: Mutex<u64>,
    pub arena: Arena,
    /// Keeps what is packed for the next start.
    pub writer: Option<Mutex<PackedWriter>>,
}

impl LoadContext<'_> {
    /// The values of the first of these spellings that exists, row-major.
    pub fn values(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CodecError> {
        let values = self.weights.tensor(names, shape)?;
        if let Some(writer) = &self.writer {
            writer.lock().unwrap_or_else(|e| e.into_inner()).values(&names[0], &values);
        }
        self.count(values.len())?;
        Ok(values)
    }

    /// The same as a linear layer, packed; `arrange` puts the checkpoint's values in the order of outputs
    /// that is wanted, which packed files already have. Values and packed form exist together for one layer
    /// only.
    pub fn linear(
        &self,
        names: &[String],
        (output, input): (usize, usize),
        precision: Precision,
        arrange: impl FnOnce(Vec<f32>) -> Vec<f32>,
    ) -> Result<Linear, CodecError> {
        let arena = &self.arena;
        let forms = Linear::forms(precision);
        let linear = match self.weights.packed(names, (output, input), forms, arena)? {
            Some(linear) => linear,
            None => {
                let values = arrange(self.weights.tensor(names, &[output, input])?);
                Linear::pack(&values, output, input, precision, arena).map_err(|source| {
                    let bytes = Linear::packed_bytes(precision, output, input) as u64;
                    CodecError::Memory { bytes, problem: source.to_string() }
                })?
            }
        };
        if let Some(writer) = &self.writer {
            writer.lock().unwrap_or_else(|e| e.into_inner()).packed(&names[0], &linear);
        }
        self.count(output * input)?;
        Ok(linear)
    }

    fn count(&self, numbers: usize) -> Result<(), CodecError> {
        let mut done = self.done.lock().unwrap_or_else(|e| e.into_inner());
        *done += numbers as u64;
        // The parts of weight-normed convolutions are a few numbers more than the model has.
        match (self.progress)((*done as f64 / self.total.max(1) as f64).min(1.0)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CodecError::Cancelled),
        }
    }
}
