//! `residue models`: what there is, and getting more of it.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use residue_engine::codec::CodecOptions;
use residue_engine::models::{ModelEntry, ModelLibrary, ModelSource, Progress};
use residue_ui::text::megabytes;
use serde_json::{Value, json};

use super::args::{Models, ModelsCommand};
use super::output::say;
use super::{input, model, progress, table};
use crate::studio::models::{facts, place};

pub fn run(args: &Models) -> Result<()> {
    let library = ModelLibrary::from_env()?;
    match &args.command {
        None | Some(ModelsCommand::List) => list(&library, args.json),
        Some(ModelsCommand::Pull { name }) => pull(&library, name, args.json),
        Some(ModelsCommand::Add { folder, name }) => {
            add(&library, folder, name.as_deref(), args.json)
        }
        Some(ModelsCommand::Verify { model }) => verify(&library, model, args.json),
    }
}

fn list(library: &ModelLibrary, as_json: bool) -> Result<()> {
    let entries = library.list()?;
    if as_json {
        let models: Vec<Value> = entries.iter().map(describe).collect();
        say(serde_json::to_string_pretty(&models)?)?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let header = ["model", "audio", "layers", "parameters", "size here", "where"];
    say(table::render(&header, &[0, 1, 5], &rows))?;
    Ok(())
}

fn row(entry: &ModelEntry) -> Vec<String> {
    let facts = facts(entry);
    let show = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    vec![
        entry.name.clone(),
        show(facts.as_ref().map(|f| format!("{} Hz, {}", f.rate, input::channels(f.channels)))),
        show(facts.as_ref().map(|f| f.layers.to_string())),
        show(facts.as_ref().map(|f| format!("{:.0} M", f.parameters as f64 / 1e6))),
        show(entry.bytes.map(|bytes| megabytes(bytes, 1))),
        place(entry),
    ]
}

fn describe(entry: &ModelEntry) -> Value {
    let facts = facts(entry);
    let facts = facts.as_ref();
    json!({
        "name": entry.name,
        "repository": entry.known.map(|k| k.repository),
        "sample_rate": facts.map(|f| f.rate),
        "channels": facts.map(|f| f.channels),
        "layers": facts.map(|f| f.layers),
        "parameters": facts.map(|f| f.parameters),
        "here": entry.source.is_ok(),
        "bytes": entry.bytes,
        "where": place(entry),
    })
}

fn pull(library: &ModelLibrary, name: &str, as_json: bool) -> Result<()> {
    let mut bar = Bar::default();
    let folder = library.pull(name, &mut |progress| bar.show(&progress))?;
    drop(bar);
    if as_json {
        say(json!({ "name": name, "where": folder }))?;
    } else {
        say(format!("{name}: {}", folder.display()))?;
    }
    Ok(())
}

fn add(library: &ModelLibrary, folder: &Path, name: Option<&str>, as_json: bool) -> Result<()> {
    // A folder that cannot be loaded is refused now and not when it is wanted.
    let options = CodecOptions::default();
    let source = ModelSource::Folder(folder.to_owned());
    let config = model::load_source(&source, &options)?.config().clone();
    let added = library.add(folder, name)?;
    if as_json {
        say(json!({ "name": added.name, "where": added.folder }))?;
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

fn verify(library: &ModelLibrary, spec: &str, as_json: bool) -> Result<()> {
    let load = |source: &ModelSource| {
        model::load_source(source, &CodecOptions::default()).map(drop).map_err(|e| e.to_string())
    };
    let mut bar = Bar::default();
    let report = library.verify(spec, Some(&load), &mut |progress| bar.show(&progress))?;
    drop(bar);
    let loads = match &report.load {
        None => "not tried".to_owned(),
        Some(Ok(())) => "ok".to_owned(),
        Some(Err(problem)) => problem.clone(),
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
        say(json!({ "ok": report.is_ok(), "files": files, "loads": loads }))?;
    } else {
        for file in &report.files {
            let verdict = file.problem.as_deref().unwrap_or("ok");
            let sum = file.sha256.as_deref().unwrap_or("-");
            say(format!("{}  {} bytes  sha256 {sum}  {verdict}", file.name, file.bytes))?;
        }
        say(format!("loads: {loads}"))?;
    }
    if !report.is_ok() {
        bail!("model {spec} is damaged; download or copy it again");
    }
    Ok(())
}

/// A byte counter over all files of a model.
#[derive(Default)]
struct Bar(Option<ProgressBar>);

impl Bar {
    fn show(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        let bar = self.0.get_or_insert_with(progress::bytes);
        bar.set_message(format!("{} {}", progress.stage, progress.file));
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
