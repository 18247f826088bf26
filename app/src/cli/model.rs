//! From the name on the command line to a loaded model.

use std::ops::ControlFlow;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use residue_engine::codec::{Codec, CodecParts, LoadProgress};
use residue_engine::models::{
    EMBEDDED, ModelLoadError, ModelRequest, ModelStore, PrecisionRequest,
};

use super::args::ModelArgs;
use super::progress::Share;
use crate::terminal;

/// Loads the model that `args` names, on all cores and in f32 if nothing else is said.
pub fn load(args: &ModelArgs) -> Result<Codec> {
    load_parts(args, CodecParts::Whole)
}

/// As [`load`], but only some parts of the model.
pub fn load_parts(args: &ModelArgs, parts: CodecParts) -> Result<Codec> {
    let (precision, threads) = (args.precision(), all_cores(args.threads));
    load_request(&ModelRequest { id: args.model.clone(), precision, threads }, parts, true)
}

/// As [`load`], but leaves a core to the sound devices, and takes the automatic precision, if nothing else is said.
pub fn load_beside_audio(args: &ModelArgs) -> Result<Codec> {
    let request = live_request(args);
    // Live commands name the precision when they begin, and the embedded model's reason is in the documents.
    let explained = !is_embedded(&request);
    load_request(&request, CodecParts::Whole, explained)
}

/// Returns the request of a model that runs live.
pub fn live_request(args: &ModelArgs) -> ModelRequest {
    let (precision, threads) = (args.live_precision(), args.threads);
    ModelRequest { id: args.model.clone(), precision, threads }
}

/// Loads the model of this name on so many threads, 0 for all cores.
pub fn load_as(name: &str, precision: PrecisionRequest, threads: usize) -> Result<Codec> {
    let threads = all_cores(threads);
    load_request(&ModelRequest { id: name.to_owned(), precision, threads }, CodecParts::Whole, true)
}

/// Returns the number of threads for `threads`, where 0 is one a core: no host wants one of them here,
/// so that none is left to others.
pub fn all_cores(threads: usize) -> usize {
    match threads {
        0 => available_parallelism().map_or(1, usize::from),
        n => n,
    }
}

fn is_embedded(request: &ModelRequest) -> bool {
    request.id.eq_ignore_ascii_case(EMBEDDED)
}

/// Prints warnings on stderr, and the reason of an automatic precision if that is to be `explained`.
fn load_request(request: &ModelRequest, parts: CodecParts, explained: bool) -> Result<Codec> {
    let store = ModelStore::from_env();
    let loaded = watched(!is_embedded(request), |progress| {
        let source = store.locate(&request.id)?;
        let chosen = store.choose_precision(&source, request.precision, request.threads)?;
        if let Some(reason) = chosen.reason.as_ref().filter(|_| explained) {
            terminal::note(format_args!("precision {}: {reason}", chosen.precision));
        }
        store.load_parts(&source, chosen.precision, request.threads, parts, progress)
    });
    let codec = match loaded {
        // Says which model it is about.
        Err(ModelLoadError::Models(error)) => return Err(error.into()),
        loaded => loaded.with_context(|| format!("model {}", request.id))?,
    };
    for warning in codec.warnings() {
        terminal::warn(warning);
    }
    Ok(codec)
}

/// Runs something that loads a model, with a progress bar from its first report on.
pub fn watched<T>(has_bar: bool, load: impl FnOnce(&LoadProgress<'_>) -> T) -> T {
    // The embedded model is there at once.
    let bar = std::sync::OnceLock::new();
    load(&|share| match has_bar {
        true => bar.get_or_init(|| Share::new("loading")).set(share),
        false => ControlFlow::Continue(()),
    })
}
