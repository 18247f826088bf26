//! Models: listing, loading, downloading, checking. Everything here may wait.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use residue_engine::codec::{Codec, CodecConfig, CodecError, CodecOptions, LoadProgress};
use residue_engine::models::{
    self, ModelEntry, ModelLibrary, ModelSource, ModelsError, Progress, VerifyReport, embedded,
};

use super::shared::{Board, Event, Shared};
use super::state::{ListedFacts, ListedModel, ModelFacts, ModelWish, PullProgress, Severity};

/// Loads a model from where it is.
///
/// # Errors
/// As [`Codec::load_with`].
pub fn load_source(
    source: &ModelSource,
    options: &CodecOptions,
    progress: &LoadProgress<'_>,
) -> Result<Codec, CodecError> {
    match source {
        ModelSource::Folder(folder) => Codec::load_with(folder, options, progress),
        ModelSource::Embedded => {
            let model = embedded();
            Codec::load_from_memory(model.config, model.weights, options)
        }
    }
}

/// What is known of a model without loading it: from its own configuration if it is here, else from
/// what is published of it.
pub fn facts(entry: &ModelEntry) -> Option<ListedFacts> {
    let config = match entry.source.as_ref().ok() {
        Some(ModelSource::Embedded) => CodecConfig::parse(embedded().config).ok(),
        Some(ModelSource::Folder(folder)) => CodecConfig::read(folder).ok(),
        None => None,
    };
    let here = config.map(|config| ListedFacts {
        rate: config.sample_rate,
        channels: config.channels,
        layers: config.quantizer.layers,
        parameters: config.parameters(),
    });
    let known = entry.known.map(|known| ListedFacts {
        rate: known.rate,
        channels: known.channels,
        layers: known.layers,
        parameters: known.parameters,
    });
    here.or(known)
}

/// Where a model is, or why it cannot be used.
pub fn place(entry: &ModelEntry) -> String {
    match &entry.source {
        Ok(ModelSource::Embedded) => "built in".into(),
        Ok(ModelSource::Folder(folder)) => folder.display().to_string(),
        Err(error) => error.to_string(),
    }
}

/// The user's own library if none was given.
pub fn library(given: &Option<ModelLibrary>) -> Result<ModelLibrary, String> {
    given.clone().map_or_else(|| ModelLibrary::from_env().map_err(|error| error.to_string()), Ok)
}

/// How a wish is loaded beside running audio.
pub fn options(wish: &ModelWish, library: Option<&ModelLibrary>) -> CodecOptions {
    // An account without any folder of its own packs its models anew at each start.
    let cache = library.map(ModelLibrary::packed);
    CodecOptions {
        precision: wish.precision,
        threads: wish.threads,
        cache,
        ..CodecOptions::default()
    }
}

/// Where a wish's model is.
pub fn locate(wish: &str, given: &Option<ModelLibrary>) -> Result<ModelSource, String> {
    // The embedded one needs no library, and so no home folder.
    if wish.eq_ignore_ascii_case(models::EMBEDDED) {
        return Ok(ModelSource::Embedded);
    }
    library(given)?.locate(wish).map_err(|error| error.to_string())
}

