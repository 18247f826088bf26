//! Walking a checkpoint's key paths.

use candle_core::{Device, Tensor};

use super::checkpoint::Weights;
use super::error::{CheckpointError, CodecError};

/// A prefix in the checkpoint's names, with where the tensors come from and go to.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    weights: &'a dyn Weights,
    device: &'a Device,
    prefix: String,
}

impl<'a> Scope<'a> {
    pub fn root(weights: &'a dyn Weights, device: &'a Device) -> Self {
        Self { weights, device, prefix: String::new() }
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
        self.weights.has(&self.path(name))
    }

    /// Values of the first of these spellings that exists.
    pub fn values(&self, names: &[&str], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let names: Vec<String> = names.iter().map(|name| self.path(name)).collect();
        self.weights.tensor(&names, shape)
    }

    /// The same on the device, in `shape`.
    pub fn tensor(&self, names: &[&str], shape: &[usize]) -> Result<Tensor, CodecError> {
        let values = self.values(names, shape)?;
        Ok(Tensor::from_vec(values, shape, self.device)?)
    }
}
