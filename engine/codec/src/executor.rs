//! What runs the two stacks: our kernels, or candle.

#[cfg(feature = "reference")]
use candle_core::{Device, Tensor};

#[cfg(feature = "reference")]
use super::config::finest;
use super::config::{Config, ModuleConfig};
use super::error::CodecError;
use super::loading::Loading;
use super::model::{Backend, Options};
use super::quantizer::Quantizer;
#[cfg(feature = "reference")]
use super::reference;
use super::scope::Scope;
use super::{names, native};
use residue_kernels::Team;

/// Most steps of a lane in one pass of the reference, whose attention takes memory by their square.
#[cfg(feature = "reference")]
const REFERENCE_STEPS: usize = 1024;
/// More threads than any one machine has use for here.
const MAX_THREADS: usize = 256;

/// One of the two stacks.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Audio to latents.
    Encoder,
    /// Latents to audio.
    Decoder,
}

/// Something for each of the two stacks.
pub(super) struct Sides<T> {
    encoder: T,
    decoder: T,
}

impl<T> Sides<T> {
    fn get(&self, side: Side) -> &T {
        match side {
            Side::Encoder => &self.encoder,
            Side::Decoder => &self.decoder,
        }
    }
}

/// Both stacks with what runs them.
pub(super) enum Executor {
    Native {
        team: Team,
        stacks: Sides<native::Stack>,
    },
    #[cfg(feature = "reference")]
    Candle {
        pool: rayon::ThreadPool,
        device: Device,
        stacks: Sides<CandleStack>,
    },
}

/// A stack of the reference, with the shape of its frames.
#[cfg(feature = "reference")]
pub(super) struct CandleStack {
    stack: reference::Stack,
    steps: usize,
    width: usize,
    /// Frames of a pass.
    frames: usize,
}

/// What a stack remembers of a stream.
pub(super) enum State {
    Native(Box<native::StackState>),
    #[cfg(feature = "reference")]
    Candle {
        lanes: usize,
        stack: reference::StackState,
    },
}

