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
//! | int4 | for each block of 128 inputs `[8][2][2][16][4]` bytes: of sixteen inputs, for the first and for
//! the last sixteen outputs, two vectors, each with four inputs in the lower halves of its bytes and the
//! next four in the upper ones, plus 8; then `[4][32]` bytes with the factors of two sixteens of inputs
//! each, the first in the lower half; then scales as in int8 |

use half::bf16;
use rayon::prelude::*;

use super::activations::{BLOCK, blocks};
use super::precision::Precision;
use super::rounding::{SIXTEEN, int4, int8, scale4, scale8};
use super::simd::LANES;

/// Changes with the order above, with the order of outputs that layers are given in, and with what is kept
/// in which precision, so that files of other packed weights are not read.
pub const PACKING: u32 = 5;
/// Outputs of one panel.
pub(super) const PANEL: usize = 32;
/// Bytes of a block of a panel in int8.
pub(super) const PANEL_BLOCK: usize = PANEL * (BLOCK + 2);
/// Bytes of sixteen inputs and sixteen outputs in int4.
pub(super) const SQUARE4: usize = SIXTEEN * LANES / 2;
/// Bytes of a block's weights in int4, without factors and scales.
pub(super) const WEIGHTS4: usize = PANEL * BLOCK / 2;
/// Bytes of a block of a panel in int4.
pub(super) const PANEL_BLOCK4: usize = WEIGHTS4 + PANEL * (BLOCK / SIXTEEN / 2 + 2);

/// Bytes of a panel.
pub(super) fn panel_bytes(precision: Precision, input: usize) -> usize {
    match precision {
        Precision::F32 => PANEL * 4 * input,
        Precision::Bf16 => PANEL * 2 * input,
        Precision::Int8 => PANEL_BLOCK * blocks(input),
        Precision::Int4 => PANEL_BLOCK4 * blocks(input),
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
        Precision::Int4 => pack_int4(rows, input, panel),
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
        let at = word(n);
        for (k, weight) in row.iter().enumerate() {
            numbers[k * PANEL + at] = bf16::from_f32(*weight).to_ne_bytes();
        }
    }
}

/// Where of 32 words the one of an output is.
fn word(output: usize) -> usize {
    output % LANES * 2 + output / LANES
}

/// For each output its weights of a block of inputs.
fn block_of(rows: &[f32], input: usize, block: usize) -> impl Iterator<Item = (usize, &[f32])> {
    let inputs = block * BLOCK..input.min((block + 1) * BLOCK);
    rows.chunks_exact(input).map(move |row| &row[inputs.clone()]).enumerate()
}

fn pack_int8(rows: &[f32], input: usize, panel: &mut [u8]) {
    for (block, panel) in panel.chunks_exact_mut(PANEL_BLOCK).enumerate() {
        let (bytes, scales) = panel.split_at_mut(PANEL * BLOCK);
        let (scales, _) = scales.as_chunks_mut::<2>();
        bytes.fill(128);
        for (n, weights) in block_of(rows, input, block) {
            let scale = scale8(weights);
            scales[word(n)] = scale.to_ne_bytes();
            let scale = scale.to_f32();
            for (k, weight) in weights.iter().enumerate() {
                bytes[(k / 4 * PANEL + n) * 4 + k % 4] = (int8(*weight, scale) + 128) as u8;
            }
        }
    }
}

fn pack_int4(rows: &[f32], input: usize, panel: &mut [u8]) {
    for (block, panel) in panel.chunks_exact_mut(PANEL_BLOCK4).enumerate() {
        let (bytes, rest) = panel.split_at_mut(WEIGHTS4);
        let (factors, scales) = rest.split_at_mut(PANEL * BLOCK / SIXTEEN / 2);
        let (scales, _) = scales.as_chunks_mut::<2>();
        // Zeros, for inputs and outputs that there are not.
        bytes.fill(0x88);
        for (n, weights) in block_of(rows, input, block) {
            let scale = scale4(weights);
            scales[word(n)] = scale.to_ne_bytes();
            for (sixteen, weights) in weights.chunks(SIXTEEN).enumerate() {
                let rounded = int4(weights, scale.to_f32());
                factors[sixteen / 2 * PANEL + n] |= rounded.factor << (sixteen % 2 * 4);
                let square = &mut bytes[(sixteen * 2 + n / LANES) * SQUARE4..][..SQUARE4];
                for (k, number) in rounded.numbers.iter().enumerate() {
                    let byte = &mut square[(k / 8 * LANES + n % LANES) * 4 + k % 4];
                    let shift = k / 4 % 2 * 4;
                    *byte = *byte & !(15 << shift) | ((number + 8) as u8) << shift;
                }
            }
        }
    }
}
