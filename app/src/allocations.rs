//! For tests: code that runs on audio threads must leave the allocator alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static FORBIDDEN: Cell<bool> = const { Cell::new(false) };
    static SEEN: Cell<usize> = const { Cell::new(0) };
}

struct Watched;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Runs `work` and fails if it allocates or frees on this thread.
pub fn forbid<T>(work: impl FnOnce() -> T) -> T {
    SEEN.set(0);
    FORBIDDEN.set(true);
    let done = work();
    FORBIDDEN.set(false);
    assert_eq!(SEEN.get(), 0, "allocations and releases on an audio thread");
    done
}

fn count() {
    // A thread that ends has no cells any more; nothing is forbidden there.
    if FORBIDDEN.try_with(Cell::get).unwrap_or(false) {
        let _ = SEEN.try_with(|seen| seen.set(seen.get() + 1));
    }
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches only cells without
// destructors, and allocates nothing.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
