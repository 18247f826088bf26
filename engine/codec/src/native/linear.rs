//! Linear layers from a checkpoint.

use crate::error::CodecError;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Linear, Precision};

/// Loads and packs the first of these names that exists, in the scope's precision; the checkpoint's values
/// are freed at once.
pub(super) fn load(
    scope: &TensorScope<'_>,
    names: &[&str],
    output: usize,
    input: usize,
) -> Result<Linear, CodecError> {
    scope.linear(names, (output, input), scope.precision())
}

/// Loads a projection; `None`, the identity, if its weight is absent and the widths are equal: v1 omits it
/// then, v2 and Nano never do.
///
/// Projections are kept in bfloat16 instead of int8 and int4. They carry the signal itself, whose weak
/// parts, such as high frequencies, are small differences of large numbers that the weights' quantization
/// error would mask. All projections together are a hundredth of a large model.
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
