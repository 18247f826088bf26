//! The executor of the two stacks: the native kernels, or candle.

use super::config::{CodecConfig, ModuleConfig};
use super::error::CodecError;
use super::load_context::LoadContext;
use super::options::{CodecBackend, CodecOptions, CodecParts};
use super::quantizer::Quantizer;
#[cfg(feature = "reference")]
use super::reference;
use super::stacks::{PerStack, StackRole};
use super::tensor_scope::TensorScope;
use super::{native, tensor_names};
use residue_kernels::{MAX_THREADS, ThreadPool};

/// The loaded stacks with the threads or the device that run them.
pub(super) enum Executor {
    Native {
        pool: ThreadPool,
        stacks: PerStack<native::NativeStack>,
    },
    #[cfg(feature = "reference")]
    Candle(reference::CandleExecutor),
}

/// KV caches and buffers of one stack, for lanes that advance together.
pub(super) enum ExecutorState {
    Native(Box<native::NativeStackState>),
    #[cfg(feature = "reference")]
    Candle(reference::CandleState),
}

/// The next frames of a state, to be computed with those of others: `x` (lanes, frames, numbers a frame of the
/// input) to `y` (lanes, frames, numbers a frame of the output).
pub(super) struct ExecutorFrames<'a> {
    pub state: &'a mut ExecutorState,
    pub x: &'a [f32],
    pub y: &'a mut [f32],
}

impl Executor {
    /// Loads the quantizer, and the stacks among the options' parts.
    ///
    /// # Errors
    /// If weights are missing or of another shape, loading is cancelled, or the threads, the memory or
    /// the device cannot be had.
    pub fn load(
        config: &CodecConfig,
        context: &LoadContext<'_>,
        options: &CodecOptions,
    ) -> Result<(Self, Quantizer), CodecError> {
        if options.threads > MAX_THREADS {
            let problem = format!("at most {MAX_THREADS} make sense");
            return Err(CodecError::Threads { threads: options.threads, problem });
        }
        let failed = |problem| CodecError::Threads { threads: options.threads, problem };
        // The native executor needs this pool for loading only.
        let pool_name = match options.backend {
            CodecBackend::Native => "load",
            #[cfg(feature = "reference")]
            CodecBackend::Candle(_) => "candle",
        };
        let rayon_pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(move |i| format!("residue-{pool_name}-{i}"))
            .build()
            .map_err(|e| failed(e.to_string()))?;
        let root = TensorScope::root(context);
        check_projections(config, &root, options.parts)?;
        let quantizer =
            rayon_pool.install(|| Quantizer::load(&root.at("quantizer"), &config.quantizer))?;
        let executor = match options.backend {
            CodecBackend::Native => {
                let stacks = rayon_pool.install(|| {
                    PerStack::load(config, &root, options.parts, |scope, shape| {
                        let (steps, width) = (shape.steps, shape.width);
                        native::NativeStack::load(
                            scope,
                            shape.modules,
                            shape.downsample,
                            steps,
                            width,
                        )
                    })
                })?;
                let pool = ThreadPool::new(options.threads).map_err(|e| failed(e.to_string()))?;
                Self::Native { pool, stacks }
            }
            #[cfg(feature = "reference")]
            CodecBackend::Candle(_) => {
                let device = context.device.clone();
                let parts = options.parts;
                Self::Candle(reference::CandleExecutor::load(
                    config, &root, parts, rayon_pool, device,
                )?)
            }
        };
        Ok((executor, quantizer))
    }

    /// Returns the number of threads of the CPU's arithmetic.
    pub fn threads(&self) -> usize {
        match self {
            Self::Native { pool, .. } => pool.threads(),
            #[cfg(feature = "reference")]
            Self::Candle(executor) => executor.threads(),
        }
    }

    /// Returns the state of `lanes` lanes at the beginning of a stream. Allocates all that a stream needs.
    pub fn state(&self, role: StackRole, lanes: usize) -> ExecutorState {
        match self {
            Self::Native { pool, stacks } => {
                ExecutorState::Native(Box::new(stacks.get(role).state(lanes, pool.threads())))
            }
            #[cfg(feature = "reference")]
            Self::Candle(executor) => ExecutorState::Candle(executor.state(role, lanes)),
        }
    }

