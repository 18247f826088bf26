//! Loading a model, from its own files or from weights that an earlier start packed.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::checkpoint::Checkpoint;
use super::config::CodecConfig;
use super::error::{CodecError, LoadWarning};
use super::executor::Executor;
use super::load_context::{LoadContext, LoadProgress};
use super::options::CodecOptions;
use super::packed_file::{PackedFile, PackedWriter};
use super::quantizer::Quantizer;
use super::tensor_source::TensorSource;
use residue_core::atomic_file;
use residue_kernels::{Arena, PACKING_VERSION, Precision};

/// A loaded model.
pub(super) struct LoadedModel {
    pub config: CodecConfig,
    pub quantizer: Quantizer,
    pub executor: Executor,
    pub precision: Precision,
    pub warnings: Vec<LoadWarning>,
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

/// Loads a model from the packed file in `folder`, or from `checkpoint`, and then writes that file.
///
/// A packed file that is damaged or of another version is replaced; a file that cannot be written costs
/// only time at the next start. Both are warnings of the model.
pub(super) fn load_cached(
    folder: &Path,
    config: &CodecConfig,
    checkpoint: &Checkpoint<'_>,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    let precision = options.precision;
    let identity = checkpoint.identity(config);
    let key = format!("{identity} {precision} packing {PACKING_VERSION}");
    let path = folder.join(format!("{}-{precision}.packed", &identity[..16]));
    let mut warnings = Vec::new();
    let cached = PackedFile::open(&path, &key).map_err(CodecError::from).and_then(|file| {
        let Some(file) = file else { return Ok(None) };
        let source = Source { tensors: &file, packed: Some(&file) };
        load(config, source, options, progress, None).map(|(model, _)| Some(model))
    });
    match cached {
        Ok(Some(model)) => return Ok(model),
        Ok(None) => {}
        Err(CodecError::Checkpoint(problem)) => warnings.push(LoadWarning::PackedUnusable(problem)),
        Err(other) => return Err(other),
    }
    // A model that cannot be cached still runs, and one that cannot be loaded leaves no file.
    let source = Source { tensors: checkpoint, packed: None };
    let mut loaded = None;
    let written = fs::create_dir_all(folder).and_then(|()| {
        atomic_file::write(&path, |file| {
            let writer = Some(PackedWriter::new(file, &key));
            let (model, writer) = match load(config, source, options, progress, writer) {
                Ok((model, writer)) => (Ok(model), writer),
                Err(error) => (Err(error), None),
            };
            let written = writer.map_or(Ok(()), PackedWriter::finish);
            let failed = model.is_err();
            loaded = Some(model);
            if failed { Err(io::Error::other("the model was not loaded")) } else { written }
        })
    });
    let mut model = match loaded {
        Some(loaded) => loaded?,
        None => load_uncached(config, checkpoint, options, progress)?,
    };
    if let Err(source) = written {
        warnings.push(LoadWarning::PackedNotWritten { path, source });
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
    let writer = context.writer.map(|w| w.into_inner().unwrap_or_else(PoisonError::into_inner));
    let config = config.clone();
    Ok((LoadedModel { config, quantizer, executor, precision, warnings: Vec::new() }, writer))
}
