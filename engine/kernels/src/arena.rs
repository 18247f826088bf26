//! Memory for weights, and for the keys and values of streams.
//!
//! Streaming reads all of both once a chunk, straight through, so the memory's speed is the model's.
//! They lie one after the other in a few large pieces that ask the system for huge pages:
//! prefetchers stop at the end of a page, and where it was measured one core reads 1.5 times as fast
//! from huge ones.

use std::alloc::{Layout, handle_alloc_error};
use std::io;
use std::sync::{Arc, Mutex};

use memmap2::MmapMut;

/// Bytes of a piece, unless one layer needs more: a whole number of huge pages.
const PIECE: usize = 64 << 20;
/// What every block starts at a multiple of.
const ALIGN: usize = 64;

/// Where large things are put. Blocks stay where they are until the last one of their piece is dropped.
pub struct Arena {
    open: Mutex<Option<Piece>>,
}

/// A piece with what of it has been given away.
struct Piece {
    memory: Arc<MmapMut>,
    start: *mut u8,
    used: usize,
}

// SAFETY: the pointer belongs to the mapping that `memory` keeps alive, and is only used to cut
// blocks off that nobody else has.
unsafe impl Send for Piece {}

impl Arena {
    /// An empty one; takes memory when it is asked for some.
    pub fn new() -> Self {
        Self { open: Mutex::new(None) }
    }

    /// A zeroed block of `length` bytes at a multiple of 64. Allocates.
    ///
    /// # Errors
    /// If the system has no more memory to give.
    pub fn take(&self, length: usize) -> io::Result<Block> {
        let mut open = self.open.lock().unwrap_or_else(|e| e.into_inner());
        let piece = match open.take() {
            Some(piece) if piece.memory.len() - piece.used >= length => piece,
            _ => Piece::new(length.max(PIECE))?,
        };
        // SAFETY: `used` does not exceed the piece's length.
        let start = unsafe { piece.start.add(piece.used) };
        let block = Block { start, length, _memory: Arc::clone(&piece.memory) };
        let used = (piece.used + length).next_multiple_of(ALIGN).min(piece.memory.len());
        *open = Some(Piece { used, ..piece });
        Ok(block)
    }
}

impl Arena {
    /// The same with its pages really there. Like a `Vec`, ends the process if there is no memory.
    pub(super) fn take_touched(&self, length: usize) -> Block {
        let Ok(mut block) = self.take(length) else {
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

impl Piece {
    fn new(length: usize) -> io::Result<Self> {
        let mut memory = MmapMut::map_anon(length.next_multiple_of(ALIGN))?;
        // A wish: a system without huge pages is only slower.
        #[cfg(target_os = "linux")]
        let _ = memory.advise(memmap2::Advice::HugePage);
        let start = memory.as_mut_ptr();
        Ok(Self { memory: Arc::new(memory), start, used: 0 })
    }
}

/// A part of an [`Arena`] that belongs to one owner, 64-byte aligned.
pub struct Block {
    start: *mut u8,
    length: usize,
    /// Keeps the mapping; the bytes are only reached through `start`.
    _memory: Arc<MmapMut>,
}

// SAFETY: a block is the only owner of its bytes, like a Box.
unsafe impl Send for Block {}
// SAFETY: as above; shared references only read.
unsafe impl Sync for Block {}

impl Block {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the bytes are mapped and initialised (zeros at first), and no one else has them.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }

    /// The bytes as numbers, as many as are whole.
    ///
    /// # Safety
    /// Any bits must be a `T`, and 64 be a multiple of its alignment.
    pub(super) unsafe fn as_mut_numbers<T>(&mut self) -> &mut [T] {
        // SAFETY: as in `as_mut_slice`; blocks are aligned to 64 bytes, and any bits do, by the
        // caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.length / size_of::<T>()) }
    }

    /// The bytes, to be filled.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_apart() {
        let arena = Arena::new();
        let mut blocks: Vec<Block> =
            [1, 63, 64, 65, PIECE, PIECE + 1, 7].map(|n| arena.take(n).unwrap()).into();
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
