//! Weight quantization: int8, and int4 with a group factor.
//!
//! In both, 128 weights of a row share a scale in bfloat16.
//!
//! ```text
//! int8: w ~ q * scale             q: -127..=127
//! int4: w ~ q * factor * scale    q: -8..=7, factor: 0..=15 for each group of 16 weights
//! ```
//!
//! The product `q * factor` of int4 fits int8, so that both are multiplied alike.

use half::bf16;
use rayon::prelude::*;

use super::activation_quantization::QUANT_BLOCK;
use super::pack::PANEL;
use super::precision::Precision;

/// Weights that share a factor in int4.
pub(super) const INT4_GROUP: usize = 16;
/// Largest group factor.
const MAX_FACTOR: f32 = 15.0;
/// Largest positive int4.
const INT4_MAX: f32 = 7.0;

/// Scale of a block in int8; 0 for a block too small to matter.
pub(super) fn int8_scale(weights: &[f32]) -> bf16 {
    block_scale(weights, 127.0)
}

/// Scale of a block in int4; 0 for a block too small to matter.
pub(super) fn int4_scale(weights: &[f32]) -> bf16 {
    block_scale(weights, INT4_MAX * MAX_FACTOR)
}

/// Smallest bfloat16 with which the largest weight is at most `max_level` steps.
fn block_scale(weights: &[f32], max_level: f32) -> bf16 {
    let peak = peak(weights);
    if peak < 1e-30 {
        return bf16::ZERO;
    }
    let least = peak / max_level;
    let scale = bf16::from_f32(least);
    if scale.to_f32() < least { bf16::from_bits(scale.to_bits() + 1) } else { scale }
}

fn peak(weights: &[f32]) -> f32 {
    weights.iter().fold(0f32, |peak, weight| peak.max(weight.abs()))
}

/// Quantizes a weight to int8; 0 in a block without scale.
pub(super) fn quantize_int8(weight: f32, scale: f32) -> i32 {
    if scale > 0.0 { round_to_int(weight / scale) } else { 0 }
}

/// Sixteen weights in int4.
pub(super) struct Int4Group {
    /// 0 to 15; 0 where all values are.
    pub factor: u8,
    /// -8 to 7.
    pub values: [i8; INT4_GROUP],
    /// Sum of the squared quantization errors.
    squared_error: f32,
}

/// Quantizes up to sixteen weights of a block to int4.
///
/// Takes the factor with the least squared error among those with which the largest weight is about 7 to 10
/// steps: clipping it to 7 or -8 can gain more for the others than it loses.
pub(super) fn quantize_int4_group(weights: &[f32], scale: f32) -> Int4Group {
    let mut group = [0.0; INT4_GROUP];
    group[..weights.len()].copy_from_slice(weights);
    let weights = group;
    let power = weights.iter().map(|weight| weight * weight).sum();
    let mut best = Int4Group { factor: 0, values: [0; INT4_GROUP], squared_error: power };
    if scale <= 0.0 {
        return best;
    }
    let peak = peak(&weights) / scale;
    let (from, to) = ((peak / 10.0).floor().max(1.0), (peak / INT4_MAX).ceil().min(MAX_FACTOR));
    let mut best_factor = 0.0;
    let mut factor = from;
    while factor <= to {
        let step = factor * scale;
        let squared_error =
            weights.iter().map(|w| (w - quantize_int4(*w, step) * step).powi(2)).sum();
        if squared_error < best.squared_error {
            (best_factor, best.squared_error) = (factor, squared_error);
        }
        factor += 1.0;
    }
    if best_factor > 0.0 {
        best.factor = best_factor as u8;
        best.values = weights.map(|weight| quantize_int4(weight, best_factor * scale) as i8);
    }
    best
}

/// Nearest int4.
fn quantize_int4(weight: f32, step: f32) -> f32 {
    (round_to_int(weight / step) as f32).clamp(-8.0, INT4_MAX)
}

/// Nearest integer, ties to even, for magnitudes below 2^22.
///
/// On targets without an instruction for it, `round_ties_even` is a call for each weight, which took half
/// of the loading time.
fn round_to_int(x: f32) -> i32 {
    // 1.5 * 2^23: its last place is 1, so that the sum is rounded to an integer.
    const MAGIC: f32 = 12_582_912.0;
    (x + MAGIC) as i32 - MAGIC as i32
}

/// Relative quantization error, sum (W - Q)^2 / sum W^2, of W row-major.
///
/// It is the larger of that of all weights and that of all but the strongest group of sixteen in each row,
/// which would mask the error of the others. 0 for f32 and bfloat16, whose error is negligible; infinite
/// if the squares overflow.
pub(super) fn quantization_error(precision: Precision, weights: &[f32], input: usize) -> f64 {
    let scale: fn(&[f32]) -> bf16 = match precision {
        Precision::F32 | Precision::Bf16 => return 0.0,
        Precision::Int8 => int8_scale,
        Precision::Int4 => int4_scale,
    };
    let squared_error = |group: &[f32], scale: f32| match precision {
        Precision::Int4 => quantize_int4_group(group, scale).squared_error,
        _ => group.iter().map(|w| (w - quantize_int8(*w, scale) as f32 * scale).powi(2)).sum(),
    };
    // Pairs of squared error and power.
    let of_rows = |rows: &[f32]| {
        let (mut strong, mut others) = ([0f64; 2], [0f64; 2]);
        for row in rows.chunks_exact(input) {
            let mut strongest = [0f64; 2];
            for block in row.chunks(QUANT_BLOCK) {
                let scale = scale(block).to_f32();
                for group in block.chunks(INT4_GROUP) {
                    let power: f32 = group.iter().map(|weight| weight * weight).sum();
                    let mut this = [squared_error(group, scale), power].map(f64::from);
                    if this[1] > strongest[1] {
                        std::mem::swap(&mut this, &mut strongest);
                    }
                    others = sum(others, this);
                }
            }
            strong = sum(strong, strongest);
        }
        [strong, others]
    };
    // Summed in order, so that the result is the same each time.
    let parts: Vec<[[f64; 2]; 2]> = weights.par_chunks(PANEL * input).map(of_rows).collect();
    let [strong, others] =
        parts.iter().fold([[0.0; 2]; 2], |[a, b], [c, d]| [sum(a, *c), sum(b, *d)]);
    let ratio = |[error, power]: [f64; 2]| if power > 0.0 { error / power } else { 0.0 };
    match sum(strong, others) {
        all if all[1].is_finite() => ratio(all).max(ratio(others)),
        _ => f64::INFINITY,
    }
}

fn sum(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}
