//! Walking a checkpoint's key paths.

#[cfg(feature = "reference")]
use candle_core::Tensor;

use super::error::CodecError;
use super::load_context::LoadContext;
use residue_kernels::{Linear, Precision};

/// A prefix in the checkpoint's names, with where the tensors come from and go to.
#[derive(Clone)]
pub(super) struct TensorScope<'a> {
    loading: &'a LoadContext<'a>,
    prefix: String,
    precision: Precision,
}

impl<'a> TensorScope<'a> {
    pub fn root(loading: &'a LoadContext<'a>) -> Self {
        Self { loading, prefix: String::new(), precision: loading.precision }
    }

    /// How linear layers here are to be kept.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same scope with another precision.
    pub fn keeping(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The scope below, such as `layers.3`.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: self.path(&name.to_string()), ..self.clone() }
    }

    fn path(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// True if this tensor exists.
    pub fn has(&self, name: &str) -> bool {
        self.loading.weights.has(&self.path(name))
    }

    fn paths(&self, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.path(name)).collect()
    }

    /// Values of the first of these spellings that exists.
    pub fn values(&self, names: &[&str], shape: &[usize]) -> Result<Vec<f32>, CodecError> {
        self.loading.values(&self.paths(names), shape)
    }

    /// The same as a packed linear layer, (output, input).
    pub fn linear(
        &self,
        names: &[&str],
        shape: (usize, usize),
        precision: Precision,
    ) -> Result<Linear, CodecError> {
        self.loading.linear(&self.paths(names), shape, precision, |values| values)
    }

    /// The same with its outputs, in the checkpoint queries, keys and values of all of so many heads one
    /// after the other, as query, key and value of each head. (3 * width, width).
    pub fn heads(&self, names: &[&str], heads: usize, width: usize) -> Result<Linear, CodecError> {
        let shape = (3 * width, width);
        self.loading.linear(&self.paths(names), shape, self.precision, |values| {
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

    /// The same on the device, in `shape`.
    #[cfg(feature = "reference")]
    pub fn tensor(&self, names: &[&str], shape: &[usize]) -> Result<Tensor, CodecError> {
        let values = self.values(names, shape)?;
        Ok(Tensor::from_vec(values, shape, self.loading.device)?)
    }
}
