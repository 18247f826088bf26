//! From the name on the command line to a loaded model.

use std::ops::ControlFlow;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use residue_engine::codec::{Codec, CodecError, CodecOptions};
use residue_engine::models::{ModelLibrary, ModelSource, locate};

use super::args::{Model, Precision};
use super::progress::Share;
use crate::studio::models;

/// Loads the model that `args` names, on all cores if nothing else is said.
pub fn load(args: &Model) -> Result<Codec> {
    load_as(&args.model, args.precision, args.threads)
}

/// As [`load`], but leaves a core to the sound devices if nothing else is said.
pub fn load_beside_audio(args: &Model) -> Result<Codec> {
    load_with(&args.model, &CodecOptions { threads: args.threads, ..options(args.precision, 0) })
}

/// Loads the model of this name on so many threads, 0 for all cores.
pub fn load_as(name: &str, precision: Precision, threads: usize) -> Result<Codec> {
    load_with(name, &options(precision, threads))
}

/// Says on stderr what was worked around.
fn load_with(name: &str, options: &CodecOptions) -> Result<Codec> {
    let source = locate(name)?;
    let codec = load_source(&source, options);
    let codec = codec.with_context(|| format!("model {name}"))?;
    for warning in codec.warnings() {
        eprintln!("residue: warning: {warning}");
    }
    Ok(codec)
}

/// What the engine is told: here 0 threads are one a core, since no host wants one of them.
pub fn options(precision: Precision, threads: usize) -> CodecOptions {
    let threads = match threads {
        0 => available_parallelism().map_or(1, usize::from),
        n => n,
    };
    // An account without any folder of its own packs its models anew at each start.
    let cache = ModelLibrary::from_env().ok().map(|library| library.packed());
    CodecOptions { precision: precision.into(), threads, cache, ..CodecOptions::default() }
}

/// Loads a model from where it is, with a bar for whoever watches.
pub fn load_source(source: &ModelSource, options: &CodecOptions) -> Result<Codec, CodecError> {
    // The embedded one is there at once.
    let bar = matches!(source, ModelSource::Folder(_)).then(|| Share::new("loading"));
    models::load_source(source, options, &|share| {
        bar.as_ref().map_or(ControlFlow::Continue(()), |bar| bar.set(share))
    })
}
