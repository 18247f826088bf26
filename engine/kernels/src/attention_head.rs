//! Attention of one head of one lane.
//!
//! Queries come in groups. Blocks of keys, and then of values, that fit L1 meet all queries of the group
//! before the next ones are read, and tiles of queries share each load.
//!
//! ```text
//! scores  [64 positions][query][position]: a tile's queries are a constant distance apart
//! 1. scores = queries * keys     key blocks outermost
//! 2. softmax of each query
//! 3. sums = scores * values      64 values outermost
//! 4. y = sums / total
//! ```

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

mod products;

use std::ops::Range;

use super::attention::{Attention, AttentionWindow};
use super::disjoint_mut::DisjointMut;
use super::kv_element::KvElement;
use super::prefetch::Prefetch;
use super::rope::RopeTable;
use super::simd::{Kernel, LANES, Simd};

/// Queries of a group: their scores stay in L2.
pub(super) const QUERY_GROUP: usize = 32;
/// Values that meet all queries before the next ones: 16 KiB with 64 f32 each.
pub(super) const VALUE_TILE: usize = 64;
/// Blocks of positions in a value tile.
const TILE_BLOCKS: usize = VALUE_TILE / LANES;
/// Key blocks that meet a tile of queries at a time; more for one or two queries, whose multiply-adds would
/// otherwise wait for one another.
const KEY_BLOCKS: usize = 3;
const KEY_BLOCKS_FEW_QUERIES: usize = 6;
/// Queries up to which a step is so short that its data are prefetched two steps ahead.
const FEW_QUERIES: usize = 8;

/// Kernel that computes one head of one lane.
///
/// # Safety
/// `keys` and `values` must be rings of `blocks` blocks, with room for `steps` more positions than the
/// window; `scratch` as long as the layer's scratch length for `steps`; `qkv` and `y` hold `steps` rows from
/// `first_row` on. No other thread may access the head's columns of these rows in `y`.
pub(super) struct AttentionHead<'a, K> {
    pub attention: Attention,
    /// Blocks of a ring.
    pub blocks: usize,
    pub window: AttentionWindow,
    pub steps: usize,
    pub rope: Option<&'a RopeTable>,
    /// Row of the lane's first step.
    pub first_row: usize,
    pub head: usize,
    pub qkv: &'a [f32],
    /// `[block]` of sixteen positions.
    pub keys: &'a mut [K],
    /// `[slot][value_dim]`
    pub values: &'a mut [K],
    pub scratch: &'a mut [f32],
    pub y: DisjointMut<'a>,
}

/// Consecutive queries and the positions that they see.
#[derive(Clone, Copy)]
struct QueryGroup {
    /// First row.
    t: usize,
    /// Position of the first score: the first one seen, rounded down to a whole block.
    origin: u64,
    /// Blocks of sixteen positions.
    blocks: usize,
    /// Queries.
    rows: usize,
    /// Key blocks that a step reads.
    key_blocks: usize,
}

impl QueryGroup {
    /// Returns the index of a query's scores with a block of positions.
    #[inline(always)]
    fn scores(self, query: usize, block: usize) -> usize {
        let tile = (block / TILE_BLOCKS * self.rows + query) * TILE_BLOCKS;
        (tile + block % TILE_BLOCKS) * LANES
    }
}

/// Scratch memory of a group.
struct GroupScratch<'a> {
    /// One rotated query.
    query: &'a mut [f32],
    /// For each tile `[number of the head][query]`.
    queries: &'a mut [f32],
    /// `[64 positions][query][position]`: the distance between a tile's queries is a constant, so that one
    /// address register serves all of them.
    scores: &'a mut [f32],
    /// `[query][value_dim]`
    sums: &'a mut [f32],
}

impl<K: KvElement> Kernel for AttentionHead<'_, K> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let scratch = std::mem::take(&mut self.scratch);
        for t in 0..self.steps {
            self.append(t, scratch);
        }
        for t in (0..self.steps).step_by(QUERY_GROUP) {
            // SAFETY: by the contracts of `Kernel` and of the type.
            unsafe { self.group::<S>(t, QUERY_GROUP.min(self.steps - t), scratch) };
        }
    }
}

/// Evaluates `$body` with `$Q` queries from `$i` on, for tiles of as many queries as there are registers
/// for.
macro_rules! query_tiles {
    ($rows:expr, $S:ident, |$Q:ident, $i:ident| $body:expr) => {{
        let mut $i = 0;
        while $i < $rows {
            $i += match $rows - $i {
                8.. if $S::WIDE => query_tiles!(@ 8, $Q, $body),
                4.. => query_tiles!(@ 4, $Q, $body),
                2.. => query_tiles!(@ 2, $Q, $body),
                _ => query_tiles!(@ 1, $Q, $body),
            };
        }
    }};
    (@ $n:literal, $Q:ident, $body:expr) => {{
        const $Q: usize = $n;
        $body;
        $n
    }};
}

