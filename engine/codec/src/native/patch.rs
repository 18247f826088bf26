//! Patches: steps of a sequence folded into channels, and back.
//!
//! Source: `PatchedPretransform` of the reference, (B, D, T·h) -> (B, D·h, T) with channel index
//! d·h + j for step j of a patch; here with channels last.

/// Folds steps into channels, (T·h, D) -> (T, D·h); lanes may be concatenated in T.
pub(super) fn patchify(x: &[f32], h: usize, d: usize, y: &mut [f32]) {
    transpose_each(x, h, d, y);
}

/// Unfolds channels into steps, (T, D·h) -> (T·h, D).
pub(super) fn unpatchify(x: &[f32], h: usize, d: usize, y: &mut [f32]) {
    transpose_each(x, d, h, y);
}

/// Transposes each (rows, columns) matrix in `x`.
fn transpose_each(x: &[f32], rows: usize, columns: usize, y: &mut [f32]) {
    if rows == 1 || columns == 1 {
        y.copy_from_slice(x);
        return;
    }
    let size = rows * columns;
    for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
        for (c, y) in y.chunks_exact_mut(rows).enumerate() {
            y.iter_mut().enumerate().for_each(|(r, y)| *y = x[r * columns + c]);
        }
    }
}
