//! Vectors of sixteen f32: the interface that kernels are written against.
//!
//! All instruction sets implement the same sixteen lanes with the same correctly rounded operations, so
//! that a kernel's result does not depend on which of them runs it.

/// Numbers in a vector.
pub(super) const LANES: usize = 16;

/// Vector of sixteen f32.
///
/// # Safety
/// The processor must have the type's instruction set for every method. Pointers must be valid for
/// sixteen numbers, without alignment, or for as many as a method states.
pub(super) trait Simd: Copy {
    /// Whether there are enough registers for tiles of 24 vectors.
    const WIDE: bool;

    /// Vector of sixteen i32.
    type I32: Copy;
    /// 8-bit weights of four inputs for each of sixteen outputs.
    type Weights: Copy;

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    /// Loads eight numbers, into both halves of the lanes.
    unsafe fn load_half(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    /// Larger of the two; `other` if one is NaN.
    unsafe fn max(self, other: Self) -> Self;
    /// self * a + b, rounded once.
    unsafe fn fma(self, a: Self, b: Self) -> Self;
    unsafe fn abs(self) -> Self;
    /// Nearest integer, ties to even; for magnitudes below 2^22.
    unsafe fn round(self) -> Self;
    /// 2^self for integers -126..=127.
    unsafe fn exp2_int(self) -> Self;
    /// `a` where self < bound, `b` elsewhere.
    unsafe fn select_less(self, bound: Self, a: Self, b: Self) -> Self;

    /// Loads thirty-two bfloat16: the 16-bit words 2i make the first vector and 2i + 1 the second.
    unsafe fn load_bf16(from: *const u16) -> (Self, Self);
    /// Stores sixteen i8, rounded to nearest, ties to even; for magnitudes up to 127.
    unsafe fn store_i8(self, to: *mut i8);

    /// Unpacks int4 weights of sixteen inputs and sixteen outputs to int8.
    ///
    /// Reads two vectors of 64 bytes with a weight plus 8 in each low nibble and in each high nibble, and
    /// sixteen bytes with the outputs' group factors in their low or, if `upper`, high nibbles. Writes
    /// four vectors of 64 bytes, weight times factor plus 128, `stride` bytes apart.
    unsafe fn unpack_int4(
        from: *const u8,
        factors: *const u8,
        upper: bool,
        to: *mut u8,
        stride: usize,
    );
    /// Loads sixty-four packed weights, `[output][4 inputs]`, each plus 128.
    unsafe fn load_weights(from: *const u8) -> Self::Weights;
    /// Initial accumulator of [`Simd::dot4`] for activations that sum to `total`: it cancels the offset of
    /// 128 where the instruction set needs unsigned weights.
    unsafe fn init_dot(total: i32) -> Self::I32;
    /// Adds to each output the dot product of its four weights, -127..=127, with four activations,
    /// -128..=127, exactly.
    unsafe fn dot4(sum: Self::I32, weights: Self::Weights, x: *const i8) -> Self::I32;
    /// Converts integers to floats, rounding to nearest.
    unsafe fn from_i32(x: Self::I32) -> Self;

    /// Prefetches the cache line at an address; the address need not be valid.
    fn prefetch(from: *const u8);

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: by the trait's contract.
        unsafe { Self::splat(0.0) }
    }

    /// Loads the first `count` (at most 16) numbers, then zeros.
    #[inline(always)]
    unsafe fn load_partial(from: *const f32, count: usize) -> Self {
        let mut lanes = [0f32; LANES];
        // SAFETY: `count` numbers can be read, by the trait's contract.
        unsafe {
            std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), count.min(LANES));
            Self::load(lanes.as_ptr())
        }
    }

    /// Stores the first `count` (at most 16) numbers.
    #[inline(always)]
    unsafe fn store_partial(self, to: *mut f32, count: usize) {
        let lanes = self.lanes();
        // SAFETY: `count` numbers can be written, by the trait's contract.
        unsafe { std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, count.min(LANES)) }
    }

    /// Loads sixteen numbers, or as many as are `present`, then zeros.
    #[inline(always)]
    unsafe fn load_present(from: *const f32, present: usize) -> Self {
        // SAFETY: by the trait's contract.
        unsafe {
            if present >= LANES { Self::load(from) } else { Self::load_partial(from, present) }
        }
    }

    /// Stores sixteen numbers, or as many as are `present`.
    #[inline(always)]
    unsafe fn store_present(self, to: *mut f32, present: usize) {
        // SAFETY: by the trait's contract.
        unsafe { if present >= LANES { self.store(to) } else { self.store_partial(to, present) } }
    }

    #[inline(always)]
    fn lanes(self) -> [f32; LANES] {
        let mut lanes = [0f32; LANES];
        // SAFETY: the array has sixteen numbers; a value exists only where its instruction set does.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }

    /// Sum of all lanes, by halves.
    #[inline(always)]
    fn horizontal_sum(self) -> f32 {
        let mut lanes = self.lanes();
        for half in [8, 4, 2, 1] {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
        }
        lanes[0]
    }

    /// Largest lane; none may be NaN.
    #[inline(always)]
    fn horizontal_max(self) -> f32 {
        self.lanes().into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

/// Implements methods of [`Simd`] that apply one operation to each register of their vectors.
///
/// `$per_register` is the instruction set's macro that takes an operation and vectors, and makes a vector.
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(unused_macros, reason = "plain Rust has no registers")
)]
macro_rules! lanewise {
    ($per_register:ident: $($name:ident($($other:ident),*) = $operation:expr;)*) => {$(
        #[inline(always)]
        unsafe fn $name(self $(, $other: Self)*) -> Self {
            // SAFETY: the instruction set is there, by the contract of `Simd`.
            unsafe { $per_register!($operation, self $(, $other)*) }
        }
    )*};
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use lanewise;

/// Computation that runs on any instruction set.
///
/// A type that implements it states in its documentation what must hold for it to run.
pub(super) trait Kernel {
    /// Runs the computation. Implementations are `#[inline(always)]`, so that they take on the target
    /// features of their caller.
    ///
    /// # Safety
    /// The processor must have the instruction set of `S`, and the contract of the implementing type must
    /// hold.
    unsafe fn run<S: Simd>(self);
}
