//! A transformer stage: projections around layers.

use super::feed_forward::FeedForwardBlock;
use super::layer::{Layer, Pass};
use super::linear;
use super::sinusoids::Sinusoids;
use super::stack::Scratch;
use crate::config::TransformerConfig;
use crate::error::CodecError;
use crate::tensor_names;
use crate::tensor_scope::TensorScope;
use residue_kernels::{
    Arena, Attention, Crew, Epilogue, Isa, KeyValues, Linear, Precision, Rotation, Rows, Then,
    Window,
};

/// Weights of one stage.
pub(super) struct Stage {
    config: TransformerConfig,
    input: Option<Linear>,
    sinusoids: Option<Sinusoids>,
    layers: Vec<Layer>,
    output: Option<Linear>,
}

/// What a stage remembers of the stream.
pub(super) struct StageState {
    /// Position of the next step.
    position: u64,
    /// Position the stream started at.
    start: u64,
    rotation: Option<Rotation>,
    past: Vec<KeyValues>,
}

impl StageState {
    /// Forgets the past. Realtime-safe: what the rings hold is never looked at before it is
    /// written again.
    pub fn start_at(&mut self, position: u64) {
        self.position = position;
        self.start = position;
    }
}

impl Stage {
    /// `scope` is the module's, such as `encoder.1`.
    pub fn load(scope: &TensorScope<'_>, config: &TransformerConfig) -> Result<Self, CodecError> {
        let layers = scope.at("transformer.layers");
        let TransformerConfig { input, output, width, .. } = *config;
        let sinusoids = || Sinusoids::new(width, config.max_period, config.positional_scale);
        Ok(Self {
            input: linear::load_projection(scope, tensor_names::INPUT_PROJECTION, width, input)?,
            sinusoids: config.positions.sin.then(sinusoids),
            layers: (0..config.layers)
                .map(|i| Layer::load(&layers.at(i), config))
                .collect::<Result<_, _>>()?,
            output: linear::load_projection(scope, tensor_names::OUTPUT_PROJECTION, output, width)?,
            config: config.clone(),
        })
    }

    /// Numbers a row of the result has.
    pub fn output(&self) -> usize {
        self.config.output
    }

    /// Numbers a row has inside, and of scratch: one as wide as the stage, one for the widest of
    /// queries, keys and values, and the feed-forward block.
    pub fn row_sizes(&self) -> (usize, usize) {
        let width = self.config.width;
        (width, (3 * width).max(FeedForwardBlock::scratch(&self.config)))
    }

    /// Numbers a row of what is rounded for linear layers: inside, and in the feed-forward block.
    pub fn rounded_sizes(&self) -> [usize; 2] {
        [self.config.width, FeedForwardBlock::hidden(&self.config)]
    }

    pub fn attention(&self) -> Attention {
        let TransformerConfig { width, heads, context, .. } = self.config;
        Attention { heads, head: width / heads, context }
    }

    /// An empty state for passes of at most `steps` steps.
    pub fn state(
        &self,
        lanes: usize,
        steps: usize,
        precision: Precision,
        arena: &Arena,
    ) -> StageState {
        let sizes = self.attention();
        let rotation = || Rotation::new(sizes.head, self.config.max_period, steps);
        StageState {
            position: 0,
            start: 0,
            rotation: self.config.positions.rope.then(rotation),
            past: self
                .layers
                .iter()
                .map(|_| KeyValues::new(&sizes, lanes, steps, precision, arena))
                .collect(),
        }
    }

    /// (lanes * steps, input) in `scratch.x` -> (lanes * steps, output) in there, advancing `state`.
    pub fn forward(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        lanes: usize,
        steps: usize,
        state: &mut StageState,
        scratch: &mut Scratch,
    ) {
        let TransformerConfig { input, output, width, .. } = self.config;
        let rows = lanes * steps;
        if let Some(projection) = &self.input {
            let (x, y) = (&scratch.x[..rows * input], &mut scratch.y[..rows * width]);
            projection.forward(crew, isa, Rows::Floats(x), y, Epilogue::Store, Then::Nothing);
            std::mem::swap(&mut scratch.x, &mut scratch.y);
        }
        let mut x = std::mem::take(&mut scratch.x);
        let inside = &mut x[..rows * width];
        if let Some(sinusoids) = &self.sinusoids {
            inside.chunks_exact_mut(steps * width).for_each(|x| sinusoids.add(state.position, x));
        }
        if let Some(rotation) = &mut state.rotation {
            rotation.fill(state.position, steps);
        }
        let pass = Pass {
            crew,
            isa,
            lanes,
            window: Window { position: state.position, start: state.start },
            attention: self.attention(),
            rotation: state.rotation.as_ref(),
        };
        scratch.moments.note(crew, isa, inside, width);
        for (layer, past) in self.layers.iter().zip(&mut state.past) {
            layer.forward(&pass, inside, past, scratch);
        }
        scratch.x = x;
        state.position += steps as u64;
        if let Some(projection) = &self.output {
            let (x, y) = (&scratch.x[..rows * width], &mut scratch.y[..rows * output]);
            projection.forward(crew, isa, Rows::Floats(x), y, Epilogue::Store, Then::Nothing);
            std::mem::swap(&mut scratch.x, &mut scratch.y);
        }
    }
}
