//! Search of a codebook for the row nearest in direction.

use super::affine::dot;
use super::aligned_buffer::AlignedBuffer;
use super::isa::Isa;
use super::simd::{Kernel, LANES, Simd};

/// Rows of a codebook, normalised, to be searched.
///
/// ```text
/// searched   sixteen rows, dimension 0 | the same, dimension 1 | ... | the next sixteen rows, dimension 0 | ...
/// norms      sixteen rows | the next sixteen rows | ...      squared, infinite for rows that only fill a vector
/// ```
pub struct Codebook {
    dim: usize,
    searched: AlignedBuffer,
    norms: AlignedBuffer,
}

impl Codebook {
    /// Makes a codebook of rows, (size, dim) row-major; divides each by its norm. Allocates.
    ///
    /// # Panics
    /// If the rows are not whole, or there is none.
    pub fn new(mut rows: Vec<f32>, dim: usize) -> Self {
        assert!(dim > 0 && !rows.is_empty() && rows.len().is_multiple_of(dim), "whole rows");
        rows.chunks_exact_mut(dim).for_each(normalize);
        let size = rows.len() / dim;
        let vectors = size.div_ceil(LANES);
        let mut searched = AlignedBuffer::zeros(vectors * dim * LANES);
        let mut norms = AlignedBuffer::zeros(vectors * LANES);
        norms.as_mut_slice().fill(f32::INFINITY);
        for (i, row) in rows.chunks_exact(dim).enumerate() {
            let (vector, lane) = (i / LANES, i % LANES);
            // 1 within rounding, or 0.
            norms.as_mut_slice()[i] = dot(row, row);
            for (d, &x) in row.iter().enumerate() {
                searched.as_mut_slice()[(vector * dim + d) * LANES + lane] = x;
            }
        }
        Self { dim, searched, norms }
    }

    /// Returns the index of the row nearest to `x`, (dim): that with the least ||row||² - 2 x·row, the first of
    /// equals. Realtime-safe.
    ///
    /// # Panics
    /// If `x` has another length.
    pub fn nearest(&self, isa: Isa, x: &[f32]) -> usize {
        assert_eq!(x.len(), self.dim, "the codebook's dimensions");
        let mut found = 0;
        // SAFETY: the length was checked.
        unsafe { isa.run(FindNearest { codebook: self, x, found: &mut found }) }
        found
    }
}

/// Divides a vector by its norm, or by 1e-12 if that is larger, as PyTorch's `normalize` does. Realtime-safe.
pub fn normalize(x: &mut [f32]) {
    let norm = dot(x, x).sqrt().max(1e-12);
    x.iter_mut().for_each(|x| *x /= norm);
}

/// Kernel of [`Codebook::nearest`].
///
/// # Safety
/// x must have the codebook's dimensions.
struct FindNearest<'a> {
    codebook: &'a Codebook,
    x: &'a [f32],
    found: &'a mut usize,
}

impl Kernel for FindNearest<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: by the contracts of `Kernel` and of the type.
        let (least, vector) = unsafe {
            match self.x.as_chunks() {
                // The published models' dimensions, in registers throughout.
                ([x], []) => nearest_vectors::<S, &[f32; 8]>(self.codebook, x),
                _ => nearest_vectors::<S, &[f32]>(self.codebook, self.x),
            }
        };
        let row = |lane: usize| vector[lane] as usize * LANES + lane;
        let mut best = 0;
        for lane in 1..LANES {
            let nearer = least[lane] < least[best];
            if nearer || (least[lane] == least[best] && row(lane) < row(best)) {
                best = lane;
            }
        }
        // Distances that are no numbers are those of no row.
        *self.found = if least[best] < f32::INFINITY { row(best) } else { 0 };
    }
}

/// Returns for each lane the least distance to `x`, and the number of its vector, exact below 2^24.
///
/// # Safety
/// The processor must have the instruction set, and x the codebook's dimensions.
#[inline(always)]
unsafe fn nearest_vectors<S: Simd, X: AsRef<[f32]> + Copy>(
    codebook: &Codebook,
    x: X,
) -> ([f32; LANES], [f32; LANES]) {
    let (searched, norms) = (codebook.searched.as_slice(), codebook.norms.as_slice());
    // SAFETY: by the contract; all vectors are whole.
    unsafe {
        let two = S::splat(2.0);
        let (mut least, mut vector) = (S::splat(f32::INFINITY), S::zero());
        for (i, norms) in norms.chunks_exact(LANES).enumerate() {
            let x = x.as_ref();
            let mut product = S::zero();
            for d in 0..x.len() {
                let rows = S::load(searched.as_ptr().add((i * x.len() + d) * LANES));
                product = product.add(rows.mul(S::splat(x[d])));
            }
            let distance = S::load(norms.as_ptr()).sub(product.mul(two));
            vector = distance.select_less(least, S::splat(i as f32), vector);
            least = distance.select_less(least, distance, least);
        }
        (least.lanes(), vector.lanes())
    }
}