/// Loads what is wished for; gives up as soon as another wish counts.
pub fn load(
    shared: &Shared,
    wish: &ModelWish,
    given: &Option<ModelLibrary>,
    number: u64,
    wishes: &AtomicU64,
) -> Result<Option<(Codec, ModelFacts)>, String> {
    let source = locate(&wish.id, given)?;
    let options = options(wish, library(given).ok().as_ref());
    let loaded = load_source(&source, &options, &|share| {
        if wishes.load(Ordering::Relaxed) != number {
            return ControlFlow::Break(());
        }
        let mut board = shared.board();
        let (before, now) = (board.loading.as_ref().map(|(_, share)| *share), share as f32);
        board.loading = Some((wish.clone(), now));
        drop(board);
        if before.is_none_or(|before| (before * 100.0) as u32 != (now * 100.0) as u32) {
            shared.wake();
        }
        ControlFlow::Continue(())
    });
    let codec = match loaded {
        Ok(codec) => codec,
        Err(CodecError::Cancelled) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    for warning in codec.warnings() {
        shared.notice(Severity::Warning, format!("model {}: {warning}", wish.id));
    }
    let config = codec.config();
    let facts = ModelFacts {
        wish: wish.clone(),
        threads: codec.threads(),
        layers: config.quantizer.layers,
        kbps_per_layer: config.bitrate(1) / 1e3,
        rate: config.sample_rate,
        channels: config.channels,
        frame_ms: 1e3 / config.frame_rate(),
        parameters: config.parameters(),
        codebook_size: config.quantizer.codebook_size,
    };
    Ok(Some((codec, facts)))
}

/// All models.
pub fn list(library: &ModelLibrary) -> Result<Vec<ListedModel>, ModelsError> {
    let describe = |entry: &ModelEntry| ListedModel {
        id: entry.name.clone(),
        repository: entry.known.map(|known| known.repository),
        here: entry.source.is_ok(),
        can_pull: entry.known.is_some() && entry.source.is_err(),
        place: place(entry),
        facts: facts(entry),
        bytes: entry.bytes.or(entry.known.map(|known| known.f32_bytes())),
        verified: None,
    };
    Ok(library.list()?.iter().map(describe).collect())
}

/// Lists models and tells.
pub fn refresh(shared: &Shared, given: &Option<ModelLibrary>) {
    let listed = library(given).and_then(|library| list(&library).map_err(|e| e.to_string()));
    match listed {
        Ok(listed) => shared.tell(Event::Library(listed)),
        Err(why) => shared.notice(Severity::Error, format!("models cannot be listed: {why}")),
    }
}

/// Keeps what was known of verified models when they are listed again.
pub fn keep_verified(listed: &mut [ListedModel], before: &[ListedModel]) {
    let known: HashMap<&str, _> = before.iter().map(|m| (m.id.as_str(), &m.verified)).collect();
    for model in listed.iter_mut().filter(|model| model.here) {
        model.verified = known.get(model.id.as_str()).cloned().cloned().flatten();
    }
}

/// Shows progress in a place of the board, waking at most every hundredth of the whole.
fn watch<'a>(
    shared: &'a Shared,
    id: &'a str,
    cancel: &'a AtomicBool,
    place: fn(&mut Board) -> &mut Option<PullProgress>,
) -> impl FnMut(Progress<'_>) -> ControlFlow<()> + 'a {
    let mut shown = None;
    move |progress| {
        let cancelling = cancel.load(Ordering::Relaxed);
        *place(&mut shared.board()) = Some(PullProgress {
            id: id.to_owned(),
            stage: progress.stage,
            file: progress.file.to_owned(),
            done: progress.done,
            total: progress.total,
            cancelling,
        });
        let step = (progress.stage, progress.done * 100 / progress.total.max(1));
        if shown.replace(step) != Some(step) {
            shared.wake();
        }
        if cancelling { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Downloads a published model.
pub fn pull(shared: &Shared, given: &Option<ModelLibrary>, name: &str, cancel: &AtomicBool) {
    let pulled = library(given).map(|library| {
        library.pull(name, &mut watch(shared, name, cancel, |board| &mut board.pull))
    });
    shared.board().pull = None;
    match pulled {
        Ok(Ok(_)) => shared.notice(Severity::Info, format!("{name} is here now")),
        // Told to stop, it may first notice that the connection is gone.
        Ok(Err(_)) if cancel.load(Ordering::Relaxed) => {
            let text = format!("stopped downloading {name}; what has arrived is kept");
            shared.notice(Severity::Info, text);
        }
        Ok(Err(error)) => {
            shared.notice(Severity::Error, format!("{name} cannot be downloaded: {error}"));
        }
        Err(why) => shared.notice(Severity::Error, why),
    }
    refresh(shared, given);
}

/// Makes a folder known.
pub fn add(shared: &Shared, given: &Option<ModelLibrary>, folder: &Path) {
    let add = || {
        let library = library(given)?;
        // A folder that cannot be loaded is refused now and not when it is wanted.
        let source = ModelSource::Folder(folder.to_owned());
        load_source(&source, &CodecOptions::default(), &|_| ControlFlow::Continue(()))
            .map_err(|error| error.to_string())?;
        library.add(folder, None).map_err(|error| error.to_string())
    };
    match add() {
        Ok(added) => shared.notice(Severity::Info, format!("added {}", added.name)),
        Err(why) => {
            let text = format!("{} cannot be added: {why}", folder.display());
            shared.notice(Severity::Error, text);
        }
    }
    refresh(shared, given);
}

/// Checks a model's files and that it loads.
pub fn verify(shared: &Arc<Shared>, given: &Option<ModelLibrary>, id: &str) {
    let load = |source: &ModelSource| {
        load_source(source, &CodecOptions::default(), &|_| ControlFlow::Continue(()))
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let never = AtomicBool::new(false);
    let report = library(given).and_then(|library| {
        let mut watch = watch(shared, id, &never, |board| &mut board.verify);
        library.verify(id, Some(&load), &mut watch).map_err(|error| error.to_string())
    });
    shared.board().verify = None;
    let verdict = report.and_then(|report| problem(&report).map_or(Ok(report.files.len()), Err));
    match &verdict {
        Ok(files) => {
            shared.notice(Severity::Info, format!("{id} is in order: {files} files checked"));
        }
        Err(why) => {
            let text = format!("{id} is damaged: {why}; download or copy it again");
            shared.notice(Severity::Error, text);
        }
    }
    shared.tell(Event::Verified(id.to_owned(), verdict.map(drop)));
}

fn problem(report: &VerifyReport) -> Option<String> {
    let of_file = |file: &models::FileReport| {
        file.problem.as_ref().map(|problem| format!("{}: {problem}", file.name))
    };
    report
        .files
        .iter()
        .find_map(of_file)
        .or_else(|| report.load.as_ref().and_then(|load| load.as_ref().err().cloned()))
}
