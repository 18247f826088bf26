//! Files that are read as memory.

/// Tells the system that a part of a read-only map of a file is not needed again soon, so that a large
/// model does not count twice while it is loaded.
pub(super) fn forget(map: &memmap2::Mmap, start: usize, length: usize) {
    #[cfg(unix)]
    {
        let advice = memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: the map is of a file and read-only, so that pages given back are read again from the
        // file, the same as before.
        let advised = unsafe { map.unchecked_advise_range(advice, start, length) };
        // A wish; the pages go with the map at the latest.
        let _ = advised;
    }
    #[cfg(not(unix))]
    let _ = (map, start, length);
}
