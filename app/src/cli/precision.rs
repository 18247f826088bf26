//! `residue precision`: what the faster precisions of a model change, measured on a file.

use std::path::Path;

use anyhow::Result;
use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::Precision;
use serde::Serialize;

use super::args::{PrecisionArg, PrecisionArgs};
use super::json_path::JsonPath;
use super::{input, model, passes, table};
use crate::cost::{self, PrecisionPass};
use crate::terminal::{name, say};

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    input: JsonPath,
    model: String,
    seconds: f64,
    /// f32 first.
    precisions: Vec<Cost>,
}

#[derive(Serialize)]
struct Cost {
    precision: &'static str,
    /// Mel distance of the decoded audio from the original.
    mel: f64,
    /// Its growth over f32, in percent.
    mel_growth_percent: f64,
    /// Mel distance of the decoded audio from what f32 decodes.
    mel_from_f32: f64,
    /// Share of codes that are those of f32, over all layers and for each.
    agreement: f64,
    agreement_by_layer: Vec<f64>,
}

pub fn run(args: &PrecisionArgs) -> Result<()> {
    let original = input::read(&args.input, &args.decoding)?;
    let exact = pass(args, PrecisionArg::F32, &original)?;
    let cost = |precision: PrecisionArg, pass: &PrecisionPass| -> Result<Cost> {
        let cost = cost::precision_change(&original, &exact, pass)?;
        Ok(Cost {
            precision: precision.name(),
            mel: cost.mel,
            mel_growth_percent: cost.mel_growth_percent,
            mel_from_f32: cost.mel_from_f32,
            agreement: cost.agreement,
            agreement_by_layer: cost.agreement_by_layer,
        })
    };
    let mut precisions = vec![cost(PrecisionArg::F32, &exact)?];
    for precision in args.precisions.iter().copied().filter(|p| *p != PrecisionArg::F32) {
        precisions.push(cost(precision, &pass(args, precision, &original)?)?);
    }
    let report = Report {
        input: args.input.as_path().into(),
        model: args.model.clone(),
        seconds: original.seconds(),
        precisions,
    };
    say(match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => text(&report, &args.input),
    })
}

/// The file through the model in one precision, which is unloaded after.
fn pass(args: &PrecisionArgs, precision: PrecisionArg, audio: &Audio) -> Result<PrecisionPass> {
    let precision = Precision::from(precision).into();
    let codec = model::load_as(&args.model, precision, args.threads)?;
    let depth = codec.config().quantizer.layers;
    let encoded = passes::encode(&codec, audio, depth, MonoTreatment::Dual, &args.chunk)?;
    let decoded = passes::decode(&codec, &encoded, &[depth], &args.chunk)?.remove(0);
    Ok(PrecisionPass { encoded, decoded })
}

fn text(report: &Report, input: &Path) -> String {
    let head =
        format!("{}: {:.2} s through {}, all layers\n", name(input), report.seconds, report.model);
    let row = |cost: &Cost| {
        vec![
            cost.precision.to_owned(),
            format!("{:.4}", cost.mel),
            format!("{:+.2} %", cost.mel_growth_percent),
            format!("{:.4}", cost.mel_from_f32),
            format!("{:.1} %", cost.agreement * 100.0),
        ]
    };
    let rows: Vec<Vec<String>> = report.precisions.iter().map(row).collect();
    let header = ["precision", "mel", "growth", "mel from f32", "same codes"];
    let summary = table::render(&header, &[0], &rows);
    let mut header = vec!["layer"];
    header.extend(report.precisions.iter().map(|cost| cost.precision));
    let layers = report.precisions.iter().map(|cost| cost.agreement_by_layer.len()).max();
    let row = |layer: usize| {
        let shares = report.precisions.iter().map(|cost| cost.agreement_by_layer[layer]);
        let shares = shares.map(|share| format!("{:.1} %", share * 100.0));
        [(layer + 1).to_string()].into_iter().chain(shares).collect()
    };
    let rows: Vec<Vec<String>> = (0..layers.unwrap_or(0)).map(row).collect();
    let layers = table::render(&header, &[], &rows);
    let legend = "mel: distance from the original, and from what f32 decodes; same codes: share of f32's,\nby layer below. Each layer's choices follow those before it.";
    format!("{head}\n{summary}\n\n{legend}\n\n{layers}")
}
