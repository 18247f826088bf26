//! Causal attention over a sliding window, with the keys and values of the past in a ring.
//!
//! Sums run in the order of absolute positions, in blocks of sixteen that start at multiples of
//! sixteen, so that a query's result does not depend on which queries arrive with it.

use super::aligned::Aligned;
use super::arena::{Arena, Block};
use super::head::{GROUP, Head};
use super::isa::Isa;
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
    /// Numbers a value row takes.
    pub(super) fn padded(&self) -> usize {
        self.head.next_multiple_of(LANES)
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
        rows * (self.blocks(rows) * LANES + 2 * self.padded()) + self.head
    }
}

/// Keys (rotated) and values of the window, for each lane and head a ring of its own.
pub struct KeyValues {
    blocks: usize,
    /// `[lane][head][block][number of the head][16 positions]`
    keys: Block,
    /// `[lane][head][position][numbers of the head, padded to whole vectors]`
    values: Block,
}

impl KeyValues {
    /// Room for passes of at most `steps` positions, all of it really there: touching it for the
    /// first time later costs nothing. Allocates.
    pub fn new(sizes: &Attention, lanes: usize, steps: usize, arena: &Arena) -> Self {
        let blocks = sizes.blocks(steps);
        let positions = lanes * sizes.heads * blocks * LANES;
        Self {
            blocks,
            keys: arena.take_touched(positions * sizes.head * 4),
            values: arena.take_touched(positions * sizes.padded() * 4),
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
        let positions = lanes * self.heads * past.blocks * LANES;
        assert!(past.keys.as_slice().len() >= positions * self.head * 4, "a ring for each lane");
        assert!(
            past.values.as_slice().len() >= positions * self.padded() * 4,
            "a ring for each lane"
        );
        assert!(scratch.each >= self.scratch(steps), "scratch for the window");
        assert!(scratch.data.as_slice().len() >= crew.threads() * scratch.each);
        let each = scratch.each;
        let scratch = Shared::new(scratch.data.as_mut_slice());
        let keys = Shared::new(past.keys.as_mut_numbers());
        let values = Shared::new(past.values.as_mut_numbers());
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
