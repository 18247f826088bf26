//! The order in which weights lie in memory: the order in which they are used.
//!
//! W, (output, input), is cut into panels of 32 outputs. A panel holds for input after input, or for
//! four at a time, the weights of its outputs, and is a whole number of cache lines; the last one is
//! filled up with zeros. All instruction sets read the same order.
//!
//! | precision | panel |
//! |---|---|
//! | f32 | `[input][32]` f32 |
//! | bf16 | `[input][16][2]` bfloat16: outputs i and 16 + i side by side, a 32-bit word |
//! | int8 | `[input / 4][32][4]` bytes, weight + 128, then `[input / 128][32]` scales in f32 |

use half::bf16;
use rayon::prelude::*;

use super::activations::{BLOCK, blocks};
use super::precision::Precision;
use super::simd::LANES;

/// Changes with the order above, so that files of packed weights of another order are not read.
pub const PACKING: u32 = 1;
/// Outputs of one panel.
pub(super) const PANEL: usize = 32;

/// Bytes of a panel.
pub(super) fn panel_bytes(precision: Precision, input: usize) -> usize {
    match precision {
        Precision::F32 => PANEL * 4 * input,
        Precision::Bf16 => PANEL * 2 * input,
        Precision::Int8 => PANEL * (input.next_multiple_of(4) + 4 * blocks(input)),
    }
}

/// Bytes of a layer's panels.
pub(super) fn packed_bytes(precision: Precision, output: usize, input: usize) -> usize {
    output.div_ceil(PANEL) * panel_bytes(precision, input)
}

/// Writes W, row-major, to `packed`, which is zeroed and as long as [`packed_bytes`] says.
pub(super) fn pack(precision: Precision, weights: &[f32], input: usize, packed: &mut [u8]) {
    let panels = packed.par_chunks_exact_mut(panel_bytes(precision, input));
    panels.zip(weights.par_chunks(PANEL * input)).for_each(|(panel, rows)| match precision {
        Precision::F32 => pack_f32(rows, input, panel),
        Precision::Bf16 => pack_bf16(rows, input, panel),
        Precision::Int8 => pack_int8(rows, input, panel),
    });
}

fn pack_f32(rows: &[f32], input: usize, panel: &mut [u8]) {
    let (numbers, _) = panel.as_chunks_mut::<4>();
    for (n, row) in rows.chunks_exact(input).enumerate() {
        for (k, weight) in row.iter().enumerate() {
            numbers[k * PANEL + n] = weight.to_ne_bytes();
        }
    }
}

fn pack_bf16(rows: &[f32], input: usize, panel: &mut [u8]) {
    let (numbers, _) = panel.as_chunks_mut::<2>();
    for (n, row) in rows.chunks_exact(input).enumerate() {
        let at = n % LANES * 2 + n / LANES;
        for (k, weight) in row.iter().enumerate() {
            numbers[k * PANEL + at] = bf16::from_f32(*weight).to_ne_bytes();
        }
    }
}

fn pack_int8(rows: &[f32], input: usize, panel: &mut [u8]) {
    let (bytes, scales) = panel.split_at_mut(PANEL * input.next_multiple_of(4));
    let (scales, _) = scales.as_chunks_mut::<4>();
    bytes.fill(128);
    for (n, row) in rows.chunks_exact(input).enumerate() {
        for (block, weights) in row.chunks(BLOCK).enumerate() {
            let largest = weights.iter().fold(0f32, |largest, weight| largest.max(weight.abs()));
            // Of a block too small for its inverse to be a number, nothing is left.
            let (scale, inverse) =
                if largest > 1e-30 { (largest / 127.0, 127.0 / largest) } else { (0.0, 0.0) };
            scales[block * PANEL + n] = scale.to_ne_bytes();
            for (k, weight) in (block * BLOCK..).zip(weights) {
                let rounded = (weight * inverse).round_ties_even();
                bytes[(k / 4 * PANEL + n) * 4 + k % 4] = (rounded as i32 + 128) as u8;
            }
        }
    }
}
