//! A counting allocator: code of the audio thread must not call it, loaders must stay small.
//!
//! A test program installs it, once:
//!
//! ```
//! use residue_engine_testing::allocation::{CountingAllocator, without_allocation};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let mut sum = 0;
//! without_allocation(|| sum += 1);
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    /// Whether this thread is within [`without_allocation`], and its calls meanwhile.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// Allocations of all threads; bytes held by all threads, and their peak.
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting. To be a program's `#[global_allocator]`.
pub struct CountingAllocator;

/// Counts a call of a thread that must not make any.
fn count_call() {
    // A thread that is ending has no cells any more, and is not watched.
    if WATCHED.try_with(Cell::get).unwrap_or(false) {
        let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    }
}

fn count_allocation(size: usize) {
    count_call();
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let held = HELD.fetch_add(size, Ordering::Relaxed) + size;
    PEAK.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches atomics and
// thread-local cells without destructors, which never allocate.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_allocation(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_allocation(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count_call();
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new block may exist at once.
        count_allocation(size);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Runs `work` as the audio thread would.
///
/// # Panics
/// If it allocates or frees on this thread, or the program has not installed [`CountingAllocator`].
pub fn without_allocation<T>(work: impl FnOnce() -> T) -> T {
    assert!(allocations_of(|| drop(std::hint::black_box(Box::new(0u8)))).1 > 0, "no allocator");
    let (done, calls) = allocations_of(work);
    assert_eq!(calls, 0, "the audio thread called the allocator");
    done
}

/// Runs `work`; returns its result and how often it called the allocator on this thread.
fn allocations_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    CALLS.set(0);
    WATCHED.set(true);
    let done = work();
    WATCHED.set(false);
    (done, CALLS.replace(0))
}

/// Returns the number of allocations that all threads have made so far.
pub fn allocations() -> usize {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// Runs `work`; returns its result, and how many bytes more than before all threads held at most.
/// Callers take turns, as the peak is the program's.
pub fn peak_memory<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let done = work();
    (done, PEAK.load(Ordering::Relaxed).saturating_sub(before))
}
