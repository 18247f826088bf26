//! Packed layout of weights: the order in which the GEMM kernels read them.
//!
//! W, (output, input), is cut into panels of 32 outputs. A panel holds, for one input after the other or
//! for four at a time, the weights of its outputs. It is a whole number of cache lines; the last panel is
//! zero-padded. All instruction sets read the same layout.
//!
//! ```text
//!            input ->
//!          +---------------------+
//! output   | panel 0: 32 outputs |    packed: | panel 0 | panel 1 | ... |
//!   |      +---------------------+
//!   v      | panel 1: 32 outputs |
//!          +---------------------+
//!
//! f32 panel, [input][32] f32
//!   | input 0: w[0] w[1] ... w[31] | input 1: w[0] ... w[31] | ...
//!
//! bf16 panel, [input][16][2] bfloat16: outputs i and 16 + i share a 32-bit word, so that a shift and a
//! mask make two vectors of f32
//!   | input 0: w[0] w[16] | w[1] w[17] | ... | w[15] w[31] | input 1: ...
//!
//! int8 panel: one block per 128 inputs, 4160 bytes; unused inputs are 128, that is 0
//!   | [32 quads of inputs][32 outputs][4 inputs] u8 = q + 128 | [16][2] bfloat16 scales, as in bf16 |
//!     4096 bytes                                                64 bytes
//!
//! int4 panel: one block per 128 inputs, 2240 bytes
//!   | [8 groups of 16 inputs][2 halves of 16 outputs] tiles | [4][32] factors | [16][2] scales |
//!     2048 bytes                                              128 bytes         64 bytes
//!   tile, [2][16 outputs][4] bytes: q + 8 in nibbles
//!     | 16 outputs x 4 bytes: inputs 0-3 low, 4-7 high | 16 outputs x 4 bytes: inputs 8-11 low, 12-15 high |
//!   factor byte [j][output]: of group 2j in the low nibble, of group 2j + 1 in the high nibble
//! ```

use half::bf16;
use rayon::prelude::*;

use super::activation_quantization::{QUANT_BLOCK, quant_blocks};
use super::precision::Precision;
use super::simd::LANES;
use super::weight_quantization::{
    INT4_GROUP, int4_scale, int8_scale, quantize_int4_group, quantize_int8,
};

/// Version of the packed form, a part of the key of cached packed weights.
///
/// Changes with the layout above, with the order of outputs that callers give layers in, and with the
/// choice of each layer's precision.
pub const PACKING_VERSION: u32 = 5;
/// Outputs of a panel.
pub(super) const PANEL: usize = 32;
/// Bytes of a block of a panel in int8: weights and scales.
pub(super) const INT8_BLOCK_BYTES: usize = PANEL * (QUANT_BLOCK + 2);
/// Bytes of sixteen inputs by sixteen outputs in int4.
pub(super) const INT4_TILE_BYTES: usize = INT4_GROUP * LANES / 2;
/// Bytes of a block's weights in int4, without factors and scales.
pub(super) const INT4_WEIGHT_BYTES: usize = PANEL * QUANT_BLOCK / 2;
/// Bytes of a block's group factors in int4.
const INT4_FACTOR_BYTES: usize = PANEL * QUANT_BLOCK / INT4_GROUP / 2;
/// Bytes of a block of a panel in int4: weights, factors and scales.
pub(super) const INT4_BLOCK_BYTES: usize = INT4_WEIGHT_BYTES + INT4_FACTOR_BYTES + 2 * PANEL;

/// Bytes of a panel.
pub(super) fn panel_bytes(precision: Precision, input: usize) -> usize {
    match precision {
        Precision::F32 => PANEL * 4 * input,
        Precision::Bf16 => PANEL * 2 * input,
        Precision::Int8 => INT8_BLOCK_BYTES * quant_blocks(input),
        Precision::Int4 => INT4_BLOCK_BYTES * quant_blocks(input),
    }
}

/// Bytes of all panels of a layer.
pub(super) fn packed_bytes(precision: Precision, output: usize, input: usize) -> usize {
    output.div_ceil(PANEL) * panel_bytes(precision, input)
}