impl Executor {
    /// Loads both stacks and the quantizer.
    pub fn load(
        config: &Config,
        loading: &Loading<'_>,
        options: &Options,
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
        let root = Scope::root(loading);
        check_projections(config, &root)?;
        let quantizer =
            pool.install(|| Quantizer::load(&root.at("quantizer"), &config.quantizer))?;
        // The stream of samples as the encoder takes it: interleaved, or a step of all channels.
        let channels = config.channels;
        let (steps, width) = match config.interleave {
            true => (config.frame_samples * channels, 1),
            false => (config.frame_samples, channels),
        };
        let latent = config.quantizer.output;
        let (encoder, decoder) = (root.at("encoder"), root.at("decoder"));
        let executor = match options.backend {
            Backend::Native => {
                let load = native::Stack::load;
                let stacks = pool.install(|| {
                    Ok::<_, CodecError>(Sides {
                        encoder: load(&encoder, &config.encoder, true, steps, width)?,
                        decoder: load(&decoder, &config.decoder, false, 1, latent)?,
                    })
                })?;
                let team = Team::new(options.threads).map_err(|e| threads(e.to_string()))?;
                Self::Native { team, stacks }
            }
            #[cfg(feature = "reference")]
            Backend::Candle(_) => {
                let load =
                    |scope: &Scope<'_>, configs: &[ModuleConfig], downsample, steps, width| {
                        let stack = reference::Stack::load(scope, configs, downsample)?;
                        let finest = finest(configs, downsample, steps);
                        let frames = (REFERENCE_STEPS / finest).max(1);
                        Ok::<_, CodecError>(CandleStack { stack, steps, width, frames })
                    };
                let stacks = pool.install(|| {
                    Ok::<_, CodecError>(Sides {
                        encoder: load(&encoder, &config.encoder, true, steps, width)?,
                        decoder: load(&decoder, &config.decoder, false, 1, latent)?,
                    })
                })?;
                Self::Candle { pool, device: loading.device.clone(), stacks }
            }
        };
        Ok((executor, quantizer))
    }

    /// Threads of the CPU's arithmetic.
    pub fn threads(&self) -> usize {
        match self {
            Self::Native { team, .. } => team.threads(),
            #[cfg(feature = "reference")]
            Self::Candle { pool, .. } => pool.current_num_threads(),
        }
    }

    /// The state of `lanes` lanes at the beginning of a stream. Allocates all that a stream needs.
    pub fn state(&self, side: Side, lanes: usize) -> State {
        match self {
            Self::Native { team, stacks } => {
                State::Native(Box::new(stacks.get(side).state(lanes, team.threads())))
            }
            #[cfg(feature = "reference")]
            Self::Candle { stacks, .. } => {
                State::Candle { lanes, stack: stacks.get(side).stack.state(0) }
            }
        }
    }

    /// Forgets the past and goes on as though `frame` frames had gone by.
    pub fn start_at(&self, side: Side, state: &mut State, frame: u64) {
        match (self, state) {
            (Self::Native { stacks, .. }, State::Native(state)) => {
                stacks.get(side).start_at(state, frame);
            }
            #[cfg(feature = "reference")]
            (Self::Candle { stacks, .. }, State::Candle { stack: state, .. }) => {
                let CandleStack { stack, steps, .. } = stacks.get(side);
                *state = stack.state(frame * *steps as u64);
            }
            #[cfg(feature = "reference")]
            _ => unreachable!("a stream keeps its model"),
        }
    }

    /// Most frames of one [`Executor::forward`] for which buffers are best held ready: with our own
    /// kernels one pass over the weights, which cannot fail. On a device all frames go at once, so
    /// that a failure midway leaves no trace.
    pub fn pass_frames(&self, side: Side) -> Option<usize> {
        match self {
            Self::Native { stacks, .. } => Some(stacks.get(side).frames()),
            #[cfg(feature = "reference")]
            Self::Candle { .. } => None,
        }
    }

    /// (lanes, frames, numbers a frame) -> (lanes, frames, numbers a frame) in `y`, `frames` at
    /// least 1. With our own kernels allocates nothing.
    ///
    /// # Errors
    /// If a device fails; the state is then what it was.
    pub fn forward(
        &self,
        side: Side,
        state: &mut State,
        x: &[f32],
        frames: usize,
        y: &mut [f32],
    ) -> Result<(), CodecError> {
        match (self, state) {
            (Self::Native { team, stacks }, State::Native(state)) => {
                team.pass(|crew| stacks.get(side).forward(crew, state, x, y));
                Ok(())
            }
            #[cfg(feature = "reference")]
            (Self::Candle { pool, device, stacks }, State::Candle { lanes, stack: state }) => {
                // Stepping a copy keeps the stream where it was if the device fails midway.
                let mut next = state.clone();
                let all = pool
                    .install(|| stacks.get(side).forward(device, *lanes, &mut next, x, frames))?;
                y.copy_from_slice(&all);
                *state = next;
                Ok(())
            }
            #[cfg(feature = "reference")]
            _ => unreachable!("a stream keeps its model"),
        }
    }
}

#[cfg(feature = "reference")]
impl CandleStack {
    fn forward(
        &self,
        device: &Device,
        lanes: usize,
        state: &mut reference::StackState,
        x: &[f32],
        frames: usize,
    ) -> candle_core::Result<Vec<f32>> {
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

/// Refuses weights without a projection that the layout always has: in v1 projections between equal
/// widths are left out, so that loading takes an absent one for the identity.
fn check_projections(config: &Config, root: &Scope<'_>) -> Result<(), CodecError> {
    for (side, modules) in [("encoder", &config.encoder), ("decoder", &config.decoder)] {
        for (i, module) in modules.iter().enumerate() {
            let ModuleConfig::Transformer(stage) = module else { continue };
            let scope = root.at(side).at(i);
            for (name, other) in
                [(names::INPUT_PROJECTION, stage.input), (names::OUTPUT_PROJECTION, stage.output)]
            {
                if config.square_projections && other == stage.width && !scope.has(name) {
                    scope.values(&[name], &[other, other])?;
                }
            }
        }
    }
    Ok(())
}
