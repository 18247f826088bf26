//! Limits of a machine: its bandwidth for reading, and its multiply-adds per second, by loops that do nothing else.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use super::arena::Arena;
use super::isa::Isa;
use super::simd::{Kernel, LANES, Simd};
use super::thread_pool::ThreadPool;

/// Bytes that are read, in all: more than caches hold.
const READ_BYTES: usize = 512 << 20;
/// Rounds of each loop, of which the fastest counts: the others measure the machine's other work.
const ROUNDS: usize = 8;
/// Repetitions of an arithmetic loop in a round: some milliseconds, beside which waking threads takes no time.
const REPETITIONS: usize = 200_000;
/// Inputs of the integer loop, as many as a block of weights has.
const INPUTS: usize = 128;
/// Rows that meet a vector of weights in the loops.
const ROWS: usize = 6;
const WIDE_ROWS: usize = 12;
/// Of integers, whose products need registers besides, without enough registers for more.
const INT8_ROWS: usize = 4;

/// Limits of this machine with some number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineLimits {
    /// Bytes read from memory per second.
    pub read: f64,
    /// Multiply-adds of f32 per second.
    pub float: f64,
    /// Multiply-adds of 8-bit integers per second.
    pub int8: f64,
}

impl MachineLimits {
    /// Measures the limits with the threads of `pool` for about a second. Allocates half a gigabyte meanwhile.
    ///
    /// # Errors
    /// If there is no memory for it.
    pub fn measure(pool: &ThreadPool, isa: Isa) -> io::Result<Self> {
        let per_second = |work: usize, seconds: f64| (work * pool.threads()) as f64 / seconds;
        let (rows, int8_rows) =
            if isa.is_wide() { (WIDE_ROWS, WIDE_ROWS) } else { (ROWS, INT8_ROWS) };
        let float = fastest(pool, |_| {
            // SAFETY: the kernel accesses nothing but its own sums.
            unsafe { isa.run(FloatPeak) }
        });
        let int8 = fastest(pool, |_| {
            let (weights, x) = ([1u8; 4 * LANES * INPUTS / 4], [3i8; INPUTS * WIDE_ROWS]);
            // SAFETY: both buffers have the size that the kernel reads.
            unsafe { isa.run(Int8Peak { weights: black_box(&weights), x: black_box(&x) }) }
        });
        Ok(Self {
            read: reading(pool)?,
            float: per_second(REPETITIONS * 8 * rows * LANES * 2, float),
            int8: per_second(REPETITIONS / 8 * INPUTS * int8_rows * LANES, int8),
        })
    }
}

/// Returns the seconds of the fastest round in which every thread runs `body` once, with its number.
fn fastest(pool: &ThreadPool, body: impl Fn(usize) + Sync) -> f64 {
    let round = |_| {
        let began = Instant::now();
        pool.run(|workers| workers.parallel_for(workers.threads(), &body));
        began.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap_or(Duration::MAX).as_secs_f64()
}

/// Returns the bytes per second that all threads read together, each a part of its own, straight through.
fn reading(pool: &ThreadPool) -> io::Result<f64> {
    let arena = Arena::new();
    let mut block = arena.allocate(READ_BYTES)?;
    block.as_mut_slice().fill(1);
    let bytes = block.as_slice();
    let part = bytes.len() / pool.threads();
    let seconds = fastest(pool, |i| {
        let (chunks, _) = bytes[i * part..][..part].as_chunks::<512>();
        let mut sums = [0u64; 64];
        for chunk in chunks {
            let (words, _) = chunk.as_chunks::<8>();
            for (sum, word) in sums.iter_mut().zip(words) {
                *sum ^= u64::from_ne_bytes(*word);
            }
        }
        black_box(sums);
    });
    Ok((part * pool.threads()) as f64 / seconds)
}

/// Kernel of fused multiply-adds between registers.
///
/// # Safety
/// Nothing beyond [`Kernel::run`].
struct FloatPeak;

impl Kernel for FloatPeak {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: by the contract of `Kernel`.
        unsafe {
            if S::WIDE {
                multiply_add::<S, WIDE_ROWS, 2>();
            } else {
                // Of one vector twice the rows are as many registers.
                multiply_add::<S, ROWS, 1>();
                multiply_add::<S, ROWS, 1>();
            }
        }
    }
}

/// Multiplies and adds 8 `REPETITIONS` times in `R` by `C` vectors.
///
/// # Safety
/// The processor must have the instruction set.
#[inline(always)]
unsafe fn multiply_add<S: Simd, const R: usize, const C: usize>() {
    // SAFETY: by the contract.
    unsafe {
        let mut sums = [[S::splat(black_box(0.5)); C]; R];
        let (x, w) = (S::splat(black_box(0.999)), S::splat(black_box(1e-3)));
        for _ in 0..REPETITIONS * 8 {
            for row in &mut sums {
                for sum in row {
                    *sum = sum.fma(x, w);
                }
            }
        }
        black_box(sums.map(|row| row.map(S::horizontal_sum)));
    }
}

/// Kernel of dot products of 8-bit integers, weights and activations from the first-level cache.
///
/// # Safety
/// Nothing beyond [`Kernel::run`]: the buffers have the size that is read.
struct Int8Peak<'a> {
    weights: &'a [u8; 4 * LANES * INPUTS / 4],
    x: &'a [i8; INPUTS * WIDE_ROWS],
}

impl Kernel for Int8Peak<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: by the contract of `Kernel`.
        unsafe {
            if S::WIDE {
                self.dot::<S, WIDE_ROWS>();
            } else {
                self.dot::<S, INT8_ROWS>();
            }
        }
    }
}

impl Int8Peak<'_> {
    /// # Safety
    /// The processor must have the instruction set.
    #[inline(always)]
    unsafe fn dot<S: Simd, const R: usize>(&self) {
        // SAFETY: by the contract; indices stay inside the buffers.
        unsafe {
            let mut sums = [S::init_dot(0); R];
            for _ in 0..REPETITIONS / 8 {
                // The compiler must not know that they are the same each time.
                let (weights, x) = black_box((self.weights.as_ptr(), self.x.as_ptr()));
                for quad in 0..INPUTS / 4 {
                    let w = S::load_weights(weights.add(4 * LANES * quad));
                    for (r, sum) in sums.iter_mut().enumerate() {
                        *sum = S::dot4(*sum, w, x.add(INPUTS * r + 4 * quad));
                    }
                }
            }
            black_box(sums.map(|sum| S::from_i32(sum).horizontal_sum()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_positive_and_integers_no_slower_by_far() {
        let pool = ThreadPool::new(1).unwrap();
        let limits = MachineLimits::measure(&pool, Isa::best()).unwrap();
        assert!(limits.read > 0.0 && limits.float > 0.0 && limits.int8 > 0.0, "{limits:?}");
    }
}
