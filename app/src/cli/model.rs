//! From the name on the command line to a loaded model.

use anyhow::{Context, Result};
use residue_engine::codec::{Codec, CodecError, Options};
use residue_engine::models::{self, ModelSource, ModelsError};

use super::args::Model;

/// Loads the model that `args` names.
pub fn load(args: &Model) -> Result<Codec> {
    let source = models::locate(&args.model)?;
    let options = Options { threads: args.threads, ..Options::default() };
    load_source(&source, &options)?.with_context(|| format!("model {}", args.model))
}

/// Loads a model from where it is; the outer error is that of finding it, the inner one of loading.
pub fn load_source(
    source: &ModelSource,
    options: &Options,
) -> Result<Result<Codec, CodecError>, ModelsError> {
    Ok(match source {
        ModelSource::Folder(folder) => Codec::load(folder, options),
        ModelSource::Embedded => {
            let model = models::embedded();
            Codec::load_from_memory(model.config, model.weights, options)
        }
    })
}
