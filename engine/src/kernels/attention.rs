//! Causal attention over a sliding window, with the keys and values of the past in a ring.
//!
//! Sums run in the order of absolute positions, in blocks of sixteen that start at multiples of
//! sixteen, so that a query's result does not depend on which queries arrive with it.

use half::bf16;

use super::aligned::Aligned;
use super::arena::{Arena, Block};
use super::cached::Cached;
use super::head::{GROUP, Head, VALUES};
use super::isa::Isa;
use super::precision::Precision;
use super::rope::Rotation;
use super::shared::Shared;
use super::simd::LANES;
use super::team::Crew;

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
    /// Numbers a value row takes: whole pairs of vectors.
    pub(super) fn padded(&self) -> usize {
        self.head.next_multiple_of(2 * LANES)
    }

    /// Numbers a key takes: whole pairs.
    pub(super) fn paired(&self) -> usize {
        self.head.next_multiple_of(2)
    }

    /// Blocks of sixteen positions that hold a full window and `steps` new positions, wherever in
    /// a block they start.
    fn blocks(&self, steps: usize) -> usize {
        (self.context - 1 + steps).div_ceil(LANES) + 1
    }

    /// Numbers of scratch for a thread: one query, a group's queries, their scores
    /// and their results.
    fn scratch(&self, steps: usize) -> usize {
        let rows = steps.min(GROUP);
        let scores = (self.blocks(rows) * LANES).next_multiple_of(VALUES);
        rows * (scores + 2 * self.padded()) + self.padded()
    }
}

/// Keys (rotated) and values of the window, for each lane and head a ring of its own.
pub struct KeyValues {
    blocks: usize,
    /// Kept in f32; in bfloat16 otherwise.
    exact: bool,
    /// `[lane][head][block]`, a block as [`Cached`] says.
    keys: Block,
    /// `[lane][head][position][numbers of the head, padded to whole vectors]`
    values: Block,
}

impl KeyValues {
    /// Room for passes of at most `steps` positions, all of it really there: touching it for the
    /// first time later costs nothing. In a model of smaller weights than f32 keys and values are
    /// kept in bfloat16. Allocates.
    pub fn new(
        sizes: &Attention,
        lanes: usize,
        steps: usize,
        precision: Precision,
        arena: &Arena,
    ) -> Self {
        let exact = precision == Precision::F32;
        let bytes = if exact { size_of::<f32>() } else { size_of::<bf16>() };
        let blocks = sizes.blocks(steps);
        let positions = lanes * sizes.heads * blocks * LANES;
        Self {
            blocks,
            exact,
            keys: arena.take_touched(positions * sizes.paired() * bytes),
            values: arena.take_touched(positions * sizes.padded() * bytes),
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
    /// Attends: `qkv` holds for each row and head its query, key and value, (lanes * steps,
    /// heads * 3 * head), lane by lane; rotates queries and keys, remembers keys and values, and
    /// writes (lanes * steps, heads * head) to `y`. Allocates and blocks on nothing but the crew.
    ///
    /// # Panics
    /// If the lengths do not fit together, or there are more steps or threads than `past` and
    /// `scratch` have room for.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        lanes: usize,
        window: Window,
        rotation: Option<&Rotation>,
        qkv: &[f32],
        past: &mut KeyValues,
        scratch: &mut AttentionScratch,
        y: &mut [f32],
    ) {
        match past.exact {
            true => self.attend::<f32>(crew, isa, lanes, window, rotation, qkv, past, scratch, y),
            false => self.attend::<bf16>(crew, isa, lanes, window, rotation, qkv, past, scratch, y),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "as above")]
    fn attend<K: Cached>(
        &self,
        crew: &Crew<'_>,
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
        // SAFETY: all bits are numbers, and blocks start at multiples of 64.
        let (keys, values) =
            unsafe { (past.keys.as_mut_numbers::<K>(), past.values.as_mut_numbers::<K>()) };
        let positions = past.blocks * LANES;
        let (key_size, value_size) = (positions * self.paired(), positions * self.padded());
        let all = lanes * self.heads;
        assert!(keys.len() >= all * key_size, "a ring for each lane");
        assert!(values.len() >= all * value_size, "a ring for each lane");
        assert!(scratch.each >= self.scratch(steps), "scratch for the window");
        assert!(scratch.data.as_slice().len() >= crew.threads() * scratch.each);
        let each = scratch.each;
        let scratch = Shared::new(scratch.data.as_mut_slice());
        let (keys, values) = (Shared::new(keys), Shared::new(values));
        let y = Shared::new(y);
        let blocks = past.blocks;
        // One part a thread, so that each goes straight through memory and what a head brings near is
        // for the next one of the same thread.
        let parts = crew.threads().min(all);
        crew.share(all, parts, |part, rings| {
            for ring in rings {
                // SAFETY: each head has a ring of its own and each part a scratch of its own,
                // inside the buffers by the assertions above.
                let head = unsafe {
                    Head {
                        sizes: *self,
                        blocks,
                        window,
                        steps,
                        rotation,
                        lane: ring / self.heads,
                        head: ring % self.heads,
                        qkv,
                        keys: keys.slice(ring * key_size, key_size),
                        values: values.slice(ring * value_size, value_size),
                        scratch: scratch.slice(part * each, each),
                        y,
                    }
                };
                isa.run(head);
            }
        });
    }
}
