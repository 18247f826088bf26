//! Loading a model, from its own files or from weights that an earlier start packed.

use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::checkpoint::Checkpoint;
use super::config::CodecConfig;
use super::error::{CheckpointError, CodecError, LoadWarning, PackedFileError};
use super::executor::Executor;
use super::load_context::{LoadContext, LoadProgress};
use super::options::CodecOptions;
use super::packed_cache::PackedPlace;
use super::packed_file::{PackedFile, PackedWriter};
use super::quantizer::Quantizer;
use super::tensor_source::TensorSource;
use residue_kernels::{Arena, PACKING_VERSION, Precision};

/// A loaded model.
pub(super) struct LoadedModel {
    pub config: CodecConfig,
    pub quantizer: Quantizer,
    pub executor: Executor,
    pub precision: Precision,
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

/// Loads a model from its packed file, or from `checkpoint`, and then writes that file.
///
/// A packed file that is damaged, of another version, of changed weights or open to other users is replaced; a
/// file that cannot be written costs only time at the next start. Both are warnings of the model, but for the
/// change of weights, which is no fault.
pub(super) fn load_cached(
    place: &PackedPlace,
    config: &CodecConfig,
    checkpoint: &Checkpoint<'_>,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    let precision = options.precision;
    let identity = checkpoint.identity(config)?;
    let key = format!("{identity} {precision} packing {PACKING_VERSION}");
    let mut warnings = Vec::new();
    let cached = place.open(&key).map_err(CodecError::from).and_then(|file| {
        let Some(file) = file else { return Ok(None) };
        let source = Source { tensors: &file, packed: Some(&file) };
        load(config, source, options, progress, None).map(|(model, _)| Some(model))
    });
    match cached {
        Ok(Some(model)) => {
            place.touch();
            return Ok(model);
        }
        Ok(None)
        | Err(CodecError::Checkpoint(CheckpointError::Packed {
            problem: PackedFileError::Key,
            ..
        })) => {}
        Err(CodecError::Checkpoint(problem)) => warnings.push(LoadWarning::PackedUnusable(problem)),
        Err(other) => return Err(other),
    }
    // A model that cannot be cached still runs, and one that cannot be loaded leaves no file.
    let source = Source { tensors: checkpoint, packed: None };
    let mut loaded = None;
    let written = place.replace(|file| {
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
        None => load_uncached(config, checkpoint, options, progress)?,
    };
    if let Err(cause) = written {
        warnings.push(LoadWarning::PackedNotWritten { path: place.path().to_owned(), cause });
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
        total: config.parameters(),
        done: Mutex::new(0),
        arena: Arena::new(),
        writer: writer.map(Mutex::new),
    };
    let (executor, quantizer) = Executor::load(config, &context, options)?;
    // Weights that were overwritten meanwhile may be half old and half new.
    tensors.check_unchanged()?;
    let writer = context.writer.map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
    let config = config.clone();
    let (warnings, companion) = (Vec::new(), OnceLock::new());
    Ok((LoadedModel { config, quantizer, executor, precision, warnings, companion }, writer))
}
