//! Encoder or decoder: a sequence of patches and transformer stages.

use super::patch;
use super::stage::{TransformerStage, TransformerStageState};
use crate::config::{ModuleConfig, finest};
use crate::error::CodecError;
use crate::limits::MAX_PASS_STEPS;
use crate::tensor_scope::TensorScope;
use residue_kernels::{Arena, AttentionScratch, Isa, Moments, Precision, QuantizedRows, Workers};

/// Rows per frame up to which int4 is faster than int8. With more rows memory bandwidth no longer is the
/// limit: int4 would cost the time to unpack it, and quality, for nothing.
const MAX_INT4_ROWS: usize = 8;

/// Returns the precision of a stage with so many rows per frame when `precision` is requested.
fn stage_precision(precision: Precision, rows: usize) -> Precision {
    match precision {
        Precision::Int4 if rows > MAX_INT4_ROWS => Precision::Int8,
        other => other,
    }
}

enum Module {
    Patch(usize),
    Transformer(Box<TransformerStage>),
}

/// Weights of the encoder or the decoder.
pub(crate) struct NativeStack {
    isa: Isa,
    precision: Precision,
    modules: Vec<Module>,
    downsample: bool,
    /// Steps of a frame of the input, and numbers per step.
    steps: usize,
    width: usize,
    /// Maximum number of frames of a pass.
    frames: usize,
}

/// Scratch memory of a pass, allocated when a stream begins.
pub(super) struct StackScratch {
    /// Input of the next module, and its output.
    pub x: Vec<f32>,
    pub y: Vec<f32>,
    /// Rows as wide as the stage.
    pub row: Vec<f32>,
    /// Rows of the widest inner activation.
    pub wide: Vec<f32>,
    pub attention: AttentionScratch,
    /// Moments of the rows between the layers of a stage.
    pub moments: Moments,
    /// Quantized inputs of integer layers, inside a stage and inside its feed-forward blocks.
    pub quantized: [QuantizedRows; 2],
}

/// Streaming state of a stack, with its scratch memory.
pub(crate) struct NativeStackState {
    lanes: usize,
    stages: Vec<TransformerStageState>,
    scratch: StackScratch,
}

