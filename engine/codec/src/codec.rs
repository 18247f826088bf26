//! A loaded model, shared by all streams that run it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "reference")]
use candle_core::Device;

use super::checkpoint::Checkpoint;
use super::config::CodecConfig;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::error::{CodecError, LoadWarning};
use super::executor::Executor;
use super::load_context::LoadProgress;
use super::load_model;
use super::quantizer::Quantizer;
use super::random_weights::RandomWeights;
use residue_kernels::Precision;

/// What runs the transformers; the quantizer is always the same f32 code on the CPU.
#[derive(Clone, Debug, Default)]
pub enum CodecBackend {
    /// This crate's kernels on the CPU: in one precision bit-identical for any chunking, any number
    /// of lanes and threads, and in f32 exact.
    #[default]
    Native,
    /// candle, on the device given: exact within rounding, which depends on the chunking.
    #[cfg(feature = "reference")]
    Candle(Device),
}

/// Where, how exactly and with how many threads a model runs.
#[derive(Clone, Debug, Default)]
pub struct CodecOptions {
    /// What runs the transformers.
    pub backend: CodecBackend,
    /// How linear layers are kept and computed; [`CodecBackend::Candle`] knows f32 only.
    pub precision: Precision,
    /// Threads of the CPU's arithmetic. With [`CodecBackend::Native`] the thread that calls is one of
    /// them, and 0 leaves a core to others: see [`Team::new`](residue_kernels::Team::new). With
    /// [`CodecBackend::Candle`] 0 is one a core.
    pub threads: usize,
    /// Folder where packed weights are kept for the next start, as large as the model is in memory;
    /// for models loaded from a folder in another precision than f32, which takes no time to pack.
    pub cache: Option<PathBuf>,
}

#[cfg(feature = "reference")]
impl CodecOptions {
    /// Returns the device that tensors are made on.
    ///
    /// # Errors
    /// [`CodecError::Precision`] if the backend does not know the precision.
    pub(super) fn device(&self) -> Result<&Device, CodecError> {
        match (&self.backend, self.precision) {
            (CodecBackend::Native, _) => Ok(&Device::Cpu),
            (CodecBackend::Candle(device), Precision::F32) => Ok(device),
            (CodecBackend::Candle(_), precision) => Err(CodecError::Precision { precision }),
        }
    }
}

pub(super) struct LoadedModel {
    pub config: CodecConfig,
    pub quantizer: Quantizer,
    pub executor: Executor,
    pub precision: Precision,
    pub warnings: Vec<LoadWarning>,
}

/// A loaded model. Cloning shares the weights.
#[derive(Clone)]
pub struct Codec(pub(super) Arc<LoadedModel>);

impl Codec {
    /// Loads `config.json` and the safetensors files of `folder`, as published.
    ///
    /// # Errors
    /// If a file is missing or damaged, the configuration cannot be honoured, or the weights do not
    /// belong to it; the error names file, tensor, expected and found.
    pub fn load(folder: &Path, options: &CodecOptions) -> Result<Self, CodecError> {
        Self::load_with(folder, options, &unwatched)
    }

    /// The same, telling `progress` how far it is.
    ///
    /// # Errors
    /// As [`Codec::load`], and [`CodecError::Cancelled`] if `progress` breaks off.
    pub fn load_with(
        folder: &Path,
        options: &CodecOptions,
        progress: &LoadProgress<'_>,
    ) -> Result<Self, CodecError> {
        let config = CodecConfig::read(folder)?;
        let checkpoint = Checkpoint::open(folder)?;
        match &options.cache {
            Some(cache) if options.precision != Precision::F32 => {
                load_model::cached(cache, &config, &checkpoint, options, progress)
            }
            _ => load_model::plain(&config, &checkpoint, options, progress),
        }
        .map(Self::share)
    }

    /// Loads a model that is already in memory: the text of its `config.json` and the bytes of its
    /// `model.safetensors`.
    ///
    /// # Errors
    /// As [`Codec::load`].
    pub fn load_from_memory(
        config: &str,
        weights: &[u8],
        options: &CodecOptions,
    ) -> Result<Self, CodecError> {
        let config = CodecConfig::parse(config)?;
        let checkpoint = Checkpoint::from_bytes("model.safetensors", weights)?;
        load_model::plain(&config, &checkpoint, options, &unwatched).map(Self::share)
    }

    /// A model of this layout with seeded random weights, for benchmarks: it costs what a real one
    /// costs and says nothing.
    ///
    /// # Errors
    /// If the device or the threads cannot be had.
    pub fn random(
        config: CodecConfig,
        seed: u64,
        options: &CodecOptions,
    ) -> Result<Self, CodecError> {
        let square_projections = config.square_projections;
        let weights = RandomWeights { seed, square_projections };
        load_model::plain(&config, &weights, options, &unwatched).map(Self::share)
    }

    fn share(model: LoadedModel) -> Self {
        Self(Arc::new(model))
    }

    /// The model's layout.
    pub fn config(&self) -> &CodecConfig {
        &self.0.config
    }

    /// The quantizer.
    pub fn quantizer(&self) -> &Quantizer {
        &self.0.quantizer
    }

    /// How its linear layers are kept and computed.
    pub fn precision(&self) -> Precision {
        self.0.precision
    }

    /// What loading it worked around.
    pub fn warnings(&self) -> &[LoadWarning] {
        &self.0.warnings
    }

    /// Threads of the CPU's arithmetic.
    pub fn threads(&self) -> usize {
        self.0.executor.threads()
    }

    /// Encodes `streams` streams side by side, from the beginning.
    ///
    /// # Panics
    /// If `streams` is 0.
    pub fn encoder(&self, streams: usize) -> Encoder {
        Encoder::new(self.clone(), streams)
    }

    /// Decodes `lanes` lanes side by side, from the beginning.
    ///
    /// # Panics
    /// If `lanes` is 0.
    pub fn decoder(&self, lanes: usize) -> Decoder {
        Decoder::new(self.clone(), lanes)
    }
}

fn unwatched(_share: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
