//! An encoder or decoder: patches and transformer stages in a row.

use super::patch;
use super::stage::{Stage, StageState};
use crate::config::{ModuleConfig, PASS_STEPS, finest};
use crate::error::CodecError;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Arena, AttentionScratch, Crew, Isa, Moments, Precision, Rounded};

/// Rows a frame up to which 4 bits are faster than 8. With more it is no longer memory that they wait
/// for, and then unfolding them only costs time, and their rounding only quality.
const FEW_ROWS: usize = 8;

/// What a stage with so many rows a frame is kept in where `precision` is wished for.
fn with_rows(precision: Precision, rows: usize) -> Precision {
    match precision {
        Precision::Int4 if rows > FEW_ROWS => Precision::Int8,
        other => other,
    }
}

enum Module {
    Patch(usize),
    Transformer(Box<Stage>),
}

/// Weights of one side of the model.
pub(crate) struct Stack {
    isa: Isa,
    precision: Precision,
    modules: Vec<Module>,
    downsample: bool,
    /// Steps and numbers a step that one frame has where it comes in.
    steps: usize,
    width: usize,
    /// Most frames of a pass.
    frames: usize,
}

/// Working memory of a pass, sized when a stream begins.
pub(super) struct Scratch {
    /// What flows from module to module, and where the next one puts its result.
    pub x: Vec<f32>,
    pub y: Vec<f32>,
    /// One row as wide as the stage.
    pub row: Vec<f32>,
    /// One row of the widest inner activation.
    pub wide: Vec<f32>,
    pub attention: AttentionScratch,
    /// Of the rows that flow through the layers of a stage.
    pub moments: Moments,
    /// Rows inside of a stage, and of its feed-forward blocks, for layers of integers.
    pub rounded: [Rounded; 2],
}

/// What a stack remembers of the stream, and its working memory.
pub(crate) struct StackState {
    lanes: usize,
    stages: Vec<StageState>,
    scratch: Scratch,
}

impl Stack {
    /// `scope` is `encoder` or `decoder`; a frame comes in as `steps` steps of `width` numbers.
    pub fn load(
        scope: &TensorScope<'_>,
        configs: &[ModuleConfig],
        downsample: bool,
        steps: usize,
        width: usize,
    ) -> Result<Self, CodecError> {
        let precision = scope.precision();
        let mut rows = steps;
        let load = |(i, config): (usize, &ModuleConfig)| {
            rows = config.steps_after(downsample, rows);
            Ok(match config {
                ModuleConfig::Patch { size } => Module::Patch(*size),
                ModuleConfig::Transformer(config) => {
                    let scope = scope.at(i).keeping(with_rows(precision, rows));
                    Module::Transformer(Box::new(Stage::load(&scope, config)?))
                }
            })
        };
        let modules = configs.iter().enumerate().map(load).collect::<Result<_, CodecError>>()?;
        let frames = (PASS_STEPS / finest(configs, downsample, steps)).max(1);
        Ok(Self { isa: Isa::best(), precision, modules, downsample, steps, width, frames })
    }

    /// Steps and numbers a step after `module`, from those before it.
    fn after(&self, module: &Module, (steps, width): (usize, usize)) -> (usize, usize) {
        match module {
            Module::Patch(size) if self.downsample => (steps / size, width * size),
            Module::Patch(size) => (steps * size, width / size),
            Module::Transformer(stage) => (steps, stage.output()),
        }
    }

