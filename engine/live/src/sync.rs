//! Atomics and `Arc` of the history ring: those of the standard library, and loom's in its model checks.

#[cfg(not(all(loom, test)))]
pub(super) use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(all(loom, test))]
pub(super) use loom::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};
