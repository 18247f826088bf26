//! Synchronization primitives of the thread pool: std's, or loom's in this crate's unit tests under
//! `cfg(loom)`.
//!
//! loom replaces each atomic, lock and thread by one whose interleavings it enumerates; the pool's code is
//! the same in both. Other crates' loom tests link this crate with std.

#[cfg(not(all(test, loom)))]
pub(super) use std::{
    hint::spin_loop,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

#[cfg(all(test, loom))]
pub(super) use loom::{
    hint::spin_loop,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};
