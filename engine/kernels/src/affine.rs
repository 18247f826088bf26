//! Affine maps of single vectors, y = W x + b, for the quantizer: in f32, in one order of summation that depends on
//! no instruction set.

use super::aligned_buffer::AlignedBuffer;
use super::isa::Isa;
use super::simd::{Kernel, LANES, Simd};

/// Most inputs of a map that is stored column by column: few inputs have too short rows for vectors.
const COLUMN_MAJOR_INPUTS: usize = 8;

/// Numbers of a sum that are interleaved, half a vector: two rows of W share one.
const HALF: usize = LANES / 2;
/// Pairs of rows that are multiplied together: the sums of one pair alone would wait for each other.
const PAIRS: usize = 4;

/// Affine map y = W x + b.
///
/// ```text
/// up to 8 inputs:   columns of W, each sum a chain over ascending inputs
///
/// more inputs:      each sum that of eight interleaved sums, and then of the inputs that are left
///
///   paired   row 0, inputs 0-7 | row 1, inputs 0-7 | row 0, inputs 8-15 | row 1, inputs 8-15 | ... | row 2, ...
///   rest     row 0, inputs that are left | row 1, ...
/// ```
///
/// Products are rounded before they are added, as in the reference's f32 arithmetic on any processor.
pub struct Affine {
    input: usize,
    weight: AffineWeight,
    bias: Vec<f32>,
}

enum AffineWeight {
    /// (input, output).
    Columns(Vec<f32>),
    /// Pairs of rows, zero where there is no second one, and the inputs beyond whole halves of vectors.
    Rows { paired: AlignedBuffer, rest: Vec<f32> },
}

impl Affine {
    /// Makes a map of W, (output, input) row-major, and b. Allocates.
    ///
    /// # Panics
    /// If the lengths do not match.
    pub fn new(weight: Vec<f32>, bias: Vec<f32>, input: usize) -> Self {
        assert_eq!(weight.len(), bias.len() * input, "W is output x input");
        let weight = if input <= COLUMN_MAJOR_INPUTS {
            let column = |d: usize| weight.iter().skip(d).step_by(input).copied();
            AffineWeight::Columns((0..input).flat_map(column).collect())
        } else {
            let whole = input / HALF * HALF;
            let mut paired = AlignedBuffer::zeros(bias.len().div_ceil(2) * 2 * whole);
            let mut rest = Vec::with_capacity(bias.len() * (input - whole));
            for (n, row) in weight.chunks_exact(input).enumerate() {
                let pair = &mut paired.as_mut_slice()[n / 2 * 2 * whole..];
                for (to, from) in pair.chunks_exact_mut(LANES).zip(row.chunks_exact(HALF)) {
                    to[n % 2 * HALF..][..HALF].copy_from_slice(from);
                }
                rest.extend(&row[whole..]);
            }
            AffineWeight::Rows { paired, rest }
        };
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
        // SAFETY: by the contracts of `Kernel` and of the type.
        unsafe {
            match &self.map.weight {
                AffineWeight::Columns(weight) => self.columns::<S>(weight),
                AffineWeight::Rows { paired, rest } => self.rows::<S>(paired.as_slice(), rest),
            }
        }
    }
}

// The contract of the methods is that of `Kernel::run` for the type; the weights must be the map's.
impl ApplyAffine<'_> {
    #[inline(always)]
    unsafe fn columns<S: Simd>(self, weight: &[f32]) {
        let Self { map, x, y } = self;
        let outputs = y.len();
        for first in (0..outputs).step_by(LANES) {
            let present = outputs - first;
            // SAFETY: by the contract; `present` outputs, or sixteen, are there in each column, in b and in y.
            unsafe {
                let mut sum = S::zero();
                for (d, &x) in x.iter().enumerate() {
                    let column = S::load_present(weight.as_ptr().add(d * outputs + first), present);
                    sum = sum.add(column.mul(S::splat(x)));
                }
                let bias = S::load_present(map.bias.as_ptr().add(first), present);
                sum.add(bias).store_present(y.as_mut_ptr().add(first), present);
            }
        }
    }

    #[inline(always)]
    unsafe fn rows<S: Simd>(self, paired: &[f32], rest: &[f32]) {
        let Self { map, x, y } = self;
        let (x, x_rest) = x.split_at(map.input / HALF * HALF);
        let pairs = y.len().div_ceil(2);
        for first in (0..pairs).step_by(PAIRS) {
            let count = PAIRS.min(pairs - first);
            let mut sums = [[0f32; LANES]; PAIRS];
            // SAFETY: by the contract; `count` pairs are there from `first` on.
            unsafe {
                let paired = paired.as_ptr().add(first * 2 * x.len());
                if count == PAIRS {
                    sums = multiply_pairs::<S, PAIRS>(paired, x);
                } else {
                    for (pair, sums) in sums[..count].iter_mut().enumerate() {
                        [*sums] = multiply_pairs::<S, 1>(paired.add(pair * 2 * x.len()), x);
                    }
                }
            }
            let outputs = y[2 * first..].iter_mut().zip(&map.bias[2 * first..]).enumerate();
            for ((i, (y, bias)), sums) in outputs.zip(sums.as_flattened().chunks_exact(HALF)) {
                let rest = &rest[(2 * first + i) * x_rest.len()..][..x_rest.len()];
                let rest: f32 = rest.iter().zip(x_rest).map(|(w, x)| w * x).sum();
                *y = sums.iter().sum::<f32>() + rest + bias;
            }
        }
    }
}

/// Returns the eight interleaved sums of each row of `P` pairs.
///
/// # Safety
/// The processor must have the instruction set, and `P` pairs of rows as long as `x`, which is whole halves of vectors,
/// be at `paired`.
#[inline(always)]
unsafe fn multiply_pairs<S: Simd, const P: usize>(
    paired: *const f32,
    x: &[f32],
) -> [[f32; LANES]; P] {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [S::zero(); P];
        for k in (0..x.len()).step_by(HALF) {
            let numbers = S::load_half(x.as_ptr().add(k));
            for (pair, sum) in sums.iter_mut().enumerate() {
                let w = S::load(paired.add(2 * (pair * x.len() + k)));
                *sum = sum.add(w.mul(numbers));
            }
        }
        sums.map(S::lanes)
    }
}

/// Returns the sum of products in the order of an [`Affine`] map.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a8, a_rest) = a.as_chunks::<HALF>();
    let (b8, b_rest) = b.as_chunks::<HALF>();
    let mut sums = [0f32; HALF];
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..HALF {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}
