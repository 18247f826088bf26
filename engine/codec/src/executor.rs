//! What runs the two stacks: our kernels, or candle.

use super::codec::{CodecBackend, CodecOptions};
use super::config::{CodecConfig, ModuleConfig};
use super::error::CodecError;
use super::load_context::LoadContext;
use super::quantizer::Quantizer;
#[cfg(feature = "reference")]
use super::reference;
use super::tensor_scope::TensorScope;
use super::{native, tensor_names};
use residue_kernels::Team;

/// More threads than any one machine has use for here.
const MAX_THREADS: usize = 256;

/// One of the two stacks.
#[derive(Clone, Copy)]
pub(super) enum StackRole {
    /// Audio to latents.
    Encoder,
    /// Latents to audio.
    Decoder,
}

/// Something for each of the two stacks.
pub(super) struct PerStack<T> {
    encoder: T,
    decoder: T,
}

impl<T> PerStack<T> {
    /// Loads both stacks by `load`, which is told scope, modules, whether they downsample, and steps and
    /// numbers a step of a frame of their input.
    pub fn load(
        config: &CodecConfig,
        root: &TensorScope<'_>,
        load: impl Fn(&TensorScope<'_>, &[ModuleConfig], bool, usize, usize) -> Result<T, CodecError>,
    ) -> Result<Self, CodecError> {
        // The stream of samples as the encoder takes it: interleaved, or a step of all channels.
        let channels = config.channels;
        let (steps, width) = match config.interleave {
            true => (config.frame_samples * channels, 1),
            false => (config.frame_samples, channels),
        };
        let latent = config.quantizer.output;
        Ok(Self {
            encoder: load(&root.at("encoder"), &config.encoder, true, steps, width)?,
            decoder: load(&root.at("decoder"), &config.decoder, false, 1, latent)?,
        })
    }

    /// Returns the one of `side`.
    pub fn get(&self, side: StackRole) -> &T {
        match side {
            StackRole::Encoder => &self.encoder,
            StackRole::Decoder => &self.decoder,
        }
    }
}

/// Both stacks with what runs them.
pub(super) enum Executor {
    Native {
        team: Team,
        stacks: PerStack<native::Stack>,
    },
    #[cfg(feature = "reference")]
    Candle(reference::CandleExecutor),
}

/// What a stack remembers of a stream.
pub(super) enum ExecutorState {
    Native(Box<native::StackState>),
    #[cfg(feature = "reference")]
    Candle(reference::CandleState),
}

impl Executor {
    /// Loads both stacks and the quantizer.
    pub fn load(
        config: &CodecConfig,
        loading: &LoadContext<'_>,
        options: &CodecOptions,
    ) -> Result<(Self, Quantizer), CodecError> {
        if options.threads > MAX_THREADS {
            let problem = format!("at most {MAX_THREADS} make sense");
            return Err(CodecError::Threads { threads: options.threads, problem });
        }
        let threads = |problem| CodecError::Threads { threads: options.threads, problem };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|i| format!("residue-codec-{i}"))
            .build()
            .map_err(|e| threads(e.to_string()))?;
        let root = TensorScope::root(loading);
        check_projections(config, &root)?;
        let quantizer =
            pool.install(|| Quantizer::load(&root.at("quantizer"), &config.quantizer))?;
        let executor = match options.backend {
            CodecBackend::Native => {
                let stacks = pool.install(|| PerStack::load(config, &root, native::Stack::load))?;
                let team = Team::new(options.threads).map_err(|e| threads(e.to_string()))?;
                Self::Native { team, stacks }
            }
            #[cfg(feature = "reference")]
            CodecBackend::Candle(_) => {
                let device = loading.device.clone();
                Self::Candle(reference::CandleExecutor::load(config, &root, pool, device)?)
            }
        };
        Ok((executor, quantizer))
    }

    /// Threads of the CPU's arithmetic.
    pub fn threads(&self) -> usize {
        match self {
            Self::Native { team, .. } => team.threads(),
            #[cfg(feature = "reference")]
            Self::Candle(executor) => executor.threads(),
        }
    }

    /// The state of `lanes` lanes at the beginning of a stream. Allocates all that a stream needs.
    pub fn state(&self, side: StackRole, lanes: usize) -> ExecutorState {
        match self {
            Self::Native { team, stacks } => {
                ExecutorState::Native(Box::new(stacks.get(side).state(lanes, team.threads())))
            }
            #[cfg(feature = "reference")]
            Self::Candle(executor) => ExecutorState::Candle(executor.state(side, lanes)),
        }
    }

    /// Forgets the past and goes on as though `frame` frames had gone by.
    pub fn start_at(&self, side: StackRole, state: &mut ExecutorState, frame: u64) {
        match (self, state) {
            (Self::Native { stacks, .. }, ExecutorState::Native(state)) => {
                stacks.get(side).start_at(state, frame);
            }
            #[cfg(feature = "reference")]
            (Self::Candle(executor), ExecutorState::Candle(state)) => {
                executor.start_at(side, state, frame)
            }
            #[cfg(feature = "reference")]
            _ => unreachable!("a stream keeps its model"),
        }
    }

    /// Most frames of one [`Executor::forward`] for which buffers are best held ready: with our own
    /// kernels one pass over the weights, which cannot fail. On a device all frames go at once, so
    /// that a failure midway leaves no trace.
    pub fn pass_frames(&self, side: StackRole) -> Option<usize> {
        match self {
            Self::Native { stacks, .. } => Some(stacks.get(side).frames()),
            #[cfg(feature = "reference")]
            Self::Candle(_) => None,
        }
    }

    /// (lanes, frames, numbers a frame) -> (lanes, frames, numbers a frame) in `y`, at
    /// least one frame. With our own kernels allocates nothing.
    ///
    /// # Errors
    /// If a device fails; the state is then what it was.
    pub fn forward(
        &self,
        side: StackRole,
        state: &mut ExecutorState,
        x: &[f32],
        y: &mut [f32],
    ) -> Result<(), CodecError> {
        match (self, state) {
            (Self::Native { team, stacks }, ExecutorState::Native(state)) => {
                team.pass(|crew| stacks.get(side).forward(crew, state, x, y));
                Ok(())
            }
            #[cfg(feature = "reference")]
            (Self::Candle(executor), ExecutorState::Candle(state)) => {
                executor.forward(side, state, x, y)
            }
            #[cfg(feature = "reference")]
            _ => unreachable!("a stream keeps its model"),
        }
    }
}

/// Refuses weights without a projection that the layout always has: in v1 projections between equal
/// widths are left out, so that loading takes an absent one for the identity.
fn check_projections(config: &CodecConfig, root: &TensorScope<'_>) -> Result<(), CodecError> {
    for (side, modules) in [("encoder", &config.encoder), ("decoder", &config.decoder)] {
        for (i, module) in modules.iter().enumerate() {
            let ModuleConfig::Transformer(stage) = module else { continue };
            let scope = root.at(side).at(i);
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
