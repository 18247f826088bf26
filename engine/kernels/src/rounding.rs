//! What weights become in 8 and in 4 bits.
//!
//! Either way 128 weights of a row share a scale in bfloat16. In 8 bits a weight is a whole number
//! from -127 to 127 of it. In 4 bits it is a whole number from -8 to 7, times a factor from 0 to 15
//! that 16 weights share, times the scale: a number that 8 bits hold too, so that both compute alike.

use half::bf16;
use rayon::prelude::*;

use super::activations::BLOCK;
use super::pack::PANEL;
use super::precision::Precision;

/// Weights that share a factor in 4 bits.
pub(super) const SIXTEEN: usize = 16;
/// The largest factor.
const MOST_FACTOR: f32 = 15.0;
/// What a weight of a sixteen may be at most, without its factor.
const MOST: f32 = 7.0;

/// Scale of a block in 8 bits; 0 of a block too small to matter.
pub(super) fn scale8(weights: &[f32]) -> bf16 {
    scale(weights, 127.0)
}

/// Scale of a block in 4 bits.
pub(super) fn scale4(weights: &[f32]) -> bf16 {
    scale(weights, MOST * MOST_FACTOR)
}

/// The least scale that makes the largest weight `most` at most.
fn scale(weights: &[f32], most: f32) -> bf16 {
    let largest = largest(weights);
    if largest < 1e-30 {
        return bf16::ZERO;
    }
    let least = largest / most;
    let scale = bf16::from_f32(least);
    if scale.to_f32() < least { bf16::from_bits(scale.to_bits() + 1) } else { scale }
}

fn largest(weights: &[f32]) -> f32 {
    weights.iter().fold(0f32, |largest, weight| largest.max(weight.abs()))
}

/// What a weight of a block becomes in 8 bits; 0 where the block has no scale.
pub(super) fn int8(weight: f32, scale: f32) -> i32 {
    if scale > 0.0 { nearest(weight / scale) } else { 0 }
}

/// What sixteen weights become in 4 bits.
pub(super) struct Sixteen {
    /// 0 to 15; 0 where all numbers are.
    pub factor: u8,
    /// -8 to 7.
    pub numbers: [i8; SIXTEEN],
    /// The squares of what is lost, added up.
    lost: f32,
}

/// Rounds up to sixteen weights of a block with the factor that loses least, of those with which
/// the largest becomes about 7 to 10, cut off at 7 or -8 for the others' sake.
pub(super) fn int4(weights: &[f32], scale: f32) -> Sixteen {
    let mut sixteen = [0.0; SIXTEEN];
    sixteen[..weights.len()].copy_from_slice(weights);
    let weights = sixteen;
    let none = weights.iter().map(|weight| weight * weight).sum();
    let mut best = Sixteen { factor: 0, numbers: [0; SIXTEEN], lost: none };
    if scale <= 0.0 {
        return best;
    }
    let largest = largest(&weights) / scale;
    let (from, to) = ((largest / 10.0).floor().max(1.0), (largest / MOST).ceil().min(MOST_FACTOR));
    let mut chosen = 0.0;
    let mut factor = from;
    while factor <= to {
        let step = factor * scale;
        let lost = weights.iter().map(|w| (w - number4(*w, step) * step).powi(2)).sum();
        if lost < best.lost {
            (chosen, best.lost) = (factor, lost);
        }
        factor += 1.0;
    }
    if chosen > 0.0 {
        best.factor = chosen as u8;
        best.numbers = weights.map(|weight| number4(weight, chosen * scale) as i8);
    }
    best
}

/// The nearest whole number that 4 bits hold.
fn number4(weight: f32, step: f32) -> f32 {
    (nearest(weight / step) as f32).clamp(-8.0, MOST)
}

/// The nearest whole number, ties to even, of a number below 2^22 in size. Where the target has no
/// instruction for it, `round_ties_even` is a call for each weight, which took half of loading's time.
fn nearest(x: f32) -> i32 {
    // So large that its last place is 1: the sum is rounded to whole numbers.
    const WHOLE: f32 = 12_582_912.0;
    (x + WHOLE) as i32 - WHOLE as i32
}

/// The power that rounding W, row-major, takes away, of its own: of all weights, or of all but the
/// strongest sixteen of each row, which would hide what becomes of the others; the larger one. 0 in
/// floats, where it is little, and infinite for weights whose squares are.
pub(super) fn loss(precision: Precision, weights: &[f32], input: usize) -> f64 {
    let scale: fn(&[f32]) -> bf16 = match precision {
        Precision::F32 | Precision::Bf16 => return 0.0,
        Precision::Int8 => scale8,
        Precision::Int4 => scale4,
    };
    let lost = |sixteen: &[f32], scale: f32| match precision {
        Precision::Int4 => int4(sixteen, scale).lost,
        _ => sixteen.iter().map(|w| (w - int8(*w, scale) as f32 * scale).powi(2)).sum(),
    };
    // Each with lost and own power.
    let part = |rows: &[f32]| {
        let (mut strong, mut others) = ([0f64; 2], [0f64; 2]);
        for row in rows.chunks_exact(input) {
            let mut strongest = [0f64; 2];
            for block in row.chunks(BLOCK) {
                let scale = scale(block).to_f32();
                for sixteen in block.chunks(SIXTEEN) {
                    let power: f32 = sixteen.iter().map(|weight| weight * weight).sum();
                    let mut this = [lost(sixteen, scale), power].map(f64::from);
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
    // Added up in order, so that it is the same each time.
    let parts: Vec<[[f64; 2]; 2]> = weights.par_chunks(PANEL * input).map(part).collect();
    let [strong, others] =
        parts.iter().fold([[0.0; 2]; 2], |[a, b], [c, d]| [sum(a, *c), sum(b, *d)]);
    let share = |[lost, power]: [f64; 2]| if power > 0.0 { lost / power } else { 0.0 };
    match sum(strong, others) {
        all if all[1].is_finite() => share(all).max(share(others)),
        _ => f64::INFINITY,
    }
}

fn sum(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}
