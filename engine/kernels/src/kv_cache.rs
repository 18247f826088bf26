//! KV cache: keys and values of the attention window, in rings.
//!
//! Each lane and head has a ring of keys and a ring of values, `blocks` blocks of sixteen positions each.
//! Appending position p writes slot p % capacity and so evicts the oldest position. The capacity is a full
//! window and the longest chunk, rounded up to whole blocks, so that no key that a query of the chunk still
//! sees is evicted.
//!
//! ```text
//! ring of 64 slots (4 blocks), window of 40 positions, 70 ..= 74 appended:
//!
//! slot     0          6           11             31                    63
//!          +----------+-----------+--------------+---------------------+
//! position | 64 .. 69 | 70 .. 74  | 11 .. 30     | 31 .. 63            |
//!          | seen     | appended  | not seen,    | seen: the query at  |
//!          |          |           | evicted next | 70 sees 31 ..= 70   |
//!          +----------+-----------+--------------+---------------------+
//!
//! keys, f32:    block = [number of the head][16 positions]
//! keys, bf16:   block = [number / 2][16 positions][2]: numbers 2i and 2i + 1 share a 32-bit word
//! values, f32:  row   = [numbers of the head, padded to 32]
//! values, bf16: row   = [number / 32][16][2]: numbers i and 16 + i share a 32-bit word
//!
//! keys:   [lane][head][block][key_dim * 16]         queries read keys sixteen positions at a time,
//! values: [lane][head][block * 16 slots][value_dim] and values position by position
//! ```

use half::bf16;

use super::arena::{Arena, ArenaBlock};
use super::attention::Attention;
use super::disjoint_mut::DisjointMut;
use super::kv_element::KvElement;
use super::precision::Precision;
use super::simd::LANES;

/// Rotated keys and values of the window, for each lane and head in rings of its own.
pub struct KvCache {
    /// Blocks of sixteen positions in a ring.
    pub(super) blocks: usize,
    /// Whether elements are f32; bfloat16 otherwise.
    pub(super) is_f32: bool,
    pub(super) keys: ArenaBlock,
    pub(super) values: ArenaBlock,
}

impl KvCache {
    /// Allocates a cache for passes of at most `steps` positions, with all pages resident. Elements are f32
    /// with [`Precision::F32`] and bfloat16 otherwise.
    pub fn new(
        attention: &Attention,
        lanes: usize,
        steps: usize,
        precision: Precision,
        arena: &Arena,
    ) -> Self {
        let positions = lanes * attention.heads * attention.ring_blocks(steps) * LANES;
        let bytes = element_bytes(precision);
        Self {
            blocks: attention.ring_blocks(steps),
            is_f32: precision == Precision::F32,
            keys: arena.allocate_resident(positions * attention.key_dim() * bytes),
            values: arena.allocate_resident(positions * attention.value_dim() * bytes),
        }
    }

    /// Returns the lengths of keys and values in elements of `K`.
    pub(super) fn lengths<K>(&self) -> (usize, usize) {
        let elements = |block: &ArenaBlock| block.as_slice().len() / size_of::<K>();
        (elements(&self.keys), elements(&self.values))
    }

    /// Returns keys and values, for threads that each take their own rings.
    ///
    /// # Safety
    /// `K` must be the cache's element. The caller must have the cache to itself while the results live.
    pub(super) unsafe fn elements<K: KvElement>(&self) -> (DisjointMut<'_, K>, DisjointMut<'_, K>) {
        // SAFETY: any bits are valid f32 and bf16, whose alignment divides 64; unique by the contract.
        unsafe { (self.keys.as_disjoint(), self.values.as_disjoint()) }
    }

    /// Returns the bytes that [`KvCache::new`] allocates, `u64::MAX` if they cannot be counted. Realtime-safe.
    pub fn bytes(attention: &Attention, lanes: usize, steps: usize, precision: Precision) -> u64 {
        let numbers = attention.key_dim() + attention.value_dim();
        [attention.heads, attention.ring_blocks(steps), LANES, numbers, element_bytes(precision)]
            .iter()
            .fold(lanes as u64, |product, factor| product.saturating_mul(*factor as u64))
    }
}

/// Bytes of an element in a precision's cache.
fn element_bytes(precision: Precision) -> usize {
    if precision == Precision::F32 { size_of::<f32>() } else { size_of::<bf16>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_allocated() {
        for (heads, head_dim, context) in [(1, 1, 1), (4, 64, 125), (3, 33, 1000)] {
            let attention = Attention { heads, head_dim, context };
            for (lanes, steps, precision) in [(1, 1, Precision::F32), (3, 70, Precision::Int8)] {
                let cache = KvCache::new(&attention, lanes, steps, precision, &Arena::new());
                let bytes = cache.keys.as_slice().len() + cache.values.as_slice().len();
                assert_eq!(KvCache::bytes(&attention, lanes, steps, precision), bytes as u64);
            }
        }
        let endless = Attention { heads: usize::MAX, head_dim: 1 << 20, context: 1 };
        assert_eq!(KvCache::bytes(&endless, 1, 1, Precision::F32), u64::MAX);
    }
}
