//! Prefixes of tensor names in a checkpoint.

#[cfg(feature = "reference")]
use candle_core::Tensor;

use super::error::CodecError;
use super::load_context::LoadContext;
use residue_kernels::{Linear, Precision};

/// A prefix of tensor names, such as `encoder.1`, with the load that the tensors belong to.
#[derive(Clone)]
pub(super) struct TensorScope<'a> {
    context: &'a LoadContext<'a>,
    prefix: String,
    precision: Precision,
}

impl<'a> TensorScope<'a> {
    /// Returns the scope of all tensors.
    pub fn root(context: &'a LoadContext<'a>) -> Self {
        Self { context, prefix: String::new(), precision: context.precision }
    }

    /// Returns the precision that linear layers are loaded in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Returns the scope with another precision.
    pub fn keeping(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Returns the scope below, such as `layers.3`.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: self.path(&name.to_string()), ..self.clone() }
    }

    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// Returns true if this tensor exists.
    pub fn has(&self, name: &str) -> bool {
        self.context.tensors.has(&self.path(name))
    }

    fn paths(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.path(name)).collect()
    }

    /// Returns the values of the first of these spellings that exists, row-major.
    pub fn values(&self, names: &[&str], shape: &[usize]) -> Result<Vec<f32>, CodecError> {
        self.context.values(&self.paths(names), shape)
    }

    /// Returns the first of these spellings that exists as a packed linear layer of shape (output, input).
    pub fn linear(
        &self,
        names: &[&str],
        shape: (usize, usize),
        precision: Precision,
    ) -> Result<Linear, CodecError> {
        self.context.linear(&self.paths(names), shape, precision, |values| values)
    }

    /// Loads QKV as a linear layer of shape (3 * width, width), its outputs reordered from the
    /// checkpoint's [3][heads][head_dim] to [heads][3][head_dim].
    pub fn heads(&self, names: &[&str], heads: usize, width: usize) -> Result<Linear, CodecError> {
        let shape = (3 * width, width);
        self.context.linear(&self.paths(names), shape, self.precision, |values| {
            let mut arranged = Vec::with_capacity(values.len());
            let rows = width / heads * width;
            for head in 0..heads {
                for which in 0..3 {
                    arranged.extend_from_slice(&values[(which * heads + head) * rows..][..rows]);
                }
            }
            arranged
        })
    }

    /// Returns the first of these spellings that exists as a tensor on the device.
    #[cfg(feature = "reference")]
    pub fn tensor(&self, names: &[&str], shape: &[usize]) -> Result<Tensor, CodecError> {
        let values = self.values(names, shape)?;
        Ok(Tensor::from_vec(values, shape, self.context.device)?)
    }
}
