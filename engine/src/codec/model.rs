//! A loaded model, shared by all streams that run it.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;

use super::checkpoint::{Checkpoint, Weights};
use super::config::Config;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::error::CodecError;
use super::executor::Executor;
use super::quantizer::Quantizer;
use super::random::RandomWeights;

/// What runs the transformers; the quantizer is always the same f32 code on the CPU.
#[derive(Clone, Debug, Default)]
pub enum Backend {
    /// This crate's kernels: the CPU in exact f32, bit-identical for any chunking, any number of
    /// lanes and threads.
    #[default]
    Native,
    /// candle, on the device given: exact within rounding, which depends on the chunking.
    Candle(Device),
}

/// Where and with how many threads a model runs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What runs the transformers.
    pub backend: Backend,
    /// Threads of the CPU's arithmetic; 0 = one a core. With [`Backend::Native`] the calling thread
    /// is one of them.
    pub threads: usize,
}

pub(super) struct Model {
    pub config: Config,
    pub quantizer: Quantizer,
    pub executor: Executor,
}

/// A loaded model. Cloning shares the weights.
#[derive(Clone)]
pub struct Codec(pub(super) Arc<Model>);

impl Codec {
    /// Loads `config.json` and the safetensors files of `folder`, as published.
    ///
    /// # Errors
    /// If a file is missing or damaged, the configuration cannot be honoured, or the weights do not
    /// belong to it; the error names file, tensor, expected and found.
    pub fn load(folder: &Path, options: &Options) -> Result<Self, CodecError> {
        let config = Config::read(folder)?;
        Self::build(config, &Checkpoint::open(folder)?, options)
    }

    /// Loads a model that is already in memory: the text of its `config.json` and the bytes of its
    /// `model.safetensors`.
    ///
    /// # Errors
    /// As [`Codec::load`].
    pub fn load_from_memory(
        config: &str,
        weights: &[u8],
        options: &Options,
    ) -> Result<Self, CodecError> {
        let config = Config::parse(config)?;
        Self::build(config, &Checkpoint::from_bytes("model.safetensors", weights)?, options)
    }

    /// A model of this layout with seeded random weights, for benchmarks: it costs what a real one
    /// costs and says nothing.
    ///
    /// # Errors
    /// If the device or the threads cannot be had.
    pub fn random(config: Config, seed: u64, options: &Options) -> Result<Self, CodecError> {
        let square_projections = config.square_projections;
        Self::build(config, &RandomWeights { seed, square_projections }, options)
    }

    fn build(config: Config, weights: &dyn Weights, options: &Options) -> Result<Self, CodecError> {
        let (executor, quantizer) = Executor::load(&config, weights, options)?;
        Ok(Self(Arc::new(Model { config, quantizer, executor })))
    }

    /// The model's layout.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The quantizer.
    pub fn quantizer(&self) -> &Quantizer {
        &self.0.quantizer
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
