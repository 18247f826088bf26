//! Causal attention over a sliding window, with the keys and values of the past in a ring.
//!
//! Sums run in the order of absolute positions, in blocks of sixteen that start at multiples of
//! sixteen, so that a query's result does not depend on which queries arrive with it.

use half::bf16;

use super::activations::{BLOCK, Outlet, Round, Rows, Sink};
use super::aligned::Aligned;
use super::arena::{self, Arena};
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
    keys: arena::Block,
    /// `[lane][head][position][numbers of the head, padded to whole vectors]`
    values: arena::Block,
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
    /// puts (lanes * steps, heads * head) out, which it returns. Allocates and blocks on nothing but the
    /// crew.
    ///
    /// # Panics
    /// If the lengths do not fit together, or there are more steps or threads than `past`, `scratch` and
    /// `to` have room for.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward<'a>(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        lanes: usize,
        window: Window,
        rotation: Option<&Rotation>,
        qkv: &[f32],
        past: &mut KeyValues,
        scratch: &mut AttentionScratch,
        mut to: Outlet<'a>,
    ) -> Rows<'a> {
        let width = self.heads * self.head;
        let steps = to.floats.len() / (lanes * width);
        assert!(to.floats.len() == lanes * steps * width, "rows of all lanes");
        assert!(qkv.len() == 3 * to.floats.len(), "rows of queries, keys and values");
        // Heads that are a block together can round it.
        let together = BLOCK / self.head;
        let whole = together * self.head == BLOCK && self.heads.is_multiple_of(together);
        let sink = to.rounded.as_mut().filter(|_| whole);
        let sink = sink.map(|rounded| rounded.sink(lanes * steps, width));
        let all = Heads {
            sizes: *self,
            window,
            rotation,
            lanes,
            steps,
            qkv,
            y: Shared::new(to.floats),
            sink,
            together: if sink.is_some() { together } else { 1 },
        };
        if past.exact {
            all.attend::<f32>(crew, isa, past, scratch);
        } else {
            all.attend::<bf16>(crew, isa, past, scratch);
        }
        if let Some(rounded) = to.rounded.as_mut().filter(|_| !whole) {
            rounded.round(crew, isa, to.floats, width);
        }
        to.rows()
    }
}

/// All heads of all lanes.
struct Heads<'a> {
    sizes: Attention,
    window: Window,
    rotation: Option<&'a Rotation>,
    lanes: usize,
    steps: usize,
    qkv: &'a [f32],
    y: Shared<'a>,
    /// Where the results of so many heads, which are a block together, are rounded.
    sink: Option<Sink<'a>>,
    together: usize,
}

impl Heads<'_> {
    fn attend<K: Cached>(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        past: &mut KeyValues,
        scratch: &mut AttentionScratch,
    ) {
        let Self { sizes, window, rotation, lanes, steps, qkv, y, sink, together } = *self;
        assert!(sizes.blocks(steps) <= past.blocks, "steps fit into the ring");
        // SAFETY: all bits are numbers, and blocks start at multiples of 64.
        let (keys, values) =
            unsafe { (past.keys.as_mut_numbers::<K>(), past.values.as_mut_numbers::<K>()) };
        let positions = past.blocks * LANES;
        let (key_size, value_size) = (positions * sizes.paired(), positions * sizes.padded());
        let all = lanes * sizes.heads;
        assert!(keys.len() >= all * key_size, "a ring for each lane");
        assert!(values.len() >= all * value_size, "a ring for each lane");
        assert!(scratch.each >= sizes.scratch(steps), "scratch for the window");
        assert!(scratch.data.as_slice().len() >= crew.threads() * scratch.each);
        let each = scratch.each;
        let scratch = Shared::new(scratch.data.as_mut_slice());
        let (keys, values) = (Shared::new(keys), Shared::new(values));
        let blocks = past.blocks;
        let run = |part: usize, ring: usize| {
            // SAFETY: each head has a ring of its own and each part a scratch of its own, inside the
            // buffers by the assertions above.
            let head = unsafe {
                Head {
                    sizes,
                    blocks,
                    window,
                    steps,
                    rotation,
                    lane: ring / sizes.heads,
                    head: ring % sizes.heads,
                    qkv,
                    keys: keys.slice(ring * key_size, key_size),
                    values: values.slice(ring * value_size, value_size),
                    scratch: scratch.slice(part * each, each),
                    y,
                }
            };
            isa.run(head);
        };
        // One part a thread, so that each goes straight through memory and what a head brings near is
        // for the next one of the same thread.
        let groups = all / together;
        crew.share(groups, crew.threads().min(groups), |part, groups| {
            for group in groups {
                let first = group * together;
                (first..first + together).for_each(|ring| run(part, ring));
                if let Some(sink) = sink {
                    let (lane, block) = (first / sizes.heads, first % sizes.heads / together);
                    let rows = lane * steps..(lane + 1) * steps;
                    // SAFETY: y holds all rows, and the heads of the block are of this part.
                    let x = unsafe { y.at(0) };
                    isa.run(Round { sink, x, blocks: block..block + 1, rows });
                }
            }
        });
    }
}
