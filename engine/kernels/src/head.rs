//! Attention of one head of one lane.
//!
//! Queries come in groups; blocks of keys, and then of values, that fit the first-level cache meet
//! all queries of the group before the next ones are read, and tiles of queries share each load.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

use std::ops::Range;

use super::attention::{Attention, Window};
use super::cached::Cached;
use super::exp::exp;
use super::rope::Rotation;
use super::shared::Shared;
use super::simd::{Ahead, Kernel, LANES, Simd};

/// Queries of a group: their scores stay in the second-level cache.
pub(super) const GROUP: usize = 32;
/// Values that meet all queries at a time: 16 KiB of 64 numbers each.
pub(super) const VALUES: usize = 64;
/// Blocks of positions among them.
const BLOCKS: usize = VALUES / LANES;
/// Blocks of keys that meet a tile of queries at a time, and one or two queries, whose sums would wait for
/// one another with fewer.
const KEYS: usize = 3;
const KEYS_OF_TWO: usize = 6;
/// Queries that are so soon done with a step that what they read is brought near two steps ahead.
const FEW: usize = 8;

/// One head of one lane.
pub(super) struct Head<'a, K> {
    pub sizes: Attention,
    /// Blocks of the ring.
    pub blocks: usize,
    pub window: Window,
    pub steps: usize,
    pub rotation: Option<&'a Rotation>,
    pub lane: usize,
    pub head: usize,
    pub qkv: &'a [f32],
    /// `[block]` of sixteen positions
    pub keys: &'a mut [K],
    /// `[position][numbers of the head, padded]`
    pub values: &'a mut [K],
    pub scratch: &'a mut [f32],
    pub y: Shared<'a>,
}

/// Consecutive queries and the positions that they see.
#[derive(Clone, Copy)]
struct Group {
    /// First row.
    t: usize,
    /// Position that the scores start at: the first one seen, rounded down to a whole block.
    origin: u64,
    /// Blocks of sixteen positions.
    blocks: usize,
    /// Queries.
    rows: usize,
    /// Blocks of keys that a step reads.
    keys: usize,
}

impl Group {
    /// Where the scores of a query with a block of positions are.
    #[inline(always)]
    fn scores(self, query: usize, block: usize) -> usize {
        let many = (block / BLOCKS * self.rows + query) * BLOCKS;
        (many + block % BLOCKS) * LANES
    }
}

/// Working memory of a group.
struct Work<'a> {
    /// One query.
    query: &'a mut [f32],
    /// Of tile after tile `[number of the head][query]`.
    queries: &'a mut [f32],
    /// `[64 positions][query][position]`: so that a query's scores are at a distance from the next one's
    /// that is known, and one address does for all of a tile.
    scores: &'a mut [f32],
    /// `[query][numbers of the head, padded]`
    sums: &'a mut [f32],
}

impl<K: Cached> Kernel for Head<'_, K> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let scratch = std::mem::take(&mut self.scratch);
        for t in 0..self.steps {
            self.remember(t, scratch);
        }
        for t in (0..self.steps).step_by(GROUP) {
            // SAFETY: the instruction set is there.
            unsafe { self.group::<S>(t, GROUP.min(self.steps - t), scratch) };
        }
    }
}

/// Calls `$call::<S, Q>(tile's first query)` for tiles of as many queries as there are registers
/// for.
macro_rules! tiles {
    ($rows:expr, $S:ident, |$Q:ident, $i:ident| $body:expr) => {{
        let mut $i = 0;
        while $i < $rows {
            $i += match $rows - $i {
                8.. if $S::WIDE => tiles!(@ 8, $Q, $body),
                4.. => tiles!(@ 4, $Q, $body),
                2.. => tiles!(@ 2, $Q, $body),
                _ => tiles!(@ 1, $Q, $body),
            };
        }
    }};
    (@ $n:literal, $Q:ident, $body:expr) => {{
        const $Q: usize = $n;
        $body;
        $n
    }};
}