    /// A state at the beginning of a stream of `lanes` lanes, for passes with `threads` threads.
    /// Allocates all that passes need.
    pub fn state(&self, lanes: usize, threads: usize) -> StackState {
        let mut shape = (self.steps * self.frames, self.width);
        let mut flow = shape.0 * shape.1;
        let (mut row, mut wide) = (0, 0);
        let arena = Arena::new();
        let mut stages = Vec::new();
        let mut attention = Vec::new();
        let mut rounded = [Vec::new(), Vec::new()];
        for module in &self.modules {
            if let Module::Transformer(stage) = module {
                let steps = shape.0;
                let sizes = stage.row_sizes();
                row = row.max(steps * sizes.0);
                wide = wide.max(steps * sizes.1);
                stages.push(stage.state(lanes, steps, self.precision, &arena));
                attention.push((stage.attention(), steps));
                for (rounded, input) in rounded.iter_mut().zip(stage.rounded_sizes()) {
                    rounded.push((lanes * steps, input));
                }
            }
            shape = self.after(module, shape);
            flow = flow.max(shape.0 * shape.1).max(row);
        }
        let zeros = |each: usize| vec![0f32; lanes * each];
        let scratch = Scratch {
            x: zeros(flow),
            y: zeros(flow),
            row: zeros(row),
            wide: zeros(wide),
            attention: AttentionScratch::new(&attention, threads),
            moments: Moments::new(rounded[0].iter().copied()),
            rounded: rounded.map(|layers| match self.precision.is_integer() {
                true => Rounded::new(layers.into_iter()),
                false => Rounded::default(),
            }),
        };
        StackState { lanes, stages, scratch }
    }

    /// Forgets the past and goes on as though `frame` frames had gone by. Realtime-safe.
    pub fn start_at(&self, state: &mut StackState, frame: u64) {
        let mut shape = (self.steps, self.width);
        let mut stages = state.stages.iter_mut();
        for module in &self.modules {
            if let Module::Transformer(_) = module
                && let Some(stage) = stages.next()
            {
                stage.start_at(frame * shape.0 as u64);
            }
            shape = self.after(module, shape);
        }
    }

    /// Most frames of one pass over the weights.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Numbers a frame has where it goes out.
    pub fn output(&self) -> usize {
        let shape = (self.steps, self.width);
        let (steps, width) = self.modules.iter().fold(shape, |shape, m| self.after(m, shape));
        steps * width
    }

    /// All frames of `x`, (lanes, frames, numbers a frame), into `y`, lane by lane the same way.
    /// Long inputs take several passes. Allocates nothing.
    pub fn forward(&self, crew: &Crew<'_>, state: &mut StackState, x: &[f32], y: &mut [f32]) {
        let (input, output) = (self.steps * self.width, self.output());
        let total = x.len() / (state.lanes * input);
        let mut from = 0;
        while from < total {
            let frames = (total - from).min(self.frames);
            let to = state.scratch.x.chunks_exact_mut(frames * input);
            for (x, to) in x.chunks_exact(total * input).zip(to) {
                to.copy_from_slice(&x[from * input..][..frames * input]);
            }
            self.pass(crew, state, frames);
            let from_x = state.scratch.x.chunks_exact(frames * output);
            for (y, x) in y.chunks_exact_mut(total * output).zip(from_x) {
                y[from * output..][..frames * output].copy_from_slice(x);
            }
            from += frames;
        }
    }

    /// `frames` frames of each lane, in `scratch.x`.
    fn pass(&self, crew: &Crew<'_>, state: &mut StackState, frames: usize) {
        let StackState { lanes, stages, scratch, .. } = state;
        let mut stages = stages.iter_mut();
        let mut shape = (self.steps * frames, self.width);
        for module in &self.modules {
            let next = self.after(module, shape);
            match module {
                Module::Patch(size) => {
                    let length = *lanes * shape.0 * shape.1;
                    let (x, y) = (&scratch.x[..length], &mut scratch.y[..length]);
                    if self.downsample {
                        patch::fold(x, *size, shape.1, y);
                    } else {
                        patch::unfold(x, *size, next.1, y);
                    }
                    std::mem::swap(&mut scratch.x, &mut scratch.y);
                }
                Module::Transformer(stage) => {
                    if let Some(state) = stages.next() {
                        stage.forward(crew, self.isa, *lanes, shape.0, state, scratch);
                    }
                }
            }
            shape = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bits_are_for_stages_of_few_rows() {
        assert_eq!(with_rows(Precision::Int4, 1), Precision::Int4);
        assert_eq!(with_rows(Precision::Int4, 8), Precision::Int4);
        assert_eq!(with_rows(Precision::Int4, 9), Precision::Int8);
        for other in [Precision::F32, Precision::Bf16, Precision::Int8] {
            assert_eq!(with_rows(other, 32), other);
        }
    }
}
