//! Affine maps of single vectors, y = W x + b, for the quantizer: in f32, in one order of summation that depends on
//! no instruction set.

use super::isa::Isa;
use super::simd::{Kernel, LANES, Simd};

/// Most inputs of a map that is stored column by column: few inputs have too short rows for vectors.
const COLUMN_MAJOR_INPUTS: usize = 8;

/// Affine map y = W x + b.
///
/// ```text
/// up to 8 inputs:   columns of W, each sum a chain over ascending inputs
/// more inputs:      rows of W, each sum that of eight interleaved sums and then of the inputs that are left
/// ```
///
/// Products are rounded before they are added, as in the reference's f32 arithmetic on any processor.
pub struct Affine {
    input: usize,
    /// W, (output, input) row-major, or (input, output) for few inputs.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Affine {
    /// Makes a map of W, (output, input) row-major, and b. Allocates.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn new(mut weight: Vec<f32>, bias: Vec<f32>, input: usize) -> Self {
        assert_eq!(weight.len(), bias.len() * input, "W is output x input");
        if input <= COLUMN_MAJOR_INPUTS {
            let column = |d: usize| weight.iter().skip(d).step_by(input).copied();
            weight = (0..input).flat_map(column).collect();
        }
        Self { input, weight, bias }
    }

    /// Writes W x + b to `y`. Realtime-safe.
    ///
    /// # Panics
    /// If x is not (input) and y not (output).
    pub fn apply(&self, isa: Isa, x: &[f32], y: &mut [f32]) {
        assert!(x.len() == self.input && y.len() == self.bias.len(), "the map's widths");
        // SAFETY: the lengths were checked.
        unsafe { isa.run(ApplyAffine { map: self, x, y }) }
    }
}

/// Kernel of [`Affine::apply`].
///
/// # Safety
/// x and y must have the map's widths.
struct ApplyAffine<'a> {
    map: &'a Affine,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for ApplyAffine<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { map: Affine { input, weight, bias }, x, y } = self;
        let outputs = y.len();
        if *input > COLUMN_MAJOR_INPUTS {
            for ((y, row), bias) in y.iter_mut().zip(weight.chunks_exact(*input)).zip(bias) {
                *y = dot(row, x) + bias;
            }
            return;
        }
        for first in (0..outputs).step_by(LANES) {
            let present = outputs - first;
            // SAFETY: by the contracts of `Kernel` and of the type; `present` outputs, or sixteen, are there in each
            // column, in b and in y.
            unsafe {
                let mut sum = S::zero();
                for (d, &x) in x.iter().enumerate() {
                    let column = S::load_present(weight.as_ptr().add(d * outputs + first), present);
                    sum = sum.add(column.mul(S::splat(x)));
                }
                let bias = S::load_present(bias.as_ptr().add(first), present);
                sum.add(bias).store_present(y.as_mut_ptr().add(first), present);
            }
        }
    }
}

/// Returns the sum of products in a fixed order: eight interleaved sums, which the compiler turns into vectors.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a8, a_rest) = a.as_chunks::<8>();
    let (b8, b_rest) = b.as_chunks::<8>();
    let mut sums = [0f32; 8];
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
