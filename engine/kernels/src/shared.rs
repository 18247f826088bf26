//! A buffer that the parts of one parallel loop write to in disjoint parts.

use std::marker::PhantomData;

/// A uniquely borrowed slice that several threads may write to, each its own elements.
pub(super) struct Shared<'a, T = f32> {
    start: *mut T,
    length: usize,
    borrow: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: access goes through `at` and `slice`, whose callers promise that no element is touched by
// two threads at a time.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub fn new(data: &'a mut [T]) -> Self {
        Self { start: data.as_mut_ptr(), length: data.len(), borrow: PhantomData }
    }

    /// Pointer to element `index`.
    ///
    /// # Safety
    /// `index` must not exceed the length, and whoever uses the pointer must stay inside the buffer
    /// and away from what other threads use meanwhile.
    #[inline(always)]
    pub unsafe fn at(self, index: usize) -> *mut T {
        debug_assert!(index <= self.length);
        // SAFETY: inside the buffer or one past it, by the caller's promise.
        unsafe { self.start.add(index) }
    }

    /// Elements `start..start + length`.
    ///
    /// # Safety
    /// The range must lie in the buffer, and no other thread may touch it while the slice lives.
    #[inline(always)]
    pub unsafe fn slice(self, start: usize, length: usize) -> &'a mut [T] {
        debug_assert!(start + length <= self.length);
        // SAFETY: in bounds and not shared, by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}
