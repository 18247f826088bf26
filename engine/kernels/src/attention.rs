//! Causal attention over a sliding window.
//!
//! Sums run in the order of absolute positions, in blocks of sixteen that start at multiples of sixteen,
//! so that a query's result does not depend on which queries arrive with it.

use half::bf16;

use super::activation_quantization::{
    BlockQuantizer, LinearInput, LinearInputBuffer, QUANT_BLOCK, QuantizeBlocks,
};
use super::aligned_buffer::AlignedBuffer;
use super::attention_head::{AttentionHead, QUERY_GROUP, VALUE_TILE};
use super::disjoint_mut::DisjointMut;
use super::isa::Isa;
use super::kv_cache::KvCache;
use super::kv_element::KvElement;
use super::rope::RopeTable;
use super::simd::LANES;
use super::thread_pool::Workers;

/// Dimensions of an attention layer.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// Heads; a row is `heads * head_dim` numbers wide.
    pub heads: usize,
    /// Numbers per head.
    pub head_dim: usize,
    /// Window in positions: a query at position p sees keys p - context + 1 ..= p.
    pub context: usize,
}

/// Position of a pass in its stream, which bounds the windows of its queries.
#[derive(Clone, Copy, Debug)]
pub struct AttentionWindow {
    /// Position of the pass's first row.
    pub position: u64,
    /// Position that the stream started at: nothing before it is seen.
    pub start: u64,
}

/// One streaming state in a pass: lanes that advance together, beside those of other states at their own
/// positions.
pub struct AttentionStream<'a> {
    /// Lanes, with a ring for each head in `caches`.
    pub lanes: usize,
    /// Rows of each lane in this pass.
    pub steps: usize,
    /// Position of the first row.
    pub window: AttentionWindow,
    /// Rotation at the positions of the rows; `None` leaves queries and keys as they are.
    pub rope: Option<&'a RopeTable>,
    /// KV caches by layer.
    pub caches: &'a mut [KvCache],
}

impl AttentionStream<'_> {
    /// Returns the rows of all lanes.
    fn rows(&self) -> usize {
        self.lanes * self.steps
    }
}

impl Attention {
    /// Numbers of a value in the cache: head_dim, padded to whole pairs of vectors.
    pub(super) fn value_dim(&self) -> usize {
        self.head_dim.next_multiple_of(2 * LANES)
    }

    /// Numbers of a key in the cache: head_dim, padded to whole pairs.
    pub(super) fn key_dim(&self) -> usize {
        self.head_dim.next_multiple_of(2)
    }

    /// Blocks of sixteen positions that hold a full window and `steps` new positions, wherever in a block
    /// they start.
    pub(super) fn ring_blocks(&self, steps: usize) -> usize {
        (self.context - 1 + steps).div_ceil(LANES) + 1
    }

    /// Scratch of a thread, in f32: one query, and a group's queries, scores and results.
    fn scratch_length(&self, steps: usize) -> usize {
        let rows = steps.min(QUERY_GROUP);
        let scores = (self.ring_blocks(rows) * LANES).next_multiple_of(VALUE_TILE);
        rows * (scores + 2 * self.value_dim()) + self.value_dim()
    }
}

/// Scratch memory of attention, a part for each thread.
pub struct AttentionScratch {
    per_thread: usize,
    data: AlignedBuffer,
}

impl AttentionScratch {
    /// Allocates scratch for any of these layers, with passes of at most so many steps.
    pub fn new(layers: &[(Attention, usize)], threads: usize) -> Self {
        let lengths = layers.iter().map(|(attention, steps)| attention.scratch_length(*steps));
        let per_thread = lengths.max().unwrap_or(0);
        Self { per_thread, data: AlignedBuffer::zeros(threads * per_thread) }
    }
}

impl Attention {
    /// Computes attention in layer `layer` of all `streams`, and appends their keys and values to its caches.
    ///
    /// The rows are those of the first stream's lanes, (lanes, steps), then the next one's. `qkv` is (rows,
    /// heads, 3, head_dim): each row holds query, key and value of each head. Queries and keys are rotated by
    /// the stream's `rope`. Writes (rows, heads * head_dim) to `to` and returns it. Each stream's result is the
    /// one that it has alone. Does not allocate; blocks on nothing but the workers.
    ///
    /// # Panics
    /// If the lengths do not match, caches hold other elements than one another, or there are more steps or
    /// threads than caches, `scratch` and `to` have room for.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward<'a>(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        layer: usize,
        streams: &mut [AttentionStream<'_>],
        qkv: &[f32],
        scratch: &mut AttentionScratch,
        mut to: LinearInputBuffer<'a>,
    ) -> LinearInput<'a> {
        let width = self.heads * self.head_dim;
        let rows = streams.iter().map(AttentionStream::rows).sum::<usize>();
        assert!(to.rows.len() == rows * width, "rows of all lanes");
        assert!(qkv.len() == 3 * to.rows.len(), "rows of queries, keys and values");
        // Heads whose outputs together are a quantization block are quantized by their thread.
        let heads_per_block = QUANT_BLOCK / self.head_dim;
        let fused = heads_per_block * self.head_dim == QUANT_BLOCK
            && self.heads.is_multiple_of(heads_per_block);
        let quantizer = to.quantized.as_mut().filter(|_| fused);
        let quantizer = quantizer.map(|quantized| quantized.begin(rows, width));
        let is_f32 = streams.first().is_none_or(|stream| stream.caches[layer].is_f32);
        let pass = AttentionPass {
            attention: *self,
            layer,
            streams,
            qkv,
            y: DisjointMut::new(to.rows),
            quantizer,
            heads_per_part: if quantizer.is_some() { heads_per_block } else { 1 },
        };
        if is_f32 {
            pass.run::<f32>(workers, isa, scratch);
        } else {
            pass.run::<bf16>(workers, isa, scratch);
        }
        if let Some(quantized) = to.quantized.as_mut().filter(|_| !fused) {
            quantized.quantize(workers, isa, to.rows, width);
        }
        to.into_input()
    }
}

