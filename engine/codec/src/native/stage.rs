//! Transformer stage: projections around layers.

use super::feed_forward::FeedForwardBlock;
use super::layer::{StagePass, TransformerLayer};
use super::linear;
use super::sinusoids::Sinusoids;
use super::stack::StackScratch;
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{
    Arena, Attention, AttentionWindow, Epilogue, Isa, KvCache, Linear, LinearInput, PostOp,
    Precision, RopeTable, Workers,
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

    /// Transforms `scratch.x` in place, (lanes * steps, input) -> (lanes * steps, output), and advances
    /// `state` by `steps` positions.
    pub fn forward(
        &self,
        workers: &Workers<'_>,
        isa: Isa,
        lanes: usize,
        steps: usize,
        state: &mut TransformerStageState,
        scratch: &mut StackScratch,
    ) {
        let TransformerConfig { input, output, width, .. } = self.config;
        let rows = lanes * steps;
        if let Some(projection) = &self.input {
            project(workers, isa, projection, (rows, input, width), scratch);
        }
        let mut x = std::mem::take(&mut scratch.x);
        let inside = &mut x[..rows * width];
        if let Some(sinusoids) = &self.sinusoids {
            inside.chunks_exact_mut(steps * width).for_each(|x| sinusoids.add(state.position, x));
        }
        if let Some(rope) = &mut state.rope {
            rope.fill(state.position, steps);
        }
        let pass = StagePass {
            workers,
            isa,
            lanes,
            window: AttentionWindow { position: state.position, start: state.start },
            attention: self.attention(),
            rope: state.rope.as_ref(),
        };
        scratch.moments.compute(workers, isa, inside, width);
        for (layer, cache) in self.layers.iter().zip(&mut state.caches) {
            layer.forward(&pass, inside, cache, scratch);
        }
        scratch.x = x;
        state.position += steps as u64;
        if let Some(projection) = &self.output {
            project(workers, isa, projection, (rows, width, output), scratch);
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
