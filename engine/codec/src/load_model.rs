//! Making a model of its files, by way of weights packed at an earlier start if there are any.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use super::checkpoint::{Checkpoint, TensorSource};
use super::codec::{CodecOptions, LoadedModel};
use super::config::CodecConfig;
use super::error::{CodecError, LoadWarning};
use super::executor::Executor;
use super::load_context::{LoadContext, LoadProgress};
use super::packed_file::{PackedFile, PackedWriter};
use residue_core::atomic_file;
use residue_kernels::{Arena, PACKING};

/// Loads from `weights` and nothing else.
pub(super) fn plain(
    config: &CodecConfig,
    weights: &dyn TensorSource,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    load(config, weights, options, progress, None).map(|(model, _)| model)
}

/// Loads packed weights from `folder`, or packs those of `checkpoint` and keeps them there.
pub(super) fn cached(
    folder: &Path,
    config: &CodecConfig,
    checkpoint: &Checkpoint<'_>,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<LoadedModel, CodecError> {
    let precision = options.precision;
    let identity = checkpoint.identity(config);
    let key = format!("{identity} {precision} packing {PACKING}");
    let path = folder.join(format!("{}-{precision}.packed", &identity[..16]));
    let mut warnings = Vec::new();
    let ready = PackedFile::open(&path, &key)
        .map_err(CodecError::from)
        .and_then(|file| file.map(|file| plain(config, &file, options, progress)).transpose());
    match ready {
        Ok(Some(model)) => return Ok(model),
        Ok(None) => {}
        Err(CodecError::Checkpoint(problem)) => warnings.push(LoadWarning::NotUsed(problem)),
        Err(other) => return Err(other),
    }
    // A model that cannot be written is still a model, and one that cannot be loaded leaves no file.
    let mut result = None;
    let kept = fs::create_dir_all(folder).and_then(|()| {
        atomic_file::write(&path, |file| {
            let writer = PackedWriter::new(file, &key);
            let (model, writer) = match load(config, checkpoint, options, progress, Some(writer)) {
                Ok((model, writer)) => (Ok(model), writer),
                Err(error) => (Err(error), None),
            };
            let kept = writer.map_or(Ok(()), PackedWriter::finish);
            let failed = model.is_err();
            result = Some(model);
            if failed { Err(std::io::Error::other("the model was not loaded")) } else { kept }
        })
    });
    let mut model = match result {
        Some(result) => result?,
        None => plain(config, checkpoint, options, progress)?,
    };
    if let Err(source) = kept {
        warnings.push(LoadWarning::NotKept { path, source });
    }
    model.warnings = warnings;
    Ok(model)
}

fn load(
    config: &CodecConfig,
    weights: &dyn TensorSource,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
    writer: Option<PackedWriter>,
) -> Result<(LoadedModel, Option<PackedWriter>), CodecError> {
    let precision = options.precision;
    let loading = LoadContext {
        weights,
        #[cfg(feature = "reference")]
        device: options.device()?,
        precision,
        progress,
        total: config.parameters(),
        done: Mutex::new(0),
        arena: Arena::new(),
        writer: writer.map(Mutex::new),
    };
    let (executor, quantizer) = Executor::load(config, &loading, options)?;
    let writer = loading.writer.map(|w| w.into_inner().unwrap_or_else(|e| e.into_inner()));
    let config = config.clone();
    Ok((LoadedModel { config, quantizer, executor, precision, warnings: Vec::new() }, writer))
}