impl<'a, K: Cached> Head<'a, K> {
    /// This head's part of row `t`: of queries (0), keys (1) or values (2).
    #[inline(always)]
    fn part(&self, t: usize, which: usize) -> &'a [f32] {
        let Attention { heads, head, .. } = self.sizes;
        let row = self.lane * self.steps + t;
        &self.qkv[((row * heads + self.head) * 3 + which) * head..][..head]
    }

    /// Writes that part to `to` as it is at its position, then zeros.
    #[inline(always)]
    fn rotated(&self, t: usize, which: usize, to: &mut [f32]) {
        let part = self.part(t, which);
        match self.rotation {
            Some(rotation) => rotation.rotate(t, part, to),
            None => to[..part.len()].copy_from_slice(part),
        }
        to[part.len()..].fill(0.0);
    }

    /// Position of row `t`, and the first one it sees.
    #[inline(always)]
    fn position(&self, t: usize) -> u64 {
        self.window.position + t as u64
    }

    #[inline(always)]
    fn first(&self, t: usize) -> u64 {
        (self.position(t) + 1).saturating_sub(self.sizes.context as u64).max(self.window.start)
    }

    /// Places of the scores that rows `from..from + count` of a group see, all taken together.
    #[inline(always)]
    fn seen(&self, group: Group, from: usize, count: usize) -> Range<usize> {
        let (t, last) = (group.t + from, group.t + from + count - 1);
        (self.first(t) - group.origin) as usize..(self.position(last) - group.origin) as usize + 1
    }

    /// Where in the ring a block of a group's scores, or one of their places, has its keys and
    /// values.
    #[inline(always)]
    fn ring_block(&self, group: Group, block: usize) -> usize {
        ((group.origin / LANES as u64 + block as u64) % self.blocks as u64) as usize
    }

    #[inline(always)]
    fn ring_slot(&self, group: Group, place: usize) -> usize {
        ((group.origin + place as u64) % (self.blocks * LANES) as u64) as usize
    }

    /// What a step of a group reads, in so many turns: some keys, then some values, and after the last of
    /// them the first keys that the next head will see: rings follow one another, and turn together.
    #[inline(always)]
    fn ahead(&self, group: Group, step: usize, turns: usize) -> Ahead {
        let (paired, padded) = (self.sizes.paired(), self.sizes.padded());
        let (keys, values) = (group.blocks.div_ceil(group.keys), group.blocks.div_ceil(BLOCKS));
        let (from, numbers) = if (keys..keys + values).contains(&step) {
            let place = ((step - keys) * VALUES).max(self.seen(group, 0, 1).start);
            (
                self.values.as_ptr().wrapping_add(self.ring_slot(group, place) * padded),
                VALUES * padded,
            )
        } else {
            let (ring, step) =
                if step < keys { (0, step) } else { (self.keys.len(), step - keys - values) };
            let place = ring + self.ring_block(group, step * group.keys) * LANES * paired;
            (self.keys.as_ptr().wrapping_add(place), group.keys * LANES * paired)
        };
        Ahead { from: from.cast(), stride: (numbers * size_of::<K>()).div_ceil(turns) }
    }

    /// Puts key and value of row `t` into the ring.
    #[inline(always)]
    fn remember(&mut self, t: usize, scratch: &mut [f32]) {
        let (head, paired, padded) = (self.sizes.head, self.sizes.paired(), self.sizes.padded());
        let slot = (self.position(t) % (self.blocks * LANES) as u64) as usize;
        let key = &mut scratch[..paired];
        self.rotated(t, 1, key);
        let block = &mut self.keys[slot / LANES * LANES * paired..][..LANES * paired];
        K::put_key(key, block, slot % LANES);
        let value = self.part(t, 2);
        let to = &mut self.values[slot * padded..][..padded];
        if head == padded {
            K::put_value(value, to);
        } else {
            let filled = &mut scratch[..padded];
            filled[..head].copy_from_slice(value);
            filled[head..].fill(0.0);
            K::put_value(filled, to);
        }
    }

    /// Attention of rows t..t + rows.
    #[inline(always)]
    unsafe fn group<S: Simd>(&mut self, t: usize, rows: usize, scratch: &mut [f32]) {
        let Attention { heads, head, .. } = self.sizes;
        let (paired, padded) = (self.sizes.paired(), self.sizes.padded());
        let pairs = paired / 2;
        let block = self.first(t) / LANES as u64;
        let blocks = (self.position(t + rows - 1) / LANES as u64 - block) as usize + 1;
        let keys = if S::WIDE && rows <= 2 { KEYS_OF_TWO } else { KEYS };
        let group = Group { t, origin: block * LANES as u64, blocks, rows, keys };
        let (query, rest) = scratch.split_at_mut(paired);
        let (queries, rest) = rest.split_at_mut(rows * paired);
        let (sums, scores) = rest.split_at_mut(rows * padded);
        let scores = &mut scores[..rows * blocks.next_multiple_of(BLOCKS) * LANES];
        sums.fill(0.0);
        let mut work = Work { query, queries, scores, sums };
        // SAFETY: the instruction set is there by the caller's promise; tiles lie inside the group,
        // whose blocks and rows the ring and the slices of `work` have room for.
        unsafe {
            tiles!(rows, S, |Q, i| self.prepare::<Q>(group, i, &mut work));
            // While the tiles of a step work, each brings a part of what a later step reads near.
            let distance = if rows <= FEW { 2 } else { 1 };
            let steps = blocks.div_ceil(keys);
            for step in 0..steps {
                let next = self.ahead(group, step + distance, pairs);
                let first = step * keys;
                let count = keys.min(blocks - first);
                match (rows, count) {
                    (1, KEYS_OF_TWO) if S::WIDE => {
                        self.score::<S, 1, KEYS_OF_TWO>(group, 0, first, next, &mut work);
                    }
                    (2, KEYS_OF_TWO) if S::WIDE => {
                        self.score::<S, 2, KEYS_OF_TWO>(group, 0, first, next, &mut work);
                    }
                    _ => {
                        let mut n = 0;
                        while n < count {
                            let wide = S::WIDE && count - n >= KEYS;
                            let these = if wide { KEYS } else { 1 };
                            let next = next.part(n..n + these, count, pairs);
                            tiles!(rows, S, |Q, i| {
                                let next = next.part(i..i + Q, rows, pairs);
                                if wide {
                                    self.score::<S, Q, KEYS>(group, i, first + n, next, &mut work);
                                } else {
                                    self.score::<S, Q, 1>(group, i, first + n, next, &mut work);
                                }
                            });
                            n += these;
                        }
                    }
                }
            }
            let mut totals = [0f32; GROUP];
            for i in 0..rows {
                totals[i] = self.weigh::<S>(group, i, &mut work);
            }
            let all = self.seen(group, 0, rows);
            for (step, from) in (0..all.end).step_by(VALUES).enumerate() {
                let values = from.max(all.start)..(from + VALUES).min(all.end);
                let next = self.ahead(group, steps + step + distance, VALUES);
                tiles!(rows, S, |Q, i| {
                    let next = next.part(i..i + Q, rows, VALUES);
                    self.mix::<S, Q>(group, i, &values, next, &mut work);
                });
            }
            let width = heads * head;
            for i in 0..rows {
                let total = S::splat(totals[i]);
                let y = self.y.at((self.lane * self.steps + t + i) * width + self.head * head);
                for n in (0..head).step_by(LANES) {
                    let sum = S::load(work.sums.as_ptr().add(i * padded + n));
                    sum.div(total).store_present(y.add(n), head - n);
                }
            }
        }
    }

    /// Queries i..i + Q of the group, rotated and scaled.
    #[inline(always)]
    fn prepare<const Q: usize>(&self, group: Group, i: usize, work: &mut Work<'_>) {
        let (head, paired) = (self.sizes.head, self.sizes.paired());
        let scale = 1.0 / (head as f32).sqrt();
        let query = &mut *work.query;
        let tile = &mut work.queries[i * paired..][..Q * paired];
        for q in 0..Q {
            self.rotated(group.t + i + q, 0, query);
            for (to, x) in tile.chunks_exact_mut(Q).zip(&*query) {
                to[q] = *x * scale;
            }
        }
    }

    /// Products of queries i..i + Q with all keys of the `G` blocks after the first `done`, unless
    /// they see none of them.
    #[inline(always)]
    unsafe fn score<S: Simd, const Q: usize, const G: usize>(
        &self,
        group: Group,
        i: usize,
        done: usize,
        ahead: Ahead,
        work: &mut Work<'_>,
    ) {
        let paired = self.sizes.paired();
        let seen = self.seen(group, i, Q);
        if seen.end <= done * LANES || seen.start >= (done + G) * LANES {
            return;
        }
        let ring = self.ring_block(group, done);
        let tile = &work.queries[i * paired..][..Q * paired];
        // SAFETY: the caller's promise.
        unsafe {
            let mut keys = [self.keys.as_ptr(); G];
            for g in 0..G {
                let mut block = ring + g;
                if block >= self.blocks {
                    block -= self.blocks;
                }
                keys[g] = keys[g].add(block * LANES * paired);
            }
            let tile = tile.as_ptr();
            let mut sums = [[S::zero(); G]; Q];
            for pair in 0..paired / 2 {
                ahead.fetch::<S>(pair);
                let k: [[S; 2]; G] = std::array::from_fn(|g| K::keys(keys[g], pair));
                for half in 0..2 {
                    for q in 0..Q {
                        let x = S::splat(*tile.add((2 * pair + half) * Q + q));
                        for g in 0..G {
                            sums[q][g] = x.fma(k[g][half], sums[q][g]);
                        }
                    }
                }
            }
            for q in 0..Q {
                for g in 0..G {
                    let scores = &mut work.scores[group.scores(i + q, done + g)..][..LANES];
                    sums[q][g].store(scores.as_mut_ptr());
                }
            }
        }
    }

    /// Turns the scores of query `i` into e^(score - largest), 0 where it sees nothing, and returns
    /// their sum.
    #[inline(always)]
    unsafe fn weigh<S: Simd>(&self, group: Group, i: usize, work: &mut Work<'_>) -> f32 {
        let seen = self.seen(group, i, 1);
        let whole = seen.start / LANES..seen.end.div_ceil(LANES);
        let scores = &mut *work.scores;
        let at = |block| group.scores(i, block)..group.scores(i, block) + LANES;
        (0..whole.start).for_each(|n| scores[at(n)].fill(0.0));
        (whole.end..group.blocks).for_each(|n| scores[at(n)].fill(0.0));
        scores[at(whole.start)][..seen.start % LANES].fill(f32::NEG_INFINITY);
        scores[at(whole.end - 1)][(seen.end - 1) % LANES + 1..].fill(f32::NEG_INFINITY);
        // e^(score - largest), in blocks in the order of positions; e^-inf is exactly 0.
        // SAFETY: the instruction set is there by the caller's promise, and a block is a vector.
        unsafe {
            let mut largest = S::splat(f32::NEG_INFINITY);
            for n in whole.clone() {
                // In this order NaN is passed over.
                largest = S::load(scores[at(n)].as_ptr()).max(largest);
            }
            let largest = S::splat(largest.largest());
            let mut sum = S::zero();
            for n in whole {
                let block = &mut scores[at(n)];
                let e = exp(S::load(block.as_ptr()).sub(largest));
                e.store(block.as_mut_ptr());
                sum = sum.add(e);
            }
            sum.sum()
        }
    }

    /// Adds the values at the places `values` of the scores, all in the same 64 of them, as far as they
    /// are seen, to the sums of queries i..i + Q.
    #[inline(always)]
    unsafe fn mix<S: Simd, const Q: usize>(
        &self,
        group: Group,
        i: usize,
        values: &Range<usize>,
        ahead: Ahead,
        work: &mut Work<'_>,
    ) {
        let seen = self.seen(group, i, Q);
        let places = seen.start.max(values.start)..seen.end.min(values.end);
        if places.is_empty() {
            return;
        }
        let (head, padded) = (self.sizes.head, self.sizes.padded());
        let mut column = 0;
        while column < head {
            // SAFETY: the caller's promise.
            unsafe {
                if S::WIDE && Q <= 4 && head - column >= 4 * LANES {
                    let ahead = ahead.part(column..column + 4 * LANES, padded, VALUES);
                    self.mix_columns::<S, Q, 4>(group, i, places.clone(), column, ahead, work);
                    column += 4 * LANES;
                } else if S::WIDE && head - column >= 2 * LANES {
                    let ahead = ahead.part(column..column + 2 * LANES, padded, VALUES);
                    self.mix_columns::<S, Q, 2>(group, i, places.clone(), column, ahead, work);
                    column += 2 * LANES;
                } else {
                    let ahead = ahead.part(column..column + LANES, padded, VALUES);
                    self.mix_columns::<S, Q, 1>(group, i, places.clone(), column, ahead, work);
                    column += LANES;
                }
            }
        }
    }

    /// The same for `C` vectors of the head from `column` on.
    #[inline(always)]
    unsafe fn mix_columns<S: Simd, const Q: usize, const C: usize>(
        &self,
        group: Group,
        i: usize,
        places: Range<usize>,
        column: usize,
        ahead: Ahead,
        work: &mut Work<'_>,
    ) {
        let padded = self.sizes.padded();
        let capacity = self.blocks * LANES;
        let many = places.start / VALUES * VALUES;
        let weights = &work.scores[group.scores(i, many / LANES)..][..Q * VALUES];
        let to = &mut work.sums[i * padded + column..];
        // SAFETY: the caller's promise.
        unsafe {
            let to = to.as_mut_ptr();
            let mut sums = [[S::zero(); C]; Q];
            for q in 0..Q {
                for c in 0..C {
                    sums[q][c] = S::load(to.add(q * padded + c * LANES));
                }
            }
            let mut j = places.start;
            while j < places.end {
                // As far as the ring goes on without a jump.
                let slot = self.ring_slot(group, j);
                let run = (places.end - j).min(capacity - slot);
                let values = self.values.as_ptr().add(slot * padded);
                let weights = weights.as_ptr().add(j - many);
                for n in 0..run {
                    ahead.fetch::<S>(j - places.start + n);
                    let v: [S; C] = K::values(values.add(n * padded), column);
                    for q in 0..Q {
                        let weight = S::splat(*weights.add(q * VALUES + n));
                        for c in 0..C {
                            sums[q][c] = weight.fma(v[c], sums[q][c]);
                        }
                    }
                }
                j += run;
            }
            for q in 0..Q {
                for c in 0..C {
                    sums[q][c].store(to.add(q * padded + c * LANES));
                }
            }
        }
    }
}
