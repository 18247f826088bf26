//! Transformer stage: projections around layers.

use super::feed_forward::FeedForwardBlock;
use super::layer::{StagePass, TransformerLayer};
use super::linear;
use super::sinusoids::Sinusoids;
use super::stack::{StackMember, StackScratch};
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{
    Arena, Attention, AttentionStream, AttentionWindow, Epilogue, Isa, KvCache, Linear,
    LinearInput, PostOp, Precision, RopeTable, Workers,
};

/// Weights of a stage.
pub(super) struct TransformerStage {
    config: TransformerConfig,
    input: Option<Linear>,
    sinusoids: Option<Sinusoids>,
    layers: Vec<TransformerLayer>,
    output: Option<Linear>,
}

/// Streaming state of a stage.
pub(super) struct TransformerStageState {
    /// Position of the next step.
    position: u64,
    /// Position that the stream started at.
    start: u64,
    rope: Option<RopeTable>,
    /// KV cache of each layer.
    caches: Vec<KvCache>,
}

impl TransformerStageState {
    /// Returns the state as attention takes it, for `steps` rows of each of `lanes` lanes.
    pub fn stream(&mut self, lanes: usize, steps: usize) -> AttentionStream<'_> {
        AttentionStream {
            lanes,
            steps,
            window: AttentionWindow { position: self.position, start: self.start },
            rope: self.rope.as_ref(),
            caches: &mut self.caches,
        }
    }

    /// Restarts the stream at `position`. Realtime-safe: cached positions before the start are masked, so
    /// that the caches need no clearing.
    pub fn start_at(&mut self, position: u64) {
        self.position = position;
        self.start = position;
    }
}

impl TransformerStage {
    /// Loads a stage; `scope` is the module's, such as `encoder.1`.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let layers = scope.at("transformer.layers");
        let TransformerConfig { input, output, width, .. } = *config;
        let sinusoids = || Sinusoids::new(width, config.max_period, config.positional_scale);
        Ok(Self {
            input: linear::load_projection(scope, tensor_names::INPUT_PROJECTION, width, input)?,
            sinusoids: config.positions.sin.then(sinusoids),
            layers: (0..config.layers)
                .map(|i| TransformerLayer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: linear::load_projection(scope, tensor_names::OUTPUT_PROJECTION, output, width)?,
            config: config.clone(),
        })
    }

    /// Returns the width of a row of the result.
    pub fn output(&self) -> usize {
        self.config.output
    }

    /// Returns the width of a row inside the stage, and the scratch per row: the larger of that of queries,
    /// keys and values and that of the feed-forward block, in f32.
    pub fn row_sizes(&self) -> (usize, usize) {
        let width = self.config.width;
        (width, (3 * width).max(FeedForwardBlock::scratch(&self.config)))
    }

    /// Returns the widths of rows that are quantized for linear layers: inside the stage, and inside the
    /// feed-forward block.
    pub fn quantized_widths(&self) -> [usize; 2] {
        [self.config.width, FeedForwardBlock::hidden(&self.config)]
    }

    /// Returns the dimensions of the attention layers.
    pub fn attention(&self) -> Attention {
        self.config.attention()
    }

    /// Allocates the state of a stream that starts at 0, for passes of at most `steps` steps.
    pub fn state(
        &self,
        lanes: usize,
        steps: usize,
        precision: Precision,
        arena: &Arena,
    ) -> TransformerStageState {
        let attention = self.attention();
        let rope = || RopeTable::new(attention.head_dim, self.config.max_period, steps);
        TransformerStageState {
            position: 0,
            start: 0,
            rope: self.config.positions.rope.then(rope),
            caches: self
                .layers
                .iter()
                .map(|_| KvCache::new(&attention, lanes, steps, precision, arena))
                .collect(),
        }
    }

    /// Transforms `scratch.x` in place, (rows, input) -> (rows, output), and advances the members' states,
    /// each its number `index`. The rows are those of the members' lanes one after the other, with `steps`
    /// steps of each frame.
    pub fn forward(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        index: usize,
        steps: usize,
        members: &mut [StackMember<'_>],
        scratch: &mut StackScratch,
    ) {
        let TransformerConfig { input, output, width, .. } = self.config;
        let rows = members.iter().map(StackMember::lane_frames).sum::<usize>() * steps;
        if let Some(projection) = &self.input {
            project(workers, isa, projection, (rows, input, width), scratch);
        }
        let mut x = std::mem::take(&mut scratch.x);
        let inside = &mut x[..rows * width];
        let mut rest = &mut *inside;
        for member in &mut *members {
            let of_lane = member.frames * steps;
            let (own, others) = rest.split_at_mut(member.lanes * of_lane * width);
            rest = others;
            let state = &mut member.stages[index];
            if let Some(sinusoids) = &self.sinusoids {
                let lanes = own.chunks_exact_mut(of_lane * width);
                lanes.for_each(|x| sinusoids.add(state.position, x));
            }
            if let Some(rope) = &mut state.rope {
                rope.fill(state.position, of_lane);
            }
        }
        let pass = StagePass { workers, isa, attention: self.attention() };
        match &mut *members {
            // The usual case allocates nothing.
            [member] => self.layers(&pass, &mut [member.stream(index, steps)], inside, scratch),
            members => {
                let streams = members.iter_mut().map(|member| member.stream(index, steps));
                self.layers(&pass, &mut streams.collect::<Vec<_>>(), inside, scratch);
            }
        }
        scratch.x = x;
        for member in members {
            member.stages[index].position += (member.frames * steps) as u64;
        }
        if let Some(projection) = &self.output {
            project(workers, isa, projection, (rows, width, output), scratch);
        }
    }

    /// Runs all layers on the rows of `x`, in place.
    fn layers(
        &self,
        pass: &StagePass<'_>,
        streams: &mut [AttentionStream<'_>],
        x: &mut [f32],
        scratch: &mut StackScratch,
    ) {
        scratch.moments.compute(pass.workers, pass.isa, x, self.config.width);
        for (index, layer) in self.layers.iter().enumerate() {
            layer.forward(pass, index, streams, x, scratch);
        }
    }
}

/// Projects `scratch.x`, (rows, input) -> (rows, output).
fn project(
    workers: &Workers<'_>,
    isa: Isa,
    projection: &Linear,
    (rows, input, output): (usize, usize, usize),
    scratch: &mut StackScratch,
) {
    let (x, y) = (&scratch.x[..rows * input], &mut scratch.y[..rows * output]);
    projection.forward(workers, isa, LinearInput::F32(x), y, Epilogue::Store, PostOp::None);
    std::mem::swap(&mut scratch.x, &mut scratch.y);
}