impl<'a, K: KvElement> AttentionHead<'a, K> {
    /// Returns this head's query (0), key (1) or value (2) of row `t`.
    #[inline(always)]
    fn qkv_row(&self, t: usize, which: usize) -> &'a [f32] {
        let Attention { heads, head_dim, .. } = self.attention;
        let row = self.first_row + t;
        &self.qkv[((row * heads + self.head) * 3 + which) * head_dim..][..head_dim]
    }

    /// Writes that row to `to`, rotated by its position, then zeros.
    #[inline(always)]
    fn rotate_row(&self, t: usize, which: usize, to: &mut [f32]) {
        let row = self.qkv_row(t, which);
        match self.rope {
            Some(rope) => rope.rotate(t, row, to),
            None => to[..row.len()].copy_from_slice(row),
        }
        to[row.len()..].fill(0.0);
    }

    /// Returns the position of row `t`.
    #[inline(always)]
    fn position(&self, t: usize) -> u64 {
        self.window.position + t as u64
    }

    /// Returns the first position that row `t` sees.
    #[inline(always)]
    fn first_seen(&self, t: usize) -> u64 {
        let context = self.attention.context as u64;
        (self.position(t) + 1).saturating_sub(context).max(self.window.start)
    }

    /// Returns the range of positions, relative to the group's origin, that any of `count` rows of the group
    /// from `from` on sees.
    #[inline(always)]
    fn seen(&self, group: QueryGroup, from: usize, count: usize) -> Range<usize> {
        let (t, last) = (group.t + from, group.t + from + count - 1);
        let end = (self.position(last) - group.origin) as usize + 1;
        (self.first_seen(t) - group.origin) as usize..end
    }

    /// Returns the ring's block of a block relative to the group's origin.
    #[inline(always)]
    fn ring_block(&self, group: QueryGroup, block: usize) -> usize {
        ((group.origin / LANES as u64 + block as u64) % self.blocks as u64) as usize
    }

    /// Returns the ring's slot of a position relative to the group's origin.
    #[inline(always)]
    fn ring_slot(&self, group: QueryGroup, place: usize) -> usize {
        ((group.origin + place as u64) % (self.blocks * LANES) as u64) as usize
    }

    /// Returns what a step of a group reads, for a loop of so many iterations: key steps, then value steps,
    /// and after the last one the first keys that the next head sees. Rings of heads are adjacent and at the
    /// same slot.
    #[inline(always)]
    fn prefetch_of_step(&self, group: QueryGroup, step: usize, iterations: usize) -> Prefetch {
        let (key_dim, value_dim) = (self.attention.key_dim(), self.attention.value_dim());
        let key_steps = group.blocks.div_ceil(group.key_blocks);
        let value_steps = group.blocks.div_ceil(TILE_BLOCKS);
        let (from, numbers) = if (key_steps..key_steps + value_steps).contains(&step) {
            let place = ((step - key_steps) * VALUE_TILE).max(self.seen(group, 0, 1).start);
            let slot = self.ring_slot(group, place);
            (self.values.as_ptr().wrapping_add(slot * value_dim), VALUE_TILE * value_dim)
        } else {
            let (ring, step) = match step < key_steps {
                true => (0, step),
                false => (self.keys.len(), step - key_steps - value_steps),
            };
            let block = self.ring_block(group, step * group.key_blocks);
            let at = ring + block * LANES * key_dim;
            (self.keys.as_ptr().wrapping_add(at), group.key_blocks * LANES * key_dim)
        };
        Prefetch { from: from.cast(), stride: (numbers * size_of::<K>()).div_ceil(iterations) }
    }

    /// Appends key and value of row `t` to the rings.
    #[inline(always)]
    fn append(&mut self, t: usize, scratch: &mut [f32]) {
        let head_dim = self.attention.head_dim;
        let (key_dim, value_dim) = (self.attention.key_dim(), self.attention.value_dim());
        let slot = (self.position(t) % (self.blocks * LANES) as u64) as usize;
        let key = &mut scratch[..key_dim];
        self.rotate_row(t, 1, key);
        let block = &mut self.keys[slot / LANES * LANES * key_dim..][..LANES * key_dim];
        K::store_key(key, block, slot % LANES);
        let value = self.qkv_row(t, 2);
        let to = &mut self.values[slot * value_dim..][..value_dim];
        if head_dim == value_dim {
            K::store_value(value, to);
        } else {
            let padded = &mut scratch[..value_dim];
            padded[..head_dim].copy_from_slice(value);
            padded[head_dim..].fill(0.0);
            K::store_value(padded, to);
        }
    }

    /// Computes rows t..t + rows.
    ///
    /// # Safety
    /// As [`Kernel::run`]; keys and values of the rows must have been appended.
    #[inline(always)]
    unsafe fn group<S: Simd>(&mut self, t: usize, rows: usize, scratch: &mut [f32]) {
        let Attention { heads, head_dim, .. } = self.attention;
        let (key_dim, value_dim) = (self.attention.key_dim(), self.attention.value_dim());
        let pairs = key_dim / 2;
        let block = self.first_seen(t) / LANES as u64;
        let blocks = (self.position(t + rows - 1) / LANES as u64 - block) as usize + 1;
        let key_blocks = if S::WIDE && rows <= 2 { KEY_BLOCKS_FEW_QUERIES } else { KEY_BLOCKS };
        let group = QueryGroup { t, origin: block * LANES as u64, blocks, rows, key_blocks };
        let (query, rest) = scratch.split_at_mut(key_dim);
        let (queries, rest) = rest.split_at_mut(rows * key_dim);
        let (sums, scores) = rest.split_at_mut(rows * value_dim);
        let scores = &mut scores[..rows * blocks.next_multiple_of(TILE_BLOCKS) * LANES];
        sums.fill(0.0);
        let mut scratch = GroupScratch { query, queries, scores, sums };
        // SAFETY: the instruction set is there by the contract; tiles lie inside the group, whose blocks
        // and rows the ring and the slices of `scratch` have room for.
        unsafe {
            query_tiles!(rows, S, |Q, i| self.load_queries::<Q>(group, i, &mut scratch));
            // Each tile of a step prefetches its share of what a later step reads.
            let distance = if rows <= FEW_QUERIES { 2 } else { 1 };
            let steps = blocks.div_ceil(key_blocks);
            for step in 0..steps {
                let next = self.prefetch_of_step(group, step + distance, pairs);
                let first = step * key_blocks;
                let count = key_blocks.min(blocks - first);
                match (rows, count) {
                    (1, KEY_BLOCKS_FEW_QUERIES) if S::WIDE => {
                        self.score::<S, 1, KEY_BLOCKS_FEW_QUERIES>(
                            group,
                            0,
                            first,
                            next,
                            &mut scratch,
                        );
                    }
                    (2, KEY_BLOCKS_FEW_QUERIES) if S::WIDE => {
                        self.score::<S, 2, KEY_BLOCKS_FEW_QUERIES>(
                            group,
                            0,
                            first,
                            next,
                            &mut scratch,
                        );
                    }
                    _ => {
                        let mut n = 0;
                        while n < count {
                            let wide = S::WIDE && count - n >= KEY_BLOCKS;
                            let size = if wide { KEY_BLOCKS } else { 1 };
                            let next = next.share(n..n + size, count, pairs);
                            let from = first + n;
                            query_tiles!(rows, S, |Q, i| {
                                let next = next.share(i..i + Q, rows, pairs);
                                if wide {
                                    self.score::<S, Q, KEY_BLOCKS>(
                                        group,
                                        i,
                                        from,
                                        next,
                                        &mut scratch,
                                    );
                                } else {
                                    self.score::<S, Q, 1>(group, i, from, next, &mut scratch);
                                }
                            });
                            n += size;
                        }
                    }
                }
            }
            let mut totals = [0f32; QUERY_GROUP];
            for i in 0..rows {
                totals[i] = self.softmax::<S>(group, i, &mut scratch);
            }
            let all = self.seen(group, 0, rows);
            for (step, from) in (0..all.end).step_by(VALUE_TILE).enumerate() {
                let values = from.max(all.start)..(from + VALUE_TILE).min(all.end);
                let next = self.prefetch_of_step(group, steps + step + distance, VALUE_TILE);
                query_tiles!(rows, S, |Q, i| {
                    let next = next.share(i..i + Q, rows, VALUE_TILE);
                    self.add_values::<S, Q>(group, i, &values, next, &mut scratch);
                });
            }
            let width = heads * head_dim;
            for i in 0..rows {
                let total = S::splat(totals[i]);
                let row = self.first_row + t + i;
                let y = self.y.at(row * width + self.head * head_dim);
                for n in (0..head_dim).step_by(LANES) {
                    let sum = S::load(scratch.sums.as_ptr().add(i * value_dim + n));
                    sum.div(total).store_present(y.add(n), head_dim - n);
                }
            }
        }
    }
}
