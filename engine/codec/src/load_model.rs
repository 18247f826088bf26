//! Loading a model, from its own files or from weights that an earlier start packed.

use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::checkpoint::Checkpoint;
use super::config::{CheckpointFormat, CodecConfig};
use super::error::{CheckpointError, CodecError, LoadWarning, PackedFileError};
use super::executor::Executor;
use super::load_context::{LoadContext, LoadProgress};
use super::options::{CodecOptions, CodecParts};
use super::packed_cache::{PackedCache, PackedPlace};
use super::packed_file::{PackedFile, PackedWriter};
use super::quantizer::Quantizer;
use super::tensor_source::TensorSource;
use super::transformers_tensors::{TransformersTensors, check_format};
use residue_kernels::{Arena, PACKING_VERSION, Precision};

/// A loaded model.
pub(super) struct LoadedModel {
    pub config: CodecConfig,
    pub quantizer: Quantizer,
    pub executor: Executor,
    pub precision: Precision,
    pub parts: CodecParts,
    pub warnings: Vec<LoadWarning>,
    /// Value of a user that all streams of these weights share.
    pub companion: OnceLock<Arc<dyn Any + Send + Sync>>,
}

/// Loads a model from `tensors`, without a cache.
pub(super) fn load_uncached(
    config: &CodecConfig,
    tensors: &dyn TensorSource,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    load(config, Source { tensors, packed: None }, options, progress, None).map(|(model, _)| model)
}

/// Loads a model with the cache that the options name, if they do.
///
/// Weights in f32 take no time to pack, and are not kept.
pub(super) fn load_folder(
    folder: &Path,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    let config = CodecConfig::read(folder)?;
    let checkpoint = Checkpoint::open(folder)?;
    check_format(&checkpoint, &config)?;
    let cache = options.packed_cache.as_ref().filter(|_| options.precision != Precision::F32);
    let identity = cache.map(|_| checkpoint.identity(&config)).transpose()?;
    let tensors = published_names(&checkpoint, &config);
    match cache.zip(identity) {
        None => load_uncached(&config, &*tensors, options, progress),
        Some((cache, identity)) => {
            let cache = PackedCache::new(cache);
            let place = |parts| cache.file(folder, options.precision, parts);
            // A half is read from the file of the whole model, where that is there.
            let whole = options.parts != CodecParts::Whole;
            let whole = whole.then(|| place(CodecParts::Whole));
            let source = CachedSource { whole, own: place(options.parts), identity };
            load_cached(&source, &config, &*tensors, options, progress)
        }
    }
}

/// Loads a model from the bytes of one safetensors file.
pub(super) fn load_bytes(
    config: &CodecConfig,
    name: &str,
    bytes: &[u8],
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    let checkpoint = Checkpoint::from_bytes(name, bytes)?;
    check_format(&checkpoint, config)?;
    load_uncached(config, &*published_names(&checkpoint, config), options, progress)
}

/// Returns the checkpoint's tensors under their published names.
fn published_names<'a>(
    checkpoint: &'a Checkpoint<'a>,
    config: &'a CodecConfig,
) -> Box<dyn TensorSource + 'a> {
    match config.format {
        CheckpointFormat::Published => Box::new(checkpoint),
        CheckpointFormat::Transformers => Box::new(TransformersTensors { checkpoint, config }),
    }
}

/// Places of a model's packed weights, and what they must have been made of.
struct CachedSource {
    /// Place of the whole model's, where a half is loaded; only read.
    whole: Option<PackedPlace>,
    /// Place of the parts that are loaded.
    own: PackedPlace,
    /// See [`Checkpoint::identity`].
    identity: String,
}

/// Loads a model from its packed file, or from `tensors`, and then writes that file.
///
/// A packed file that is damaged, of another version, of changed weights or open to other users is replaced; a
/// file that cannot be written costs only time at the next start. Both are warnings of the model, but for the
/// change of weights, which is no fault.
fn load_cached(
    cached: &CachedSource,
    config: &CodecConfig,
    tensors: &dyn TensorSource,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    let precision = options.precision;
    let key = format!("{} {precision} packing {PACKING_VERSION}", cached.identity);
    let mut warnings = Vec::new();
    for place in cached.whole.iter().chain([&cached.own]) {
        let found = place.open(&key).map_err(CodecError::from).and_then(|file| {
            let Some(file) = file else { return Ok(None) };
            let source = Source { tensors: &file, packed: Some(&file) };
            load(config, source, options, progress, None).map(|(model, _)| Some(model))
        });
        match found {
            Ok(Some(model)) => {
                place.touch();
                return Ok(LoadedModel { warnings, ..model });
            }
            Ok(None)
            | Err(CodecError::Checkpoint(CheckpointError::Packed {
                problem: PackedFileError::Key,
                ..
            })) => {}
            Err(CodecError::Checkpoint(problem)) => {
                warnings.push(LoadWarning::PackedUnusable(problem));
            }
            Err(other) => return Err(other),
        }
    }
    // A model that cannot be cached still runs, and one that cannot be loaded leaves no file.
    let source = Source { tensors, packed: None };
    let mut loaded = None;
    let written = cached.own.replace(|file| {
        let writer = Some(PackedWriter::new(file, &key));
        let (model, writer) = match load(config, source, options, progress, writer) {
            Ok((model, writer)) => (Ok(model), writer),
            Err(error) => (Err(error), None),
        };
        let written = writer.map_or(Ok(()), PackedWriter::finish);
        let failed = model.is_err();
        loaded = Some(model);
        if failed { Err(io::Error::other("the model was not loaded")) } else { written }
    });
    let mut model = match loaded {
        Some(loaded) => loaded?,
        None => load_uncached(config, tensors, options, progress)?,
    };
    if let Err(cause) = written {
        let path = cached.own.path().to_owned();
        warnings.push(LoadWarning::PackedNotWritten { path, cause });
    }
    model.warnings = warnings;
    Ok(model)
}

/// Source of a model's weights.
#[derive(Clone, Copy)]
struct Source<'a> {
    tensors: &'a dyn TensorSource,
    /// See [`LoadContext::packed`].
    packed: Option<&'a PackedFile>,
}

fn load(
    config: &CodecConfig,
    Source { tensors, packed }: Source<'_>,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
    writer: Option<PackedWriter>,
) -> Result<(LoadedModel, Option<PackedWriter>), CodecError> {
    let precision = options.precision;
    let context = LoadContext {
        tensors,
        packed,
        #[cfg(feature = "reference")]
        device: options.device()?,
        precision,
        progress,
        total: config.parameters_of(options.parts),
        done: Mutex::new(0),
        arena: Arena::new(),
        writer: writer.map(Mutex::new),
    };
    let (executor, quantizer) = Executor::load(config, &context, options)?;
    // Weights that were overwritten meanwhile may be half old and half new.
    tensors.check_unchanged()?;
    let writer = context.writer.map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
    let config = config.clone();
    let (parts, warnings, companion) = (options.parts, Vec::new(), OnceLock::new());
    let model = LoadedModel { config, quantizer, executor, precision, parts, warnings, companion };
    Ok((model, writer))
}
