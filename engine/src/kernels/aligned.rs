//! Buffers that start on a cache line.

use memmap2::MmapMut;

/// Sixteen numbers on a cache line of their own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Bytes from which a buffer is mapped by itself, in huge pages where the system has them.
const LARGE: usize = 1 << 20;

enum Memory {
    Lines(Vec<Line>),
    Mapped(MmapMut),
}

/// Zero-initialised f32 numbers, 64-byte aligned, of a fixed length.
pub(super) struct Aligned {
    length: usize,
    memory: Memory,
}

impl Aligned {
    /// At least `length` zeros (rounded up to whole lines), all of them really there: touching them
    /// for the first time later costs nothing.
    pub fn zeros(length: usize) -> Self {
        let length = length.next_multiple_of(16);
        Self { length, memory: Self::map(length).unwrap_or_else(|| Self::lines(length)) }
    }

    fn lines(length: usize) -> Memory {
        Memory::Lines(vec![Line([0.0; 16]); length / 16])
    }

    /// A mapping, for large buffers on systems that give one.
    fn map(length: usize) -> Option<Memory> {
        let bytes = length.checked_mul(4).filter(|bytes| *bytes >= LARGE)?;
        let mut map = MmapMut::map_anon(bytes).ok()?;
        // A wish: a system without huge pages is only slower.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        map.fill(0);
        Some(Memory::Mapped(map))
    }

    fn start(&self) -> *const f32 {
        match &self.memory {
            Memory::Lines(lines) => lines.as_ptr().cast(),
            Memory::Mapped(map) => map.as_ptr().cast(),
        }
    }

    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `length` numbers are there: `Line` is exactly sixteen f32 without padding (repr C,
        // size 64 = alignment), and mappings are as long and start at a page.
        unsafe { std::slice::from_raw_parts(self.start(), self.length) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        let start: *mut f32 = match &mut self.memory {
            Memory::Lines(lines) => lines.as_mut_ptr().cast(),
            Memory::Mapped(map) => map.as_mut_ptr().cast(),
        };
        // SAFETY: as in `as_slice`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(start, self.length) }
    }
}
