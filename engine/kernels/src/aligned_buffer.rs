//! Buffers that start on a cache line.

/// Sixteen f32 on a cache line of their own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([f32; 16]);

/// Zero-initialized f32 buffer of fixed length, 64-byte aligned.
pub(super) struct AlignedBuffer(Vec<CacheLine>);

impl AlignedBuffer {
    /// Allocates at least `length` zeros, rounded up to whole cache lines.
    pub fn zeros(length: usize) -> Self {
        Self(vec![CacheLine([0.0; 16]); length.div_ceil(16)])
    }

    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `CacheLine` is exactly sixteen f32 without padding (repr C, size 64 = alignment).
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 16) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 16) }
    }
}
