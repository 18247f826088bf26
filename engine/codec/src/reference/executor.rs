//! Encoder and decoder stacks on candle, with the device and the threads that run them.

use candle_core::{Device, Tensor};

use super::{CandleStack, CandleStackState};
use crate::config::{CodecConfig, finest};
use crate::error::CodecError;
use crate::options::CodecParts;
use crate::stacks::{PerStack, StackRole};
use crate::tensor_scope::TensorScope;

/// Maximum number of steps of a lane in one pass: attention takes memory by their square.
const MAX_PASS_STEPS: usize = 1024;

/// The loaded stacks on a device.
pub(crate) struct CandleExecutor {
    pool: rayon::ThreadPool,
    device: Device,
    stacks: PerStack<FramedStack>,
}

/// A stack with the shape of its frames.
struct FramedStack {
    stack: CandleStack,
    steps: usize,
    width: usize,
    /// Maximum number of frames of a pass.
    frames: usize,
}

/// State of one stack for lanes that advance together.
pub(crate) struct CandleState {
    lanes: usize,
    stack: CandleStackState,
}

impl CandleExecutor {
    /// Loads the stacks among `parts`, on the threads of `pool`.
    ///
    /// # Errors
    /// If weights are missing or of another shape, or the device fails.
    pub fn load(
        config: &CodecConfig,
        root: &TensorScope<'_>,
        parts: CodecParts,
        pool: rayon::ThreadPool,
        device: Device,
    ) -> Result<Self, CodecError> {
        let stacks = pool.install(|| {
            PerStack::load(config, root, parts, |scope, shape| {
                let (steps, width) = (shape.steps, shape.width);
                let stack = CandleStack::load(scope, shape.modules, shape.downsample)?;
                let finest = finest(shape.modules, shape.downsample, steps);
                let frames = (MAX_PASS_STEPS / finest).max(1);
                Ok(FramedStack { stack, steps, width, frames })
            })
        })?;
        Ok(Self { pool, device, stacks })
    }

    /// Returns the number of threads of the CPU's arithmetic.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Returns the state of `lanes` lanes at the beginning of a stream.
    pub fn state(&self, side: StackRole, lanes: usize) -> CandleState {
        CandleState { lanes, stack: self.stacks.get(side).stack.state(0) }
    }

    /// Resets the state to that of a stream whose next frame is `frame`, with nothing before it.
    pub fn start_at(&self, side: StackRole, state: &mut CandleState, frame: u64) {
        let FramedStack { stack, steps, .. } = self.stacks.get(side);
        state.stack = stack.state(frame * *steps as u64);
    }

    /// Computes (lanes, frames, numbers per frame) into `y`, of the same form.
    ///
    /// # Errors
    /// If the device fails; the state is then unchanged.
    pub fn forward(
        &self,
        side: StackRole,
        state: &mut CandleState,
        x: &[f32],
        y: &mut [f32],
    ) -> Result<(), CodecError> {
        // Advances a copy, so that the state is unchanged if the device fails midway.
        let mut next = state.stack.clone();
        let stack = self.stacks.get(side);
        let run = || stack.forward(&self.device, state.lanes, &mut next, x);
        y.copy_from_slice(&self.pool.install(run)?);
        state.stack = next;
        Ok(())
    }
}

impl FramedStack {
    fn forward(
        &self,
        device: &Device,
        lanes: usize,
        state: &mut CandleStackState,
        x: &[f32],
    ) -> candle_core::Result<Vec<f32>> {
        let frames = x.len() / (lanes * self.steps * self.width);
        let x = Tensor::from_slice(x, (lanes, frames * self.steps, self.width), device)?;
        let mut parts = Vec::new();
        for from in (0..frames).step_by(self.frames) {
            let count = self.frames.min(frames - from);
            let part = x.narrow(1, from * self.steps, count * self.steps)?.contiguous()?;
            parts.push(self.stack.forward(part, state)?);
        }
        Tensor::cat(&parts, 1)?.flatten_all()?.to_vec1::<f32>()
    }
}
