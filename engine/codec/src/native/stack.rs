//! Encoder or decoder: a sequence of patches and transformer stages.

use std::sync::{Mutex, PoisonError};

use super::patch;
use super::stage::{TransformerStage, TransformerStageState};
use crate::config::{ModuleConfig, finest};
use crate::error::CodecError;
use crate::limits::{MAX_PASS_STEPS, MAX_SHARED_STEPS};
use crate::tensor_scope::TensorScope;
use residue_kernels::{
    Arena, AttentionScratch, AttentionStream, Isa, Moments, Precision, QuantizedRows, Workers,
};

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
    /// Scratch memory of passes that states share, and the frames that it is for, those of all lanes together.
    /// Grows with the first passes.
    shared: Mutex<(usize, Option<Box<StackScratch>>)>,
}

/// Scratch memory of a pass. That of a state alone is allocated when its stream begins.
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

/// One state in a pass, with its lanes and the frames of each.
pub(super) struct StackMember<'a> {
    pub lanes: usize,
    pub frames: usize,
    pub stages: &'a mut [TransformerStageState],
}

impl StackMember<'_> {
    /// Returns the frames of all lanes.
    pub fn lane_frames(&self) -> usize {
        self.lanes * self.frames
    }

    /// Returns the state of stage `index` as attention takes it, with `steps` steps of each frame.
    pub fn stream(&mut self, index: usize, steps: usize) -> AttentionStream<'_> {
        self.stages[index].stream(self.lanes, self.frames * steps)
    }
}

