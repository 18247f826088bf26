//! A loaded model, shared by all streams that run it.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Weak};

use super::config::CodecConfig;
use super::decoder::Decoder;
use super::encoder::Encoder;
use super::error::{CodecError, LoadWarning};
use super::load_context::LoadProgress;
use super::load_model::{self, LoadedModel};
use super::options::{CodecOptions, CodecParts};
use super::quantizer::Quantizer;
use super::random_weights::RandomWeights;
use residue_kernels::Precision;

/// A loaded model. Cloning shares the weights.
#[derive(Clone)]
pub struct Codec(Arc<LoadedModel>);

/// A reference to a [`Codec`] that does not keep its weights in memory.
#[derive(Clone, Default)]
pub struct WeakCodec(Weak<LoadedModel>);

impl WeakCodec {
    /// Returns the codec, if any stream or owner still holds it.
    pub fn upgrade(&self) -> Option<Codec> {
        self.0.upgrade().map(Codec)
    }
}

impl Codec {
    /// Loads `config.json` and the safetensors files of `folder`, in either [form](super::CheckpointFormat).
    ///
    /// # Errors
    /// If a file is missing or damaged, the configuration cannot be honoured, or the weights do not
    /// belong to it; the error names file, tensor, expected and found.
    pub fn load(folder: &Path, options: &CodecOptions) -> Result<Self, CodecError> {
        Self::load_with(folder, options, &ignore_progress)
    }

    /// Loads as [`Codec::load`] does and reports progress.
    ///
    /// # Errors
    /// As [`Codec::load`], and [`CodecError::Cancelled`] if `progress` breaks.
    pub fn load_with(
        folder: &Path,
        options: &CodecOptions,
        progress: &LoadProgress<'_>,
    ) -> Result<Self, CodecError> {
        load_model::load_folder(folder, options, progress).map(Self::new)
    }

    /// Loads a model from memory: the text of its `config.json` and the bytes of its
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
        let name = "model.safetensors";
        load_model::load_bytes(&config, name, weights, options, &ignore_progress).map(Self::new)
    }

    /// Makes a model of this layout with seeded random weights, for benchmarks: it takes the time and
    /// memory of a trained one, and its output is noise.
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
        load_model::load_uncached(&config, &weights, options, &ignore_progress).map(Self::new)
    }

    fn new(model: LoadedModel) -> Self {
        Self(Arc::new(model))
    }

    /// Returns a reference that does not keep the weights in memory.
    pub fn downgrade(&self) -> WeakCodec {
        WeakCodec(Arc::downgrade(&self.0))
    }

    /// Returns true if both share their weights.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns the model's layout.
    pub fn config(&self) -> &CodecConfig {
        &self.0.config
    }

    /// Returns the quantizer.
    pub fn quantizer(&self) -> &Quantizer {
        &self.0.quantizer
    }

    /// Returns the number format of the linear layers.
    pub fn precision(&self) -> Precision {
        self.0.precision
    }

    /// Returns the parts that are loaded.
    pub fn parts(&self) -> CodecParts {
        self.0.parts
    }

    /// Returns the problems that loading worked around.
    pub fn warnings(&self) -> &[LoadWarning] {
        &self.0.warnings
    }

    /// Returns the number of threads of the CPU's arithmetic.
    pub fn threads(&self) -> usize {
        self.0.executor.threads()
    }

    /// Returns the value of type `T` that lives as long as these weights and that all who share them share, such as
    /// the queue of their passes. Makes it at the first call. None if it was made with another type.
    pub fn companion<T: Default + Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.0.companion.get_or_init(|| Arc::new(T::default()));
        Arc::clone(value).downcast().ok()
    }

    /// Returns an encoder of `streams` streams at their beginning.
    ///
    /// # Panics
    /// If `streams` is 0, or the decoder alone was loaded ([`Codec::parts`]).
    pub fn encoder(&self, streams: usize) -> Encoder {
        Encoder::new(self.0.clone(), streams)
    }

    /// Returns a decoder of `lanes` lanes at their beginning.
    ///
    /// # Panics
    /// If `lanes` is 0, or the encoder alone was loaded ([`Codec::parts`]).
    pub fn decoder(&self, lanes: usize) -> Decoder {
        Decoder::new(self.0.clone(), lanes)
    }
}

fn ignore_progress(_share: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
