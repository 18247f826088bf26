//! Linear layers from a checkpoint.

use crate::codec::error::CodecError;
use crate::codec::scope::Scope;
use crate::kernels::Linear;

/// Packs the first of these spellings that exists; the checkpoint's values are freed right after.
pub(super) fn load(
    scope: &Scope<'_>,
    names: &[&str],
    output: usize,
    input: usize,
) -> Result<Linear, CodecError> {
    scope.linear(names, output, input)
}

/// A projection that is the identity where its weight is absent and the widths agree: v1 leaves it
/// out then, v2 and Nano never do.
pub(super) fn load_or_identity(
    scope: &Scope<'_>,
    name: &str,
    output: usize,
    input: usize,
) -> Result<Option<Linear>, CodecError> {
    let identity = input == output && !scope.has(name);
    (!identity).then(|| load(scope, &[name], output, input)).transpose()
}
