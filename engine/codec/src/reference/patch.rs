//! Patches: steps of a sequence folded into channels, and back.
//!
//! Source: `PatchedPretransform` of the reference, (B, D, T·h) -> (B, D·h, T) with channel index
//! d·h + j for step j of a patch; here with channels last.

use candle_core::Tensor;

/// Folds steps into channels, (B, T·h, D) -> (B, T, D·h).
pub(super) fn patchify(x: &Tensor, h: usize) -> candle_core::Result<Tensor> {
    let (b, steps, d) = x.dims3()?;
    x.reshape((b, steps / h, h, d))?.transpose(2, 3)?.contiguous()?.reshape((b, steps / h, d * h))
}

/// Unfolds channels into steps, (B, T, D·h) -> (B, T·h, D).
pub(super) fn unpatchify(x: &Tensor, h: usize) -> candle_core::Result<Tensor> {
    let (b, steps, dh) = x.dims3()?;
    x.reshape((b, steps, dh / h, h))?.transpose(2, 3)?.contiguous()?.reshape((b, steps * h, dh / h))
}
