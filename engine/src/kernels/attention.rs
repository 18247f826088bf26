//! Causal attention over a sliding window, with the keys and values of the past in a ring.
//!
//! Sums run in the order of absolute positions, in blocks of sixteen that start at multiples of
//! sixteen, so that a query's result does not depend on which queries arrive with it.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

use super::aligned::Aligned;
use super::exp::exp;
use super::isa::Isa;
use super::rope::Rotation;
use super::shared::Shared;
use super::simd::{Kernel, LANES, Simd};
use super::team::Crew;

/// Queries that share each load of keys and values.
const QUERIES: usize = 4;

/// Sizes of one attention layer.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Heads; a row is `heads * head` numbers wide.
    pub heads: usize,
    /// Numbers a head.
    pub head: usize,
    /// A query at position p sees keys p - context + 1 ..= p.
    pub context: usize,
}

/// Where a pass stands in the stream.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Position of the pass's first row.
    pub position: u64,
    /// Position the stream started at: nothing before it is seen.
    pub start: u64,
}

impl Attention {
    /// Numbers a value row takes.
    fn padded(&self) -> usize {
        self.head.next_multiple_of(LANES)
    }

    /// Blocks of sixteen positions that hold a full window and `steps` new positions, wherever in
    /// a block they start.
    fn blocks(&self, steps: usize) -> usize {
        (self.context - 1 + steps).div_ceil(LANES) + 1
    }

    /// Numbers of scratch for a thread: a tile's queries and their scores.
    fn scratch(&self, steps: usize) -> usize {
        QUERIES * (self.blocks(steps) * LANES + self.padded())
    }
}

/// Keys (rotated) and values of the window, for each lane and head a ring of its own.
pub struct KeyValues {
    blocks: usize,
    /// `[lane][head][block][number of the head][16 positions]`
    keys: Aligned,
    /// `[lane][head][position][numbers of the head, padded to whole vectors]`
    values: Aligned,
}

impl KeyValues {
    /// Room for passes of at most `steps` positions. Allocates.
    pub fn new(sizes: &Attention, lanes: usize, steps: usize) -> Self {
        let blocks = sizes.blocks(steps);
        let positions = lanes * sizes.heads * blocks * LANES;
        Self {
            blocks,
            keys: Aligned::zeros(positions * sizes.head),
            values: Aligned::zeros(positions * sizes.padded()),
        }
    }
}

/// Working memory of attention, a part for each thread.
pub struct AttentionScratch {
    each: usize,
    data: Aligned,
}

impl AttentionScratch {
    /// Room for each of these layers with passes of so many steps. Allocates.
    pub fn new(layers: &[(Attention, usize)], threads: usize) -> Self {
        let each = layers.iter().map(|(sizes, steps)| sizes.scratch(*steps)).max().unwrap_or(0);
        Self { each, data: Aligned::zeros(threads * each) }
    }
}

impl Attention {
    /// Attends: `qkv` holds for each row queries, keys and values of all heads, (lanes * steps,
    /// 3 * heads * head), lane by lane; rotates queries and keys, remembers keys and values, and
    /// writes (lanes * steps, heads * head) to `y`. Allocates and blocks on nothing but the crew.
    ///
    /// # Panics
    /// If the lengths do not fit together, or there are more steps or threads than `past` and
    /// `scratch` have room for.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward(
        &self,
        crew: &Crew,
        isa: Isa,
        lanes: usize,
        window: Window,
        rotation: Option<&Rotation>,
        qkv: &[f32],
        past: &mut KeyValues,
        scratch: &mut AttentionScratch,
        y: &mut [f32],
    ) {
        let width = self.heads * self.head;
        let steps = y.len() / (lanes * width);
        assert!(y.len() == lanes * steps * width && qkv.len() == 3 * y.len(), "rows of qkv and y");
        assert!(self.blocks(steps) <= past.blocks, "steps fit into the ring");
        let positions = lanes * self.heads * past.blocks * LANES;
        assert!(past.keys.as_slice().len() >= positions * self.head, "a ring for each lane");
        assert!(past.values.as_slice().len() >= positions * self.padded(), "a ring for each lane");
        assert!(scratch.each >= self.scratch(steps), "scratch for the window");
        assert!(scratch.data.as_slice().len() >= crew.threads() * scratch.each);
        let each = scratch.each;
        let scratch = Shared::new(scratch.data.as_mut_slice());
        let keys = Shared::new(past.keys.as_mut_slice());
        let values = Shared::new(past.values.as_mut_slice());
        let y = Shared::new(y);
        let blocks = past.blocks;
        crew.each(lanes * self.heads, |task, worker| {
            let (key_size, value_size) =
                (blocks * LANES * self.head, blocks * LANES * self.padded());
            // SAFETY: each task has a ring of its own and each worker a scratch of its own, inside
            // the buffers by the assertions above.
            let head = unsafe {
                Head {
                    sizes: *self,
                    blocks,
                    window,
                    steps,
                    rotation,
                    lane: task / self.heads,
                    head: task % self.heads,
                    qkv,
                    keys: keys.slice(task * key_size, key_size),
                    values: values.slice(task * value_size, value_size),
                    scratch: scratch.slice(worker * each, each),
                    y,
                }
            };
            isa.run(head);
        });
    }
}

