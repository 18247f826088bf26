//! A buffer that the tasks of one parallel loop write to in disjoint parts.

use std::marker::PhantomData;

/// A uniquely borrowed slice that several threads may write to, each its own elements.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    start: *mut f32,
    length: usize,
    borrow: PhantomData<&'a mut [f32]>,
}

// SAFETY: access goes through `at`, whose callers promise that no element is touched by two threads
// at a time.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub fn new(data: &'a mut [f32]) -> Self {
        Self { start: data.as_mut_ptr(), length: data.len(), borrow: PhantomData }
    }

    /// Pointer to element `index`.
    ///
    /// # Safety
    /// `index` must not exceed the length, and whoever uses the pointer must stay inside the buffer
    /// and away from what other threads use meanwhile.
    #[inline(always)]
    pub unsafe fn at(self, index: usize) -> *mut f32 {
        debug_assert!(index <= self.length);
        // SAFETY: inside the buffer or one past it, by the caller's promise.
        unsafe { self.start.add(index) }
    }

    /// Elements `start..start + length`.
    ///
    /// # Safety
    /// The range must lie in the buffer, and no other thread may touch it while the slice lives.
    #[inline(always)]
    pub unsafe fn slice(self, start: usize, length: usize) -> &'a mut [f32] {
        debug_assert!(start + length <= self.length);
        // SAFETY: in bounds and not shared, by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}
