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
//! | int8 | for each block of 128 inputs `[32][32][4]` bytes: of four inputs the weights of the outputs,
//! plus 128; then `[16][2]` scales in bfloat16, as above. The last block is filled up with zeros |

use half::bf16;
use rayon::prelude::*;

use super::activations::{BLOCK, blocks};
use super::precision::Precision;
use super::simd::LANES;

/// Changes with the order above, and with what is kept in which precision, so that files of other packed
/// weights are not read.
pub const PACKING: u32 = 3;
/// Outputs of one panel.
pub(super) const PANEL: usize = 32;
/// Bytes of a block of a panel in int8.
pub(super) const PANEL_BLOCK: usize = PANEL * (BLOCK + 2);

/// Bytes of a panel.
pub(super) fn panel_bytes(precision: Precision, input: usize) -> usize {
    match precision {
        Precision::F32 => PANEL * 4 * input,
        Precision::Bf16 => PANEL * 2 * input,
        Precision::Int8 => PANEL_BLOCK * blocks(input),
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

/// The power that rounding W, row-major, to 8 bits takes away, of its own.
pub(super) fn int8_loss(weights: &[f32], input: usize) -> f64 {
    let block = |[lost, power]: [f64; 2], block: &[f32]| {
        let scale = scale(block).to_f32();
        let (mut block_lost, mut block_power) = (0f32, 0f32);
        for weight in block {
            let rounded = int8(*weight, scale) as f32 * scale;
            block_lost += (weight - rounded) * (weight - rounded);
            block_power += weight * weight;
        }
        [lost + f64::from(block_lost), power + f64::from(block_power)]
    };
    let part = |rows: &[f32]| {
        rows.chunks_exact(input).flat_map(|row| row.chunks(BLOCK)).fold([0.0; 2], block)
    };
    // Added up in order, so that it is the same each time.
    let parts: Vec<[f64; 2]> = weights.par_chunks(PANEL * input).map(part).collect();
    let [lost, power] = parts.iter().fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d]);
    if power > 0.0 { lost / power } else { 0.0 }
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
    for (block, panel) in panel.chunks_exact_mut(PANEL_BLOCK).enumerate() {
        let (bytes, scales) = panel.split_at_mut(PANEL * BLOCK);
        let (scales, _) = scales.as_chunks_mut::<2>();
        bytes.fill(128);
        for (n, row) in rows.chunks_exact(input).enumerate() {
            let weights = &row[block * BLOCK..input.min((block + 1) * BLOCK)];
            let scale = scale(weights);
            scales[n % LANES * 2 + n / LANES] = scale.to_ne_bytes();
            let scale = scale.to_f32();
            for (k, weight) in weights.iter().enumerate() {
                bytes[(k / 4 * PANEL + n) * 4 + k % 4] = (int8(*weight, scale) + 128) as u8;
            }
        }
    }
}

/// What a weight of a block becomes; 0 where the block has no scale.
fn int8(weight: f32, scale: f32) -> i32 {
    if scale > 0.0 { nearest(weight / scale) } else { 0 }
}

/// The nearest whole number, ties to even, of a number below 2^22 in size. Where the target has no
/// instruction for it, `round_ties_even` is a call for each weight, which took half of loading's time.
fn nearest(x: f32) -> i32 {
    // So large that its last place is 1: the sum is rounded to whole numbers.
    const WHOLE: f32 = 12_582_912.0;
    (x + WHOLE) as i32 - WHOLE as i32
}

/// The least scale that makes the largest weight 127 at most; 0 of a block too small to matter.
fn scale(weights: &[f32]) -> bf16 {
    let largest = weights.iter().fold(0f32, |largest, weight| largest.max(weight.abs()));
    if largest < 1e-30 {
        return bf16::ZERO;
    }
    let least = largest / 127.0;
    let scale = bf16::from_f32(least);
    if scale.to_f32() < least { bf16::from_bits(scale.to_bits() + 1) } else { scale }
}
