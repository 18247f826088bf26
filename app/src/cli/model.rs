//! From the name on the command line to a loaded model.

use anyhow::{Context, Result};
use residue_engine::codec::{Codec, CodecError, Options};
use residue_engine::models::{self, ModelSource};

use super::args::Model;
use super::progress::Waiting;

/// Loads the model that `args` names.
pub fn load(args: &Model) -> Result<Codec> {
    let source = models::locate(&args.model)?;
    let options = Options { threads: args.threads, ..Options::default() };
    let _waiting = Waiting::new("loading");
    load_source(&source, &options).with_context(|| format!("model {}", args.model))
}

/// Loads a model from where it is.
pub fn load_source(source: &ModelSource, options: &Options) -> Result<Codec, CodecError> {
    match source {
        ModelSource::Folder(folder) => Codec::load(folder, options),
        ModelSource::Embedded => {
            let model = models::embedded();
            Codec::load_from_memory(model.config, model.weights, options)
        }
    }
}
