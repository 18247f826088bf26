//! Mutable access to disjoint parts of one slice from several threads.

use std::marker::PhantomData;

/// A uniquely borrowed slice whose elements several threads may write, each its own.
///
/// Copies alias. Making one is safe; every access is unsafe and states which elements it takes.
pub(super) struct DisjointMut<'a, T = f32> {
    start: *mut T,
    length: usize,
    borrow: PhantomData<&'a mut [T]>,
}

impl<T> Clone for DisjointMut<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for DisjointMut<'_, T> {}

// SAFETY: access goes through `at` and `slice`, whose callers guarantee that no element is used by
// two threads at a time.
unsafe impl<T: Send> Send for DisjointMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for DisjointMut<'_, T> {}

impl<'a, T> DisjointMut<'a, T> {
    /// Borrows the slice for its threads.
    pub fn new(data: &'a mut [T]) -> Self {
        Self { start: data.as_mut_ptr(), length: data.len(), borrow: PhantomData }
    }

    /// Takes `length` elements from `start` on for threads.
    ///
    /// # Safety
    /// They must be valid for reads and writes for `'a`, and nothing else may access them meanwhile.
    pub unsafe fn from_raw(start: *mut T, length: usize) -> Self {
        Self { start, length, borrow: PhantomData }
    }

    /// Returns a pointer to element `index`.
    ///
    /// # Safety
    /// `index` must not exceed the length. Accesses through the pointer must stay inside the slice and
    /// away from elements that other threads use at the same time.
    #[inline(always)]
    pub unsafe fn at(self, index: usize) -> *mut T {
        debug_assert!(index <= self.length);
        // SAFETY: inside the slice or one past its end, by the contract.
        unsafe { self.start.add(index) }
    }

    /// Returns elements `start..start + length`.
    ///
    /// # Safety
    /// The range must lie inside the slice, and nothing else may access it while the result lives.
    #[inline(always)]
    pub unsafe fn slice(self, start: usize, length: usize) -> &'a mut [T] {
        debug_assert!(start + length <= self.length);
        // SAFETY: in bounds and not aliased, by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), length) }
    }
}
