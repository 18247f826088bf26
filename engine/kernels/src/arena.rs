//! Arena for weights and KV caches.
//!
//! Streaming reads all of both once a chunk, sequentially, so memory bandwidth bounds the model's speed.
//! Allocations are cut from a few large mappings that ask the system for huge pages: hardware
//! prefetchers stop at page boundaries, and one core was measured to read 1.5 times as fast from huge
//! pages.
//!
//! ```text
//! slab (64 MiB, or as large as one allocation needs)
//! | block 0 |pad| block 1     |pad| block 2 | free ...            |
//! 0             64-byte aligned              used             end
//! ```

use std::alloc::{Layout, handle_alloc_error};
use std::io;
use std::sync::{Arc, Mutex};

use memmap2::MmapMut;

use super::disjoint_mut::DisjointMut;

/// Bytes of a slab, unless one block needs more: a whole number of huge pages.
const SLAB_BYTES: usize = 64 << 20;
/// Alignment of every block in bytes.
const ALIGN: usize = 64;

/// Bump allocator for large blocks. A slab is unmapped when its last block is dropped; blocks never
/// move.
pub struct Arena {
    open: Mutex<Option<Slab>>,
}

/// A mapping and how much of it has been given out.
struct Slab {
    memory: Arc<MmapMut>,
    start: *mut u8,
    used: usize,
}

// SAFETY: the pointer belongs to the mapping that `memory` keeps alive, and is only used to cut off
// blocks that have no other owner.
unsafe impl Send for Slab {}

impl Arena {
    /// Makes an empty arena, which maps memory on first use.
    pub fn new() -> Self {
        Self { open: Mutex::new(None) }
    }

    /// Returns a zeroed block of `length` bytes, 64-byte aligned. Allocates.
    ///
    /// # Errors
    /// If the system has no more memory to map.
    pub fn allocate(&self, length: usize) -> io::Result<ArenaBlock> {
        let mut open = self.open.lock().unwrap_or_else(|e| e.into_inner());
        let slab = match open.take() {
            Some(slab) if slab.memory.len() - slab.used >= length => slab,
            _ => Slab::new(length.max(SLAB_BYTES))?,
        };
        // SAFETY: `used` does not exceed the slab's length.
        let start = unsafe { slab.start.add(slab.used) };
        let block = ArenaBlock { start, length, _memory: Arc::clone(&slab.memory) };
        let used = (slab.used + length).next_multiple_of(ALIGN).min(slab.memory.len());
        *open = Some(Slab { used, ..slab });
        Ok(block)
    }

    /// Returns a zeroed block whose pages are resident, so that first use causes no page faults.
    /// Aborts the process if there is no memory, as `Vec` does.
    pub(super) fn allocate_resident(&self, length: usize) -> ArenaBlock {
        let Ok(mut block) = self.allocate(length) else {
            let layout = Layout::from_size_align(length, ALIGN);
            handle_alloc_error(layout.unwrap_or(Layout::new::<u8>()))
        };
        block.as_mut_slice().fill(0);
        block
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

impl Slab {
    fn new(length: usize) -> io::Result<Self> {
        let mut memory = MmapMut::map_anon(length.next_multiple_of(ALIGN))?;
        // A hint: without huge pages it is only slower.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        let start = memory.as_mut_ptr();
        Ok(Self { memory: Arc::new(memory), start, used: 0 })
    }
}

/// Uniquely owned bytes of an [`Arena`], 64-byte aligned.
pub struct ArenaBlock {
    start: *mut u8,
    length: usize,
    /// Keeps the mapping alive; the bytes are only reached through `start`.
    _memory: Arc<MmapMut>,
}

// SAFETY: a block is the only owner of its bytes, like a Box.
unsafe impl Send for ArenaBlock {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for ArenaBlock {}

impl ArenaBlock {
    /// Returns the bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the bytes are mapped and initialized (zeros at first), and have no other owner.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// Returns the bytes for writing.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }

    /// Returns the bytes as elements of `T`, without a partial last one, for several threads.
    ///
    /// # Safety
    /// Every bit pattern must be a valid `T`, and the alignment of `T` must divide 64. The caller must have the
    /// block to itself while the result lives.
    pub(super) unsafe fn as_disjoint<T>(&self) -> DisjointMut<'_, T> {
        // SAFETY: the bytes are mapped and initialized, and blocks are 64-byte aligned; the rest is the
        // contract.
        unsafe { DisjointMut::from_raw(self.start.cast(), self.length / size_of::<T>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_zeroed_and_disjoint() {
        let arena = Arena::new();
        let mut blocks: Vec<ArenaBlock> = [1, 63, 64, 65, SLAB_BYTES, SLAB_BYTES + 1, 7]
            .map(|n| arena.allocate(n).unwrap())
            .into();
        drop(arena);
        for (i, block) in blocks.iter_mut().enumerate() {
            assert!(block.as_slice().as_ptr().addr().is_multiple_of(ALIGN));
            assert!(block.as_slice().iter().all(|byte| *byte == 0));
            block.as_mut_slice().fill(i as u8 + 1);
        }
        for (i, block) in blocks.iter().enumerate() {
            assert!(block.as_slice().iter().all(|byte| *byte == i as u8 + 1), "block {i}");
        }
    }
}