impl NativeStack {
    /// Loads a stack; `scope` is `encoder` or `decoder`, and a frame of its input is `steps` steps of `width`
    /// numbers.
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
                    let scope = scope.at(i).keeping(stage_precision(precision, rows));
                    Module::Transformer(Box::new(TransformerStage::load(&scope, config)?))
                }
            })
        };
        let modules = configs.iter().enumerate().map(load).collect::<Result<_, CodecError>>()?;
        let frames = (MAX_PASS_STEPS / finest(configs, downsample, steps)).max(1);
        Ok(Self { isa: Isa::best(), precision, modules, downsample, steps, width, frames })
    }

    /// Returns steps and numbers per step after `module`, from those before it.
    fn shape_after(&self, module: &Module, (steps, width): (usize, usize)) -> (usize, usize) {
        match module {
            Module::Patch(size) if self.downsample => (steps / size, width * size),
            Module::Patch(size) => (steps * size, width / size),
            Module::Transformer(stage) => (steps, stage.output()),
        }
    }

    /// Allocates the state of a stream of `lanes` lanes and all memory of its passes with `threads` threads.
    pub fn state(&self, lanes: usize, threads: usize) -> NativeStackState {
        let mut shape = (self.steps * self.frames, self.width);
        let mut between = shape.0 * shape.1;
        let (mut row, mut wide) = (0, 0);
        let arena = Arena::new();
        let mut stages = Vec::new();
        let mut attention = Vec::new();
        let mut quantized = [Vec::new(), Vec::new()];
        for module in &self.modules {
            if let Module::Transformer(stage) = module {
                let steps = shape.0;
                let sizes = stage.row_sizes();
                row = row.max(steps * sizes.0);
                wide = wide.max(steps * sizes.1);
                stages.push(stage.state(lanes, steps, self.precision, &arena));
                attention.push((stage.attention(), steps));
                for (shapes, input) in quantized.iter_mut().zip(stage.quantized_widths()) {
                    shapes.push((lanes * steps, input));
                }
            }
            shape = self.shape_after(module, shape);
            between = between.max(shape.0 * shape.1).max(row);
        }
        let zeros = |per_lane: usize| vec![0f32; lanes * per_lane];
        let scratch = StackScratch {
            x: zeros(between),
            y: zeros(between),
            row: zeros(row),
            wide: zeros(wide),
            attention: AttentionScratch::new(&attention, threads),
            moments: Moments::new(quantized[0].iter().copied()),
            quantized: quantized.map(|shapes| match self.precision.is_integer() {
                true => QuantizedRows::new(shapes.into_iter()),
                false => QuantizedRows::default(),
            }),
        };
        NativeStackState { lanes, stages, scratch }
    }

    /// Resets the state to that of a stream whose next frame is `frame`, with nothing before it.
    /// Realtime-safe.
    pub fn start_at(&self, state: &mut NativeStackState, frame: u64) {
        let mut shape = (self.steps, self.width);
        let mut stages = state.stages.iter_mut();
        for module in &self.modules {
            if let Module::Transformer(_) = module
                && let Some(stage) = stages.next()
            {
                stage.start_at(frame * shape.0 as u64);
            }
            shape = self.shape_after(module, shape);
        }
    }

    /// Returns the maximum number of frames of one pass over the weights.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Returns the numbers per frame of the output.
    pub fn output(&self) -> usize {
        let shape = (self.steps, self.width);
        let (steps, width) =
            self.modules.iter().fold(shape, |shape, module| self.shape_after(module, shape));
        steps * width
    }

    /// Computes all frames of `x`, (lanes, frames, numbers per frame), into `y`, of the same form, in as many
    /// passes as needed. Does not allocate.
    pub fn forward(
        &self,
        workers: &Workers<'_>,
        state: &mut NativeStackState,
        x: &[f32],
        y: &mut [f32],
    ) {
        let (input, output) = (self.steps * self.width, self.output());
        let total = x.len() / (state.lanes * input);
        let mut from = 0;
        while from < total {
            let frames = (total - from).min(self.frames);
            let to = state.scratch.x.chunks_exact_mut(frames * input);
            for (x, to) in x.chunks_exact(total * input).zip(to) {
                to.copy_from_slice(&x[from * input..][..frames * input]);
            }
            self.pass(workers, state, frames);
            let from_x = state.scratch.x.chunks_exact(frames * output);
            for (y, x) in y.chunks_exact_mut(total * output).zip(from_x) {
                y[from * output..][..frames * output].copy_from_slice(x);
            }
            from += frames;
        }
    }

    /// Computes `frames` frames of each lane in `scratch.x`, in place.
    fn pass(&self, workers: &Workers<'_>, state: &mut NativeStackState, frames: usize) {
        let NativeStackState { lanes, stages, scratch, .. } = state;
        let mut stages = stages.iter_mut();
        let mut shape = (self.steps * frames, self.width);
        for module in &self.modules {
            let next = self.shape_after(module, shape);
            match module {
                Module::Patch(size) => {
                    let length = *lanes * shape.0 * shape.1;
                    let (x, y) = (&scratch.x[..length], &mut scratch.y[..length]);
                    if self.downsample {
                        patch::patchify(x, *size, shape.1, y);
                    } else {
                        patch::unpatchify(x, *size, next.1, y);
                    }
                    std::mem::swap(&mut scratch.x, &mut scratch.y);
                }
                Module::Transformer(stage) => {
                    if let Some(state) = stages.next() {
                        stage.forward(workers, self.isa, *lanes, shape.0, state, scratch);
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
    fn int4_is_for_stages_of_few_rows() {
        assert_eq!(stage_precision(Precision::Int4, 1), Precision::Int4);
        assert_eq!(stage_precision(Precision::Int4, 8), Precision::Int4);
        assert_eq!(stage_precision(Precision::Int4, 9), Precision::Int8);
        for other in [Precision::F32, Precision::Bf16, Precision::Int8] {
            assert_eq!(stage_precision(other, 32), other);
        }
    }
}
