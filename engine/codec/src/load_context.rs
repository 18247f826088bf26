//! Shared state of loading one model: where tensors come from, where they go, and progress.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "reference")]
use candle_core::Device;

use super::error::CodecError;
use super::packed_file::{PackedFile, PackedWriter};
use super::tensor_source::TensorSource;
use residue_kernels::{Arena, Linear, Precision};

/// Callback with the share of a model that is loaded, 0 to 1; breaking ends loading with
/// [`CodecError::Cancelled`].
pub type LoadProgress<'a> = dyn Fn(f64) -> ControlFlow<()> + Sync + 'a;

/// Sources, destinations and progress of loading one model.
pub(super) struct LoadContext<'a> {
    pub tensors: &'a dyn TensorSource,
    /// The file that linear layers are copied from, already packed; none packs them from `tensors`.
    pub packed: Option<&'a PackedFile>,
    #[cfg(feature = "reference")]
    pub device: &'a Device,
    pub precision: Precision,
    pub progress: &'a LoadProgress<'a>,
    /// Parameters of the whole model.
    pub total: u64,
    /// Parameters loaded so far.
    pub done: Mutex<u64>,
    /// Memory of the packed layers.
    pub arena: Arena,
    /// The packed file being written for the next start.
    pub writer: Option<Mutex<PackedWriter>>,
}

impl LoadContext<'_> {
    /// Returns the values of the first of `names` that exists, row-major.
    ///
    /// # Errors
    /// As [`TensorSource::tensor`], and if loading is cancelled.
    pub fn values(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CodecError> {
        let values = self.tensors.tensor(names, shape)?;
        if let Some(writer) = &self.writer {
            writer.lock().unwrap_or_else(PoisonError::into_inner).values(&names[0], &values);
        }
        self.count(values.len())?;
        Ok(values)
    }

    /// Returns the first of `names` that exists as a packed linear layer of shape (output, input).
    ///
    /// `arrange` reorders the checkpoint's rows to the order of outputs that the kernels take; packed
    /// files hold that order already. Values and packed weights coexist in memory for one layer only.
    ///
    /// # Errors
    /// As [`LoadContext::values`], and if memory for the packed layer cannot be had.
    pub fn linear(
        &self,
        names: &[String],
        (output, input): (usize, usize),
        precision: Precision,
        arrange: impl FnOnce(Vec<f32>) -> Vec<f32>,
    ) -> Result<Linear, CodecError> {
        let arena = &self.arena;
        let linear = match self.packed {
            Some(file) => file.linear(
                &names[0],
                (output, input),
                Linear::precision_fallbacks(precision),
                arena,
            )?,
            None => {
                let values = arrange(self.tensors.tensor(names, &[output, input])?);
                Linear::pack(&values, output, input, precision, arena).map_err(|source| {
                    let bytes = Linear::packed_bytes(precision, output, input) as u64;
                    CodecError::Memory { bytes, problem: source.to_string() }
                })?
            }
        };
        if let Some(writer) = &self.writer {
            writer.lock().unwrap_or_else(PoisonError::into_inner).linear(&names[0], &linear);
        }
        self.count(output * input)?;
        Ok(linear)
    }

    /// Adds to the parameters loaded and reports progress.
    fn count(&self, parameters: usize) -> Result<(), CodecError> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += parameters as u64;
        // Weight-normed convolutions are read in parts that hold a few numbers more than they count.
        match (self.progress)((*done as f64 / self.total.max(1) as f64).min(1.0)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CodecError::Cancelled),
        }
    }
}