/// All heads of all lanes of all streams in one pass.
struct AttentionPass<'a> {
    attention: Attention,
    layer: usize,
    /// Of a unique borrow: the pass has their caches to itself.
    streams: &'a [AttentionStream<'a>],
    qkv: &'a [f32],
    y: DisjointMut<'a>,
    /// Quantizes the outputs of `heads_per_part` heads, which are a block.
    quantizer: Option<BlockQuantizer<'a>>,
    heads_per_part: usize,
}

impl AttentionPass<'_> {
    fn run<K: KvElement>(self, workers: &Workers<'_>, isa: Isa, scratch: &mut AttentionScratch) {
        let Self { attention, layer, streams, qkv, y, quantizer, heads_per_part } = self;
        let key_ring = |blocks: usize| blocks * LANES * attention.key_dim();
        let value_ring = |blocks: usize| blocks * LANES * attention.value_dim();
        for stream in streams {
            let cache = &stream.caches[layer];
            assert!(attention.ring_blocks(stream.steps) <= cache.blocks, "steps fit into the ring");
            assert!(cache.is_f32 == (size_of::<K>() == size_of::<f32>()), "one kind of elements");
            let (keys, values) = cache.lengths::<K>();
            let rings = stream.lanes * attention.heads;
            assert!(keys >= rings * key_ring(cache.blocks), "a ring for each lane and head");
            assert!(values >= rings * value_ring(cache.blocks), "a ring for each lane and head");
            let needed = attention.scratch_length(stream.steps);
            assert!(scratch.per_thread >= needed, "scratch for the window");
        }
        assert!(scratch.data.as_slice().len() >= workers.threads() * scratch.per_thread);
        let per_thread = scratch.per_thread;
        let scratch = DisjointMut::new(scratch.data.as_mut_slice());
        let run_head =
            |part: usize, stream: &AttentionStream<'_>, ring: usize, first_row: usize| {
                let cache = &stream.caches[layer];
                let (key_ring, value_ring) = (key_ring(cache.blocks), value_ring(cache.blocks));
                // SAFETY: the pass has the caches to itself, each head has a ring of its own and each part a
                // scratch of its own, inside the buffers by the assertions above.
                let head = unsafe {
                    let (keys, values) = cache.elements::<K>();
                    AttentionHead {
                        attention,
                        blocks: cache.blocks,
                        window: stream.window,
                        steps: stream.steps,
                        rope: stream.rope,
                        first_row,
                        head: ring % attention.heads,
                        qkv,
                        keys: keys.slice(ring * key_ring, key_ring),
                        values: values.slice(ring * value_ring, value_ring),
                        scratch: scratch.slice(part * per_thread, per_thread),
                        y,
                    }
                };
                // SAFETY: ring and scratch have the sizes asserted above, and each head its own columns of y.
                unsafe { isa.run(head) };
            };
        // One part per thread, so that each reads memory sequentially, and what a head prefetches is for
        // the next head of the same thread.
        let groups_of =
            |stream: &AttentionStream<'_>| stream.lanes * attention.heads / heads_per_part;
        let groups = streams.iter().map(groups_of).sum::<usize>();
        workers.parallel_ranges(groups, workers.threads().min(groups), |part, groups| {
            let (mut before, mut row) = (0, 0);
            for stream in streams {
                let count = groups_of(stream);
                let own = groups.start.max(before)..groups.end.min(before + count);
                for group in own {
                    let first = (group - before) * heads_per_part;
                    let first_row = row + first / attention.heads * stream.steps;
                    for ring in first..first + heads_per_part {
                        run_head(part, stream, ring, first_row);
                    }
                    if let Some(quantizer) = quantizer {
                        let block = first % attention.heads / heads_per_part;
                        let rows = first_row..first_row + stream.steps;
                        // SAFETY: the start of y, which holds all rows; the heads of the block are of this
                        // part, and done.
                        unsafe {
                            let x = y.at(0);
                            isa.run(QuantizeBlocks {
                                quantizer,
                                x,
                                blocks: block..block + 1,
                                rows,
                            });
                        }
                    }
                }
                before += count;
                row += stream.rows();
            }
        });
    }
}