    /// Clears the KV caches and continues at the position of frame `frame`.
    pub fn start_at(&self, role: StackRole, state: &mut ExecutorState, frame: u64) {
        match (self, state) {
            (Self::Native { stacks, .. }, ExecutorState::Native(state)) => {
                stacks.get(role).start_at(state, frame);
            }
            #[cfg(feature = "reference")]
            (Self::Candle(executor), ExecutorState::Candle(state)) => {
                executor.start_at(role, state, frame)
            }
            #[cfg(feature = "reference")]
            _ => unreachable!("a stream keeps its model"),
        }
    }

    /// Returns the number of frames that one [`Executor::forward`] is best given, so that callers can
    /// allocate their buffers ahead: one pass over the weights of the native kernels, which cannot fail.
    /// None on a device, which takes all frames at once, so that a failure leaves the state unchanged.
    pub fn pass_frames(&self, role: StackRole) -> Option<usize> {
        match self {
            Self::Native { stacks, .. } => Some(stacks.get(role).frames()),
            #[cfg(feature = "reference")]
            Self::Candle(_) => None,
        }
    }

    /// Runs at least one frame: `x` (lanes, frames, numbers a frame of the input) to `y` (lanes, frames,
    /// numbers a frame of the output). The native executor allocates nothing.
    ///
    /// # Errors
    /// If a device fails; the state is then unchanged.
    pub fn forward(
        &self,
        role: StackRole,
        state: &mut ExecutorState,
        x: &[f32],
        y: &mut [f32],
    ) -> Result<(), CodecError> {
        match (self, state) {
            (Self::Native { pool, stacks }, ExecutorState::Native(state)) => {
                pool.run(|workers| stacks.get(role).forward(workers, state, x, y));
                Ok(())
            }
            #[cfg(feature = "reference")]
            (Self::Candle(executor), ExecutorState::Candle(state)) => {
                executor.forward(role, state, x, y)
            }
            #[cfg(feature = "reference")]
            _ => unreachable!("a stream keeps its model"),
        }
    }
}

impl Executor {
    /// Runs frames of several states, each at most [`Executor::pass_frames`], as [`Executor::forward`] would run
    /// them one by one. The native executor shares its passes over the weights between them. Allocates.
    ///
    /// # Errors
    /// Of each state, as [`Executor::forward`].
    pub fn forward_together(
        &self,
        role: StackRole,
        parts: Vec<ExecutorFrames<'_>>,
    ) -> Vec<Result<(), CodecError>> {
        match self {
            Self::Native { pool, stacks } => {
                let of_stack = |part| {
                    let ExecutorFrames { state, x, y } = part;
                    match state {
                        ExecutorState::Native(state) => native::StackFrames { state, x, y },
                        #[cfg(feature = "reference")]
                        ExecutorState::Candle(_) => unreachable!("a stream keeps its model"),
                    }
                };
                let mut parts: Vec<_> = parts.into_iter().map(of_stack).collect();
                let threads = pool.threads();
                pool.run(|workers| {
                    stacks.get(role).forward_together(workers, threads, &mut parts);
                });
                parts.iter().map(|_| Ok(())).collect()
            }
            #[cfg(feature = "reference")]
            Self::Candle(_) => parts
                .into_iter()
                .map(|ExecutorFrames { state, x, y }| self.forward(role, state, x, y))
                .collect(),
        }
    }
}

/// Refuses weights that lack a projection which the layout always has. v1 leaves projections between
/// equal widths out, so that the stacks load an absent one as the identity.
fn check_projections(
    config: &CodecConfig,
    root: &TensorScope<'_>,
    parts: CodecParts,
) -> Result<(), CodecError> {
    let stacks = [
        ("encoder", &config.encoder, parts.encodes()),
        ("decoder", &config.decoder, parts.decodes()),
    ];
    for (stack, modules, _) in stacks.into_iter().filter(|(_, _, loaded)| *loaded) {
        for (i, module) in modules.iter().enumerate() {
            let ModuleConfig::Transformer(stage) = module else { continue };
            let scope = root.at(stack).at(i);
            for (name, other) in [
                (tensor_names::INPUT_PROJECTION, stage.input),
                (tensor_names::OUTPUT_PROJECTION, stage.output),
            ] {
                if config.square_projections && other == stage.width && !scope.has(name) {
                    scope.values(&[name], &[other, other])?;
                }
            }
        }
    }
    Ok(())
}
