//! `residue models`: what there is, and getting more of it.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use residue_engine::codec::{PackedCache, PackedCacheUsage, Precision};
use residue_engine::kernels::{Isa, ThreadPool};
use residue_engine::models::{EMBEDDED, ListedModel, MachineSpeed, ModelStore, Progress};
use residue_ui::text::megabytes;
use serde_json::{Value, json};

use super::args::{ExactArgs, ModelsArgs, ModelsCommand};
use super::progress::Waiting;
use super::{exact, input, model, progress, table};
use crate::terminal::{self, printable, say};

pub fn run(args: &ModelsArgs) -> Result<()> {
    let store = ModelStore::from_env();
    match &args.command {
        None | Some(ModelsCommand::List) => list(&store, args.json),
        Some(ModelsCommand::Pull { name, revision }) => {
            pull(&store, name, revision.as_deref(), args.json)
        }
        Some(ModelsCommand::Add { folder, name }) => {
            add(&store, folder, name.as_deref(), args.json)
        }
        Some(ModelsCommand::Verify { model, exact }) => verify(&store, model, exact, args.json),
        Some(ModelsCommand::Cache { clear }) => cache(&store, *clear, args.json),
    }
}

fn list(store: &ModelStore, as_json: bool) -> Result<()> {
    let models = store.list()?;
    let speed = timed(store);
    if as_json {
        let models: Vec<Value> = models.iter().map(|model| describe(model, &speed)).collect();
        say(serde_json::to_string_pretty(&models)?)?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    let header = ["model", "audio", "layers", "parameters", "size here", "where"];
    say(table::render(&header, &[0, 1, 5], &rows))?;
    say(live_loads(&models, &speed))?;
    let packed = store.packed()?;
    if let Ok(usage) = packed.usage()
        && usage.files > 0
    {
        say(format!("packed weights: {}", size(&packed, usage)))?;
    }
    Ok(())
}

/// Returns this computer's speed, which is measured the first time.
fn timed(store: &ModelStore) -> MachineSpeed {
    let mut speed = store.machine_speed();
    if speed.limits(0).is_none() {
        let waiting = Waiting::new("measuring this machine");
        let measured = speed.measure_limits(0);
        drop(waiting);
        if let Err(error) = measured {
            terminal::warn(format_args!("this machine cannot be measured: {error}"));
        }
    }
    speed
}

/// Returns a table: which model runs live in which precision here, and with how much to spare.
fn live_loads(models: &[ListedModel], speed: &MachineSpeed) -> String {
    let row = |model: &ListedModel| {
        let load = |precision| model.live_load(speed, precision, 0);
        let shown = |precision| {
            load(precision).map_or("-".to_owned(), |load| {
                let mark = if load.measured { "" } else { "~" };
                format!("{mark}{:.0} %", load.load * 100.0)
            })
        };
        let automatic = model.automatic_precision(speed, 0);
        let automatic = automatic.map_or("-".to_owned(), |chosen| chosen.precision.to_string());
        let loads = Precision::ALL.into_iter().map(shown);
        [model.id.clone()].into_iter().chain(loads).chain([automatic]).collect()
    };
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    let header = ["load when live", "f32", "bf16", "int8", "int4", "automatic"];
    let mut text = format!("\n{}", table::render(&header, &[0, 5], &rows));
    text += "\nShare of the time that a 48 kHz stereo stream takes with lanes A and B; more than 100 % does not run \
             live,\nand above 50 % there is little to spare. ~ is an estimate";
    if let Some(limits) = speed.limits(0) {
        text += &format!(
            " from this machine's limits, {} thread(s), {}:\nreads {:.1} GB/s, computes {:.0} (f32) and {:.0} (8-bit) \
             billion multiply-adds per second",
            ThreadPool::resolve_threads(0),
            Isa::best().name(),
            limits.read * 1e-9,
            limits.float * 1e-9,
            limits.int8 * 1e-9
        );
    }
    text + ".\n`residue bench --live --model MODEL` measures."
}

/// Shows, or empties, the folder of packed weights.
fn cache(store: &ModelStore, clear: bool, as_json: bool) -> Result<()> {
    let packed = store.packed()?;
    let folder = packed.folder().display();
    let usage = if clear { packed.clear() } else { packed.usage() };
    let action = if clear { "empty" } else { "read" };
    let usage = usage.with_context(|| format!("cannot {action} {folder}"))?;
    if as_json {
        let mut answer = path_json("where", packed.folder());
        answer["files"] = json!(usage.files);
        answer["bytes"] = json!(usage.bytes);
        answer["limit"] = json!(PackedCache::MAX_BYTES);
        answer["cleared"] = json!(clear);
        say(answer)?;
    } else if clear {
        say(format!("deleted {} files, {}", usage.files, megabytes(usage.bytes, 1)))?;
    } else {
        say(size(&packed, usage))?;
    }
    Ok(())
}

fn size(packed: &PackedCache, usage: PackedCacheUsage) -> String {
    format!(
        "{} files, {} of at most {}, in {}",
        usage.files,
        megabytes(usage.bytes, 1),
        megabytes(PackedCache::MAX_BYTES, 1),
        packed.folder().display()
    )
}

/// Returns an object with a path under `key`. A path that is no text is shown with marks in place of what is
/// none, and its bytes are added in hexadecimal.
fn path_json(key: &str, path: &Path) -> Value {
    let mut object = json!({ key: path.to_string_lossy() });
    if path.to_str().is_none() {
        let bytes = path.as_os_str().as_encoded_bytes();
        object[format!("{key}_hex")] =
            json!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    object
}

fn row(model: &ListedModel) -> Vec<String> {
    let summary = model.summary;
    let show = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    vec![
        model.id.clone(),
        show(summary.map(|s| format!("{} Hz, {}", s.rate, input::channels(s.channels)))),
        show(summary.map(|s| s.layers.to_string())),
        show(summary.map(|s| format!("{:.0} M", s.parameters as f64 / 1e6))),
        show(model.bytes.map(|bytes| megabytes(bytes, 1))),
        model.place.clone(),
    ]
}

fn describe(model: &ListedModel, speed: &MachineSpeed) -> Value {
    let summary = model.summary;
    let live = |precision: Precision| {
        let load = model.live_load(speed, precision, 0)?;
        Some(json!({
            "precision": precision.name(),
            "load": load.load,
            "measured": load.measured,
        }))
    };
    let live: Vec<Value> = Precision::ALL.into_iter().filter_map(live).collect();
    let automatic = model.automatic_precision(speed, 0);
    json!({
        "name": model.id,
        "repository": model.repository,
        "sample_rate": summary.map(|s| s.rate),
        "channels": summary.map(|s| s.channels),
        "layers": summary.map(|s| s.layers),
        "parameters": summary.map(|s| s.parameters),
        "here": model.here,
        "bytes": model.bytes,
        "where": model.place,
        "live": live,
        "automatic": automatic.map(|chosen| chosen.precision.name()),
    })
}

fn pull(store: &ModelStore, name: &str, revision: Option<&str>, as_json: bool) -> Result<()> {
    let mut bar = Bar::default();
    let pulled = store.pull(name, revision, &mut |progress| bar.show(&progress))?;
    drop(bar);
    if as_json {
        let mut answer = path_json("where", &pulled.folder);
        answer["name"] = json!(pulled.name);
        answer["update"] = json!(pulled.update);
        answer["commit"] = json!(pulled.commit);
        answer["complete_before"] = json!(pulled.was_complete);
        answer["unchecked"] = json!(pulled.unchecked);
        say(answer)?;
        return Ok(());
    }
    let complete = if pulled.was_complete { " (it was complete already)" } else { "" };
    say(format!("{}: {}{complete}", pulled.name, pulled.folder.display()))?;
    if pulled.name.contains('/') || pulled.name.contains('@') {
        say(format!("commit {}; use it as --model {}", pulled.commit, pulled.name))?;
    }
    if let Some(update) = &pulled.update {
        say(format!(
            "its repository has gone on to commit {update}, which was not downloaded; `residue models pull {name} --revision {update}` takes it, beside this one"
        ))?;
    }
    if !pulled.unchecked.is_empty() {
        say(format!(
            "checked by size and commit only, since no SHA-256 is published of them: {}",
            pulled.unchecked.join(", ")
        ))?;
    }
    Ok(())
}

fn add(store: &ModelStore, folder: &Path, name: Option<&str>, as_json: bool) -> Result<()> {
    let (added, config) = model::watched(true, |progress| store.add(folder, name, progress))?;
    if as_json {
        let mut answer = path_json("where", &added.folder);
        answer["name"] = json!(added.name);
        say(answer)?;
    } else {
        say(format!(
            "{}: {} Hz, {}, {} layers; use it as --model {}",
            added.name,
            config.sample_rate,
            input::channels(config.channels),
            config.quantizer.layers,
            added.name
        ))?;
    }
    Ok(())
}

fn verify(store: &ModelStore, spec: &str, args: &ExactArgs, as_json: bool) -> Result<()> {
    let mut bar = Bar::default();
    let has_bar = !spec.eq_ignore_ascii_case(EMBEDDED);
    let report = model::watched(has_bar, |on_load| {
        store.verify(spec, &mut |progress| bar.show(&progress), on_load)
    })?;
    drop(bar);
    let loads = match &report.load {
        None => "not tried".to_owned(),
        Some(Ok(())) => "ok".to_owned(),
        Some(Err(error)) => error.to_string(),
    };
    // Before anything is said, so that the answer is one object.
    let exactness = match (&args.exact, report.is_ok()) {
        (Some(file), true) => {
            Some(exact::compare(store, &report.source, spec, file.as_deref(), args)?)
        }
        _ => None,
    };
    if as_json {
        let files: Vec<Value> = report
            .files
            .iter()
            .map(|file| {
                json!({
                    "name": file.name,
                    "bytes": file.bytes,
                    "sha256": file.sha256,
                    "published_sha256": file.published_sha256,
                    "problem": file.problem,
                })
            })
            .collect();
        let mut answer = json!({ "ok": report.is_ok(), "files": files, "loads": loads });
        if let Some(exactness) = &exactness {
            answer["exact"] = serde_json::to_value(exactness)?;
        }
        say(answer)?;
    } else {
        for file in &report.files {
            let verdict = file.problem.as_deref().unwrap_or("ok");
            let sum = file.sha256.as_deref().unwrap_or("-");
            say(format!("{}  {} bytes  sha256 {sum}  {verdict}", file.name, file.bytes))?;
        }
        say(format!("loads: {loads}"))?;
        if let Some(exactness) = &exactness {
            say(exactness.text())?;
        }
    }
    if !report.is_ok() {
        bail!("model {spec} is damaged; download or copy it again");
    }
    match exactness.filter(|exactness| !exactness.is_exact) {
        Some(exactness) => bail!("{}", exactness.verdict),
        None => Ok(()),
    }
}

/// A byte counter over all files of a model.
#[derive(Default)]
struct Bar(Option<ProgressBar>);

impl Bar {
    fn show(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        let bar = self.0.get_or_insert_with(progress::bytes);
        bar.set_message(printable(format_args!("{} {}", progress.stage, progress.file)));
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
