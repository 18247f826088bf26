//! The interface through which a model reads its tensors.

use super::error::CheckpointError;

/// A set of named tensors.
pub(super) trait TensorSource: Sync {
    /// Returns the values of the first of `names` that exists, row-major, in f32.
    ///
    /// `shape` is what the configuration expects. Dimensions of 1 are ignored in the comparison, because
    /// 1x1 convolutions are stored as (out, in, 1).
    ///
    /// # Errors
    /// If no name exists, or the tensor has another shape or number format, or a value is not finite.
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError>;

    /// Returns true if a tensor of this name exists.
    fn has(&self, name: &str) -> bool;

    /// Checks, after everything has been read, that it was the same all along.
    ///
    /// # Errors
    /// If a file was changed meanwhile, so that the weights may be half old and half new.
    fn check_unchanged(&self) -> Result<(), CheckpointError> {
        Ok(())
    }
}

impl<T: TensorSource + ?Sized> TensorSource for &T {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        (**self).tensor(names, shape)
    }

    fn has(&self, name: &str) -> bool {
        (**self).has(name)
    }

    fn check_unchanged(&self) -> Result<(), CheckpointError> {
        (**self).check_unchanged()
    }
}