/// The next frames of a state, to be computed with those of others: `x` (lanes, frames, numbers per frame of the
/// input) to `y`, of the same form.
pub(crate) struct StackFrames<'a> {
    pub state: &'a mut NativeStackState,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
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
        let shared = Mutex::default();
        Ok(Self { isa: Isa::best(), precision, modules, downsample, steps, width, frames, shared })
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
        let arena = Arena::new();
        let state = |(stage, steps): (&TransformerStage, usize)| {
            stage.state(lanes, steps * self.frames, self.precision, &arena)
        };
        let stages = self.stages().map(state).collect();
        NativeStackState { lanes, stages, scratch: self.scratch(lanes * self.frames, threads) }
    }

    /// Allocates the memory of passes of at most `lane_frames` frames, those of all lanes together, with
    /// `threads` threads.
    fn scratch(&self, lane_frames: usize, threads: usize) -> StackScratch {
        let mut shape = (self.steps, self.width);
        let mut between = shape.0 * shape.1;
        for module in &self.modules {
            shape = self.shape_after(module, shape);
            between = between.max(shape.0 * shape.1);
        }
        let (mut row, mut wide) = (0, 0);
        let mut attention = Vec::new();
        let mut quantized = [Vec::new(), Vec::new()];
        for (stage, steps) in self.stages() {
            let sizes = stage.row_sizes();
            row = row.max(steps * sizes.0);
            wide = wide.max(steps * sizes.1);
            attention.push((stage.attention(), steps * self.frames));
            for (shapes, input) in quantized.iter_mut().zip(stage.quantized_widths()) {
                shapes.push((lane_frames * steps, input));
            }
        }
        let zeros = |per_frame: usize| vec![0f32; lane_frames * per_frame];
        StackScratch {
            x: zeros(between.max(row)),
            y: zeros(between.max(row)),
            row: zeros(row),
            wide: zeros(wide),
            attention: AttentionScratch::new(&attention, threads),
            moments: Moments::new(quantized[0].iter().copied()),
            quantized: quantized.map(|shapes| match self.precision.is_integer() {
                true => QuantizedRows::new(shapes.into_iter()),
                false => QuantizedRows::default(),
            }),
        }
    }

    /// Returns the stages, each with its steps per frame.
    fn stages(&self) -> impl Iterator<Item = (&TransformerStage, usize)> {
        let mut shape = (self.steps, self.width);
        self.modules.iter().filter_map(move |module| {
            let steps = shape.0;
            shape = self.shape_after(module, shape);
            match module {
                Module::Patch(_) => None,
                Module::Transformer(stage) => Some((&**stage, steps)),
            }
        })
    }

    /// Resets the state to that of a stream whose next frame is `frame`, with nothing before it.
    /// Realtime-safe.
    pub fn start_at(&self, state: &mut NativeStackState, frame: u64) {
        for (state, (_, steps)) in state.stages.iter_mut().zip(self.stages()) {
            state.start_at(frame * steps as u64);
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
            let NativeStackState { lanes, stages, scratch } = &mut *state;
            let mut member = StackMember { lanes: *lanes, frames, stages };
            self.pass(workers, std::slice::from_mut(&mut member), scratch);
            let from_x = state.scratch.x.chunks_exact(frames * output);
            for (y, x) in y.chunks_exact_mut(total * output).zip(from_x) {
                y[from * output..][..frames * output].copy_from_slice(x);
            }
            from += frames;
        }
    }

    /// Computes the frames of several states in as few passes over the weights as their rows allow. Each state's
    /// frames are at most [`NativeStack::frames`], and its result is the one of [`NativeStack::forward`].
    /// `threads` is the most that any pass has. Allocates.
    pub fn forward_together(
        &self,
        workers: &Workers<'_>,
        threads: usize,
        mut parts: &mut [StackFrames<'_>],
    ) {
        let input = self.steps * self.width;
        let lane_frames = |part: &StackFrames<'_>| part.x.len() / input;
        let most = MAX_SHARED_STEPS / self.stages().map(|(_, steps)| steps).max().unwrap_or(1);
        while let [first, rest @ ..] = &*parts {
            let (mut total, mut count) = (lane_frames(first), 1);
            for part in rest {
                if total + lane_frames(part) > most {
                    break;
                }
                total += lane_frames(part);
                count += 1;
            }
            let (now, later) = std::mem::take(&mut parts).split_at_mut(count);
            self.shared_pass(workers, threads, now, total);
            parts = later;
        }
    }

    /// Computes all `parts` in one pass of `total` frames, those of all lanes together.
    fn shared_pass(
        &self,
        workers: &Workers<'_>,
        threads: usize,
        parts: &mut [StackFrames<'_>],
        total: usize,
    ) {
        let (input, output) = (self.steps * self.width, self.output());
        // A pass that panicked left its scratch out, and the next one allocates another.
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let (room, scratch) = std::mem::take(&mut *shared);
        let (room, mut scratch) = match scratch {
            Some(scratch) if room >= total => (room, scratch),
            _ => (total, Box::new(self.scratch(total, threads))),
        };
        let mut to = &mut scratch.x[..];
        for part in &*parts {
            let (own, others) = to.split_at_mut(part.x.len());
            own.copy_from_slice(part.x);
            to = others;
        }
        let mut members: Vec<StackMember<'_>> = parts
            .iter_mut()
            .map(|part| StackMember {
                lanes: part.state.lanes,
                frames: part.x.len() / (part.state.lanes * input),
                stages: &mut part.state.stages,
            })
            .collect();
        self.pass(workers, &mut members, &mut scratch);
        let mut from = &scratch.x[..];
        for part in parts {
            let (own, others) = from.split_at(part.x.len() / input * output);
            part.y.copy_from_slice(own);
            from = others;
        }
        *shared = (room, Some(scratch));
    }

    /// Computes the frames of all members in `scratch.x`, in place.
    fn pass(
        &self,
        workers: &Workers<'_>,
        members: &mut [StackMember<'_>],
        scratch: &mut StackScratch,
    ) {
        let lane_frames = members.iter().map(StackMember::lane_frames).sum::<usize>();
        let mut index = 0;
        let mut shape = (self.steps, self.width);
        for module in &self.modules {
            let next = self.shape_after(module, shape);
            match module {
                Module::Patch(size) => {
                    let length = lane_frames * shape.0 * shape.1;
                    let (x, y) = (&scratch.x[..length], &mut scratch.y[..length]);
                    if self.downsample {
                        patch::patchify(x, *size, shape.1, y);
                    } else {
                        patch::unpatchify(x, *size, next.1, y);
                    }
                    std::mem::swap(&mut scratch.x, &mut scratch.y);
                }
                Module::Transformer(stage) => {
                    stage.forward(workers, self.isa, index, shape.0, members, scratch);
                    index += 1;
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
