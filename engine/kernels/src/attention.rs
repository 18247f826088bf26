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
    /// Computes attention of `lanes` lanes and appends their keys and values to `cache`.
    ///
    /// `qkv` is (lanes * steps, heads, 3, head_dim): each row holds query, key and value of each head.
    /// Queries and keys are rotated by `rope`. Writes (lanes * steps, heads * head_dim) to `to` and returns
    /// it. Does not allocate; blocks on nothing but the workers.
    ///
    /// # Panics
    /// If the lengths do not match, or there are more steps or threads than `cache`, `scratch` and `to`
    /// have room for.
    #[allow(clippy::too_many_arguments, reason = "a layer's inputs, outputs and state")]
    pub fn forward<'a>(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        lanes: usize,
        window: AttentionWindow,
        rope: Option<&RopeTable>,
        qkv: &[f32],
        cache: &mut KvCache,
        scratch: &mut AttentionScratch,
        mut to: LinearInputBuffer<'a>,
    ) -> LinearInput<'a> {
        let width = self.heads * self.head_dim;
        let steps = to.rows.len() / (lanes * width);
        assert!(to.rows.len() == lanes * steps * width, "rows of all lanes");
        assert!(qkv.len() == 3 * to.rows.len(), "rows of queries, keys and values");
        // Heads whose outputs together are a quantization block are quantized by their thread.
        let heads_per_block = QUANT_BLOCK / self.head_dim;
        let fused = heads_per_block * self.head_dim == QUANT_BLOCK
            && self.heads.is_multiple_of(heads_per_block);
        let quantizer = to.quantized.as_mut().filter(|_| fused);
        let quantizer = quantizer.map(|quantized| quantized.begin(lanes * steps, width));
        let pass = AttentionPass {
            attention: *self,
            window,
            rope,
            lanes,
            steps,
            qkv,
            y: DisjointMut::new(to.rows),
            quantizer,
            heads_per_part: if quantizer.is_some() { heads_per_block } else { 1 },
        };
        if cache.is_f32 {
            pass.run::<f32>(workers, isa, cache, scratch);
        } else {
            pass.run::<bf16>(workers, isa, cache, scratch);
        }
        if let Some(quantized) = to.quantized.as_mut().filter(|_| !fused) {
            quantized.quantize(workers, isa, to.rows, width);
        }
        to.into_input()
    }
}

/// All heads of all lanes in one pass.
struct AttentionPass<'a> {
    attention: Attention,
    window: AttentionWindow,
    rope: Option<&'a RopeTable>,
    lanes: usize,
    steps: usize,
    qkv: &'a [f32],
    y: DisjointMut<'a>,
    /// Quantizes the outputs of `heads_per_part` heads, which are a block.
    quantizer: Option<BlockQuantizer<'a>>,
    heads_per_part: usize,
}

impl AttentionPass<'_> {
    fn run<K: KvElement>(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        cache: &mut KvCache,
        scratch: &mut AttentionScratch,
    ) {
        let Self { attention, window, rope, lanes, steps, qkv, y, quantizer, heads_per_part } =
            *self;
        assert!(attention.ring_blocks(steps) <= cache.blocks, "steps fit into the ring");
        // SAFETY: any bits are valid f32 and bf16, whose alignment divides 64.
        let (keys, values) =
            unsafe { (cache.keys.as_mut_elements::<K>(), cache.values.as_mut_elements::<K>()) };
        let positions = cache.blocks * LANES;
        let (key_ring, value_ring) =
            (positions * attention.key_dim(), positions * attention.value_dim());
        let rings = lanes * attention.heads;
        assert!(keys.len() >= rings * key_ring, "a ring for each lane and head");
        assert!(values.len() >= rings * value_ring, "a ring for each lane and head");
        assert!(scratch.per_thread >= attention.scratch_length(steps), "scratch for the window");
        assert!(scratch.data.as_slice().len() >= workers.threads() * scratch.per_thread);
        let per_thread = scratch.per_thread;
        let scratch = DisjointMut::new(scratch.data.as_mut_slice());
        let (keys, values) = (DisjointMut::new(keys), DisjointMut::new(values));
        let blocks = cache.blocks;
        let run_head = |part: usize, ring: usize| {
            // SAFETY: each head has a ring of its own and each part a scratch of its own, inside the
            // buffers by the assertions above.
            let head = unsafe {
                AttentionHead {
                    attention,
                    blocks,
                    window,
                    steps,
                    rope,
                    lane: ring / attention.heads,
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
        let groups = rings / heads_per_part;
        workers.parallel_ranges(groups, workers.threads().min(groups), |part, groups| {
            for group in groups {
                let first = group * heads_per_part;
                (first..first + heads_per_part).for_each(|ring| run_head(part, ring));
                if let Some(quantizer) = quantizer {
                    let lane = first / attention.heads;
                    let block = first % attention.heads / heads_per_part;
                    let rows = lane * steps..(lane + 1) * steps;
                    // SAFETY: the start of y, which holds all rows; the heads of the block are of this part,
                    // and done.
                    unsafe {
                        let x = y.at(0);
                        isa.run(QuantizeBlocks { quantizer, x, blocks: block..block + 1, rows });
                    }
                }
            }
        });
    }
}
