//! Linear layers from a checkpoint.

use crate::error::CodecError;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Linear, Precision};

/// Packs the first of these spellings that exists, in the model's precision; the checkpoint's values
/// are freed right after.
pub(super) fn load(
    scope: &TensorScope<'_>,
    names: &[&str],
    output: usize,
    input: usize,
) -> Result<Linear, CodecError> {
    scope.linear(names, (output, input), scope.precision())
}

/// A projection that is the identity where its weight is absent and the widths agree: v1 leaves it
/// out then, v2 and Nano never do.
///
/// Never in integers: what goes through it is the signal itself, whose weak parts, such as high
/// frequencies, are small differences of large numbers, and a weight's rounding error would bury them.
/// All projections together are a hundredth of a large model.
pub(super) fn load_projection(
    scope: &TensorScope<'_>,
    name: &str,
    output: usize,
    input: usize,
) -> Result<Option<Linear>, CodecError> {
    let precision = scope.precision();
    let precision = if precision.is_integer() { Precision::Bf16 } else { precision };
    let identity = input == output && !scope.has(name);
    let load = || scope.linear(&[name], (output, input), precision);
    (!identity).then(load).transpose()
}
