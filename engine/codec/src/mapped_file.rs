//! Memory-mapped files.

/// Releases the pages of a part of a read-only file map, so that a large model does not occupy memory twice
/// while it is loaded. They are read from the file again when they are accessed.
pub(super) fn release_pages(map: &memmap2::Mmap, start: usize, length: usize) {
    #[cfg(unix)]
    {
        let advice = memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: the map is read-only and backed by a file, so that released pages are read from the file
        // again with the same content.
        let advised = unsafe { map.unchecked_advise_range(advice, start, length) };
        // Only advice: at the latest the pages are released with the map.
        let _ = advised;
    }
    #[cfg(not(unix))]
    let _ = (map, start, length);
}
