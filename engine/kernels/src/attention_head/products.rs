//! Scores, softmax and weighted sums of values for tiles of queries.

use std::ops::Range;

use super::{AttentionHead, GroupScratch, QueryGroup, VALUE_TILE};
use crate::exp::exp;
use crate::kv_element::KvElement;
use crate::prefetch::Prefetch;
use crate::simd::{LANES, Simd};

impl<K: KvElement> AttentionHead<'_, K> {
    /// Loads queries i..i + Q of the group, rotated and scaled by 1 / sqrt(head_dim).
    #[inline(always)]
    pub(super) fn load_queries<const Q: usize>(
        &self,
        group: QueryGroup,
        i: usize,
        scratch: &mut GroupScratch<'_>,
    ) {
        let (head_dim, key_dim) = (self.attention.head_dim, self.attention.key_dim());
        let scale = 1.0 / (head_dim as f32).sqrt();
        let query = &mut *scratch.query;
        let tile = &mut scratch.queries[i * key_dim..][..Q * key_dim];
        for q in 0..Q {
            self.rotate_row(group.t + i + q, 0, query);
            for (to, x) in tile.chunks_exact_mut(Q).zip(&*query) {
                to[q] = *x * scale;
            }
        }
    }

    /// Computes the scores of queries i..i + Q with all keys of `G` blocks from `first` on, unless the
    /// queries see none of them.
    ///
    /// # Safety
    /// The processor must have the instruction set, and queries and blocks be the group's.
    #[inline(always)]
    pub(super) unsafe fn score<S: Simd, const Q: usize, const G: usize>(
        &self,
        group: QueryGroup,
        i: usize,
        first: usize,
        prefetch: Prefetch,
        scratch: &mut GroupScratch<'_>,
    ) {
        let key_dim = self.attention.key_dim();
        let seen = self.seen(group, i, Q);
        if seen.end <= first * LANES || seen.start >= (first + G) * LANES {
            return;
        }
        let ring = self.ring_block(group, first);
        let tile = &scratch.queries[i * key_dim..][..Q * key_dim];
        // SAFETY: by the contract; ring blocks wrap at most once.
        unsafe {
            let mut keys = [self.keys.as_ptr(); G];
            for g in 0..G {
                let mut block = ring + g;
                if block >= self.blocks {
                    block -= self.blocks;
                }
                keys[g] = keys[g].add(block * LANES * key_dim);
            }
            let tile = tile.as_ptr();
            let mut sums = [[S::zero(); G]; Q];
            for pair in 0..key_dim / 2 {
                prefetch.issue::<S>(pair);
                let k: [[S; 2]; G] = std::array::from_fn(|g| K::load_keys(keys[g], pair));
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
                    let scores = &mut scratch.scores[group.scores(i + q, first + g)..][..LANES];
                    sums[q][g].store(scores.as_mut_ptr());
                }
            }
        }
    }

    /// Turns the scores of query `i` into e^(score - largest), 0 where it sees nothing, and returns their
    /// sum.
    ///
    /// # Safety
    /// The processor must have the instruction set.
    #[inline(always)]
    pub(super) unsafe fn softmax<S: Simd>(
        &self,
        group: QueryGroup,
        i: usize,
        scratch: &mut GroupScratch<'_>,
    ) -> f32 {
        let seen = self.seen(group, i, 1);
        let blocks = seen.start / LANES..seen.end.div_ceil(LANES);
        let scores = &mut *scratch.scores;
        let at = |block| group.scores(i, block)..group.scores(i, block) + LANES;
        (0..blocks.start).for_each(|n| scores[at(n)].fill(0.0));
        (blocks.end..group.blocks).for_each(|n| scores[at(n)].fill(0.0));
        scores[at(blocks.start)][..seen.start % LANES].fill(f32::NEG_INFINITY);
        scores[at(blocks.end - 1)][(seen.end - 1) % LANES + 1..].fill(f32::NEG_INFINITY);
        // Sums by blocks in the order of positions; e^-inf is exactly 0.
        // SAFETY: the instruction set is there by the contract, and a block is a vector.
        unsafe {
            let mut largest = S::splat(f32::NEG_INFINITY);
            for n in blocks.clone() {
                // `max` returns its argument for NaN: NaN scores are ignored.
                largest = S::load(scores[at(n)].as_ptr()).max(largest);
            }
            let largest = S::splat(largest.horizontal_max());
            let mut sum = S::zero();
            for n in blocks {
                let block = &mut scores[at(n)];
                let e = exp(S::load(block.as_ptr()).sub(largest));
                e.store(block.as_mut_ptr());
                sum = sum.add(e);
            }
            sum.horizontal_sum()
        }
    }

    /// Adds the values at `values`, positions relative to the group's origin in one value tile, weighted by
    /// their scores, to the sums of queries i..i + Q, as far as these see them.
    ///
    /// # Safety
    /// The processor must have the instruction set, and queries and positions be the group's.
    #[inline(always)]
    pub(super) unsafe fn add_values<S: Simd, const Q: usize>(
        &self,
        group: QueryGroup,
        i: usize,
        values: &Range<usize>,
        prefetch: Prefetch,
        scratch: &mut GroupScratch<'_>,
    ) {
        let seen = self.seen(group, i, Q);
        let places = seen.start.max(values.start)..seen.end.min(values.end);
        if places.is_empty() {
            return;
        }
        let (head_dim, value_dim) = (self.attention.head_dim, self.attention.value_dim());
        let share = |columns| prefetch.share(columns, value_dim, VALUE_TILE);
        let mut column = 0;
        while column < head_dim {
            let places = places.clone();
            // SAFETY: by the contract; the columns are inside a value.
            unsafe {
                if S::WIDE && Q <= 4 && head_dim - column >= 4 * LANES {
                    let next = share(column..column + 4 * LANES);
                    self.add_columns::<S, Q, 4>(group, i, places, column, next, scratch);
                    column += 4 * LANES;
                } else if S::WIDE && head_dim - column >= 2 * LANES {
                    let next = share(column..column + 2 * LANES);
                    self.add_columns::<S, Q, 2>(group, i, places, column, next, scratch);
                    column += 2 * LANES;
                } else {
                    let next = share(column..column + LANES);
                    self.add_columns::<S, Q, 1>(group, i, places, column, next, scratch);
                    column += LANES;
                }
            }
        }
    }

    /// Does so for `C` vectors of the head from `column` on.
    ///
    /// # Safety
    /// As [`AttentionHead::add_values`]; the columns must be inside a value.
    #[inline(always)]
    unsafe fn add_columns<S: Simd, const Q: usize, const C: usize>(
        &self,
        group: QueryGroup,
        i: usize,
        places: Range<usize>,
        column: usize,
        prefetch: Prefetch,
        scratch: &mut GroupScratch<'_>,
    ) {
        let value_dim = self.attention.value_dim();
        let capacity = self.blocks * LANES;
        let tile = places.start / VALUE_TILE * VALUE_TILE;
        let weights = &scratch.scores[group.scores(i, tile / LANES)..][..Q * VALUE_TILE];
        let to = &mut scratch.sums[i * value_dim + column..];
        // SAFETY: by the contract.
        unsafe {
            let to = to.as_mut_ptr();
            let mut sums = [[S::zero(); C]; Q];
            for q in 0..Q {
                for c in 0..C {
                    sums[q][c] = S::load(to.add(q * value_dim + c * LANES));
                }
            }
            let mut j = places.start;
            while j < places.end {
                // Contiguous slots up to the end of the ring.
                let slot = self.ring_slot(group, j);
                let run = (places.end - j).min(capacity - slot);
                let values = self.values.as_ptr().add(slot * value_dim);
                let weights = weights.as_ptr().add(j - tile);
                for n in 0..run {
                    prefetch.issue::<S>(j - places.start + n);
                    let v: [S; C] = K::load_values(values.add(n * value_dim), column);
                    for q in 0..Q {
                        let weight = S::splat(*weights.add(q * VALUE_TILE + n));
                        for c in 0..C {
                            sums[q][c] = weight.fma(v[c], sums[q][c]);
                        }
                    }
                }
                j += run;
            }
            for q in 0..Q {
                for c in 0..C {
                    sums[q][c].store(to.add(q * value_dim + c * LANES));
                }
            }
        }
    }
}