/// One head of one lane.
struct Head<'a> {
    sizes: Attention,
    blocks: usize,
    window: Window,
    steps: usize,
    rotation: Option<&'a Rotation>,
    lane: usize,
    head: usize,
    qkv: &'a [f32],
    keys: &'a mut [f32],
    values: &'a mut [f32],
    scratch: &'a mut [f32],
    y: Shared<'a>,
}

impl Kernel for Head<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        for t in 0..self.steps {
            self.remember(t);
        }
        let mut t = 0;
        while t < self.steps {
            // SAFETY: the instruction set is there; t + Q does not exceed the steps.
            unsafe {
                t += match self.steps - t {
                    QUERIES.. => self.queries::<S, 4>(t),
                    3 => self.queries::<S, 3>(t),
                    2 => self.queries::<S, 2>(t),
                    _ => self.queries::<S, 1>(t),
                };
            }
        }
    }
}

impl Head<'_> {
    /// This head's part of row `t`: of queries (0), keys (1) or values (2).
    #[inline(always)]
    fn part(&self, t: usize, which: usize) -> &[f32] {
        let Attention { heads, head, .. } = self.sizes;
        let row = self.lane * self.steps + t;
        &self.qkv[((row * 3 + which) * heads + self.head) * head..][..head]
    }

    /// Puts key and value of row `t` into the ring.
    #[inline(always)]
    fn remember(&mut self, t: usize) {
        let (head, padded) = (self.sizes.head, self.sizes.padded());
        let position = self.window.position + t as u64;
        let slot = (position % (self.blocks * LANES) as u64) as usize;
        // The scratch is free until the first query.
        let key = std::mem::take(&mut self.scratch);
        key[..head].copy_from_slice(self.part(t, 1));
        if let Some(rotation) = self.rotation {
            rotation.apply(t, &mut key[..head]);
        }
        let block = &mut self.keys[slot / LANES * LANES * head..][..LANES * head];
        for (to, x) in block.chunks_exact_mut(LANES).zip(&key[..head]) {
            to[slot % LANES] = *x;
        }
        self.scratch = key;
        let values = std::mem::take(&mut self.values);
        values[slot * padded..][..head].copy_from_slice(self.part(t, 2));
        self.values = values;
    }

    /// Attention of queries t..t + Q; returns Q.
    #[inline(always)]
    unsafe fn queries<S: Simd, const Q: usize>(&mut self, t: usize) -> usize {
        let Attention { heads, head, context } = self.sizes;
        let padded = self.sizes.padded();
        let position = self.window.position + t as u64;
        // First and last position that any of the queries sees, and the first that query i does.
        let first = |i: usize| {
            (position + i as u64 + 1).saturating_sub(context as u64).max(self.window.start)
        };
        let last = position + Q as u64 - 1;
        let block = first(0) / LANES as u64;
        let blocks = (last / LANES as u64 - block) as usize + 1;
        let origin = block * LANES as u64;
        debug_assert!(blocks <= self.blocks);

        let scratch = std::mem::take(&mut self.scratch);
        let (q, scores) = scratch.split_at_mut(QUERIES * padded);
        let stride = blocks * LANES;
        let scores = &mut scores[..Q * stride];
        let scale = 1.0 / (head as f32).sqrt();
        for i in 0..Q {
            let q = &mut q[i * head..][..head];
            q.copy_from_slice(self.part(t + i, 0));
            if let Some(rotation) = self.rotation {
                rotation.apply(t + i, q);
            }
            q.iter_mut().for_each(|x| *x *= scale);
        }
        // SAFETY: the instruction set is there. Ring blocks are taken modulo their number; scores
        // have `blocks` vectors a query; q has `head` numbers a query; y's rows t..t + Q of this
        // lane exist and this head's part of them belongs to this task.
        unsafe {
            let ring = (block % self.blocks as u64) as usize;
            self.scores::<S, Q>(q, ring, blocks, scores);
            let mut sums = [0f32; Q];
            for i in 0..Q {
                let row = &mut scores[i * stride..][..stride];
                let seen =
                    (first(i) - origin) as usize..(position + i as u64 - origin) as usize + 1;
                row[..seen.start].fill(f32::NEG_INFINITY);
                row[seen.end..].fill(f32::NEG_INFINITY);
                sums[i] = softmax::<S>(row);
            }
            let seen = (first(0) - origin) as usize..(last - origin) as usize + 1;
            let width = heads * head;
            let row = self.lane * self.steps + t;
            let y = self.y.at(row * width + self.head * head);
            let mut column = 0;
            while column < head {
                let weights = (&*scores, stride, seen.clone());
                if S::WIDE && head - column >= 4 * LANES {
                    self.mix::<S, Q, 4>(weights, ring, &sums, column, y, width);
                    column += 4 * LANES;
                } else {
                    self.mix::<S, Q, 1>(weights, ring, &sums, column, y, width);
                    column += LANES;
                }
            }
        }
        self.scratch = scratch;
        Q
    }

    /// Products of the queries with all keys of `blocks` blocks from ring block `ring` on.
    #[inline(always)]
    unsafe fn scores<S: Simd, const Q: usize>(
        &self,
        q: &[f32],
        ring: usize,
        blocks: usize,
        scores: &mut [f32],
    ) {
        let mut done = 0;
        while done < blocks {
            // SAFETY: the caller's promise.
            unsafe {
                if S::WIDE && blocks - done >= 4 {
                    self.score_blocks::<S, Q, 4>(q, ring, done, blocks, scores);
                    done += 4;
                } else {
                    self.score_blocks::<S, Q, 1>(q, ring, done, blocks, scores);
                    done += 1;
                }
            }
        }
    }

    /// Of the `G` blocks after the first `done`.
    #[inline(always)]
    unsafe fn score_blocks<S: Simd, const Q: usize, const G: usize>(
        &self,
        q: &[f32],
        ring: usize,
        done: usize,
        blocks: usize,
        scores: &mut [f32],
    ) {
        let head = self.sizes.head;
        // SAFETY: the caller's promise.
        unsafe {
            let mut keys = [self.keys.as_ptr(); G];
            for g in 0..G {
                let mut block = ring + done + g;
                if block >= self.blocks {
                    block -= self.blocks;
                }
                keys[g] = keys[g].add(block * LANES * head);
            }
            let mut sums = [[S::zero(); G]; Q];
            for d in 0..head {
                let mut k = [S::zero(); G];
                for g in 0..G {
                    k[g] = S::load(keys[g].add(d * LANES));
                }
                for i in 0..Q {
                    let q = S::splat(*q.as_ptr().add(i * head + d));
                    for g in 0..G {
                        sums[i][g] = q.fma(k[g], sums[i][g]);
                    }
                }
            }
            for i in 0..Q {
                for g in 0..G {
                    let to = scores.as_mut_ptr().add((i * blocks + done + g) * LANES);
                    sums[i][g].store(to);
                }
            }
        }
    }

    /// Weighted sums of values: `C` vectors of the head from `column` on.
    #[inline(always)]
    unsafe fn mix<S: Simd, const Q: usize, const C: usize>(
        &self,
        (weights, stride, seen): (&[f32], usize, std::ops::Range<usize>),
        ring: usize,
        totals: &[f32; Q],
        column: usize,
        y: *mut f32,
        width: usize,
    ) {
        let (head, padded) = (self.sizes.head, self.sizes.padded());
        let capacity = self.blocks * LANES;
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [[S::zero(); C]; Q];
            let mut j = seen.start;
            while j < seen.end {
                // As far as the ring goes on without a jump.
                let slot = (ring * LANES + j) % capacity;
                let run = (seen.end - j).min(capacity - slot);
                let values = self.values.as_ptr().add(slot * padded + column);
                for n in 0..run {
                    let mut v = [S::zero(); C];
                    for c in 0..C {
                        v[c] = S::load(values.add(n * padded + c * LANES));
                    }
                    for i in 0..Q {
                        let weight = S::splat(*weights.as_ptr().add(i * stride + j + n));
                        for c in 0..C {
                            sums[i][c] = weight.fma(v[c], sums[i][c]);
                        }
                    }
                }
                j += run;
            }
            for i in 0..Q {
                for c in 0..C {
                    let mean = sums[i][c].div(S::splat(totals[i]));
                    let n = column + c * LANES;
                    mean.store_present(y.add(i * width + n), head - n);
                }
            }
        }
    }
}

/// Replaces scores by e^(score - largest) and returns their sum; -inf becomes exactly 0.
#[inline(always)]
unsafe fn softmax<S: Simd>(row: &mut [f32]) -> f32 {
    // SAFETY: the instruction set is there by the caller's promise, and a row is whole vectors.
    unsafe {
        let mut largest = S::splat(f32::NEG_INFINITY);
        for x in row.chunks_exact(LANES) {
            largest = largest.max(S::load(x.as_ptr()));
        }
        let largest = S::splat(largest.largest());
        let mut sum = S::zero();
        for x in row.chunks_exact_mut(LANES) {
            let e = exp(S::load(x.as_ptr()).sub(largest));
            e.store(x.as_mut_ptr());
            sum = sum.add(e);
        }
        sum.sum()
    }
}