/// Packs W, row-major, into `packed`, zeroed and [`packed_bytes`] long, with rayon's threads.
pub(super) fn pack(precision: Precision, weights: &[f32], input: usize, packed: &mut [u8]) {
    let panels = packed.par_chunks_exact_mut(panel_bytes(precision, input));
    panels.zip(weights.par_chunks(PANEL * input)).for_each(|(panel, rows)| match precision {
        Precision::F32 => pack_f32(rows, input, panel),
        Precision::Bf16 => pack_bf16(rows, input, panel),
        Precision::Int8 => pack_int8(rows, input, panel),
        Precision::Int4 => pack_int4(rows, input, panel),
    });
}

/// Returns true if every weight of packed panels, or every scale of quantized weights, is finite. Integers
/// are always finite.
pub(super) fn is_finite(precision: Precision, input: usize, packed: &[u8]) -> bool {
    let floats = |bytes: &[u8]| {
        bytes.as_chunks::<4>().0.iter().all(|number| f32::from_ne_bytes(*number).is_finite())
    };
    let halves = |bytes: &[u8]| {
        bytes.as_chunks::<2>().0.iter().all(|number| bf16::from_ne_bytes(*number).is_finite())
    };
    // The scales are the last numbers of a block.
    let scales = |panel: &[u8], block: usize| {
        panel.chunks_exact(block).all(|block| halves(&block[block.len() - 2 * PANEL..]))
    };
    packed.par_chunks_exact(panel_bytes(precision, input)).all(|panel| match precision {
        Precision::F32 => floats(panel),
        Precision::Bf16 => halves(panel),
        Precision::Int8 => scales(panel, INT8_BLOCK_BYTES),
        Precision::Int4 => scales(panel, INT4_BLOCK_BYTES),
    })
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
        let at = interleaved(n);
        for (k, weight) in row.iter().enumerate() {
            numbers[k * PANEL + at] = bf16::from_f32(*weight).to_ne_bytes();
        }
    }
}

/// Index of an output's number among the 32 interleaved bfloat16.
fn interleaved(output: usize) -> usize {
    output % LANES * 2 + output / LANES
}

/// Returns each output's number with its weights of a block of inputs.
fn block_rows(rows: &[f32], input: usize, block: usize) -> impl Iterator<Item = (usize, &[f32])> {
    let inputs = block * QUANT_BLOCK..input.min((block + 1) * QUANT_BLOCK);
    rows.chunks_exact(input).map(move |row| &row[inputs.clone()]).enumerate()
}

fn pack_int8(rows: &[f32], input: usize, panel: &mut [u8]) {
    for (block, panel) in panel.chunks_exact_mut(INT8_BLOCK_BYTES).enumerate() {
        let (bytes, scales) = panel.split_at_mut(PANEL * QUANT_BLOCK);
        let (scales, _) = scales.as_chunks_mut::<2>();
        bytes.fill(128);
        for (n, weights) in block_rows(rows, input, block) {
            let scale = int8_scale(weights);
            scales[interleaved(n)] = scale.to_ne_bytes();
            let scale = scale.to_f32();
            for (k, weight) in weights.iter().enumerate() {
                bytes[(k / 4 * PANEL + n) * 4 + k % 4] =
                    (quantize_int8(*weight, scale) + 128) as u8;
            }
        }
    }
}

fn pack_int4(rows: &[f32], input: usize, panel: &mut [u8]) {
    for (block, panel) in panel.chunks_exact_mut(INT4_BLOCK_BYTES).enumerate() {
        let (bytes, rest) = panel.split_at_mut(INT4_WEIGHT_BYTES);
        let (factors, scales) = rest.split_at_mut(INT4_FACTOR_BYTES);
        let (scales, _) = scales.as_chunks_mut::<2>();
        // Zeros in both nibbles, for padding inputs and outputs.
        bytes.fill(0x88);
        for (n, weights) in block_rows(rows, input, block) {
            let scale = int4_scale(weights);
            scales[interleaved(n)] = scale.to_ne_bytes();
            for (group, weights) in weights.chunks(INT4_GROUP).enumerate() {
                let quantized = quantize_int4_group(weights, scale.to_f32());
                factors[group / 2 * PANEL + n] |= quantized.factor << (group % 2 * 4);
                let tile =
                    &mut bytes[(group * 2 + n / LANES) * INT4_TILE_BYTES..][..INT4_TILE_BYTES];
                for (k, value) in quantized.values.iter().enumerate() {
                    let byte = &mut tile[(k / 8 * LANES + n % LANES) * 4 + k % 4];
                    let shift = k / 4 % 2 * 4;
                    *byte = *byte & !(15 << shift) | ((value + 8) as u8) << shift;
                }
            }
        }
    }
}
