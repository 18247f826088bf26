//! Both stacks on candle, with the device and the threads that run them.

use candle_core::{Device, Tensor};

use super::{Stack, StackState};
use crate::config::{CodecConfig, finest};
use crate::error::CodecError;
use crate::executor::{PerStack, StackRole};
use crate::tensor_scope::TensorScope;

/// Most steps of a lane in one pass, because attention takes memory by their square.
const PASS_STEPS: usize = 1024;

/// Both stacks on a device.
pub(crate) struct CandleExecutor {
    pool: rayon::ThreadPool,
    device: Device,
    stacks: PerStack<FramedStack>,
}

/// A stack with the shape of its frames.
struct FramedStack {
    stack: Stack,
    steps: usize,
    width: usize,
    /// Frames of a pass.
    frames: usize,
}

/// State of one stack for lanes that advance together.
pub(crate) struct CandleState {
    lanes: usize,
    stack: StackState,
}

impl CandleExecutor {
    /// Loads both stacks, on the threads of `pool`.
    ///
    /// # Errors
    /// If weights are missing or of another shape, or the device fails.
    pub fn load(
        config: &CodecConfig,
        root: &TensorScope<'_>,
        pool: rayon::ThreadPool,
        device: Device,
    ) -> Result<Self, CodecError> {
        let stacks = pool.install(|| {
            PerStack::load(config, root, |scope, configs, downsample, steps, width| {
                let stack = Stack::load(scope, configs, downsample)?;
                let frames = (PASS_STEPS / finest(configs, downsample, steps)).max(1);
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

    /// Forgets the past and goes on as though `frame` frames had gone by.
    pub fn start_at(&self, side: StackRole, state: &mut CandleState, frame: u64) {
        let FramedStack { stack, steps, .. } = self.stacks.get(side);
        state.stack = stack.state(frame * *steps as u64);
    }

    /// (lanes, frames, numbers a frame) -> (lanes, frames, numbers a frame) in `y`.
    ///
    /// # Errors
    /// If the device fails; the state is then what it was.
    pub fn forward(
        &self,
        side: StackRole,
        state: &mut CandleState,
        x: &[f32],
        y: &mut [f32],
    ) -> Result<(), CodecError> {
        // Stepping a copy keeps the stream where it was if the device fails midway.
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
        state: &mut StackState,
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
