//! `residue models verify --exact`: a model's results compared with those of the reference implementation, on the
//! user's own weights and audio.

use std::path::Path;

use anyhow::{Context, Result};
use residue_engine::audio::Audio;
use residue_engine::exactness::{ReferenceAgreement, ReferenceRun, UNDECIDED_MARGIN};
use residue_engine::models::{ModelSource, ModelStore};
use serde::Serialize;

use super::args::{ExactArgs, PrecisionArg};
use super::progress::Share;
use super::{input, model, table};
use crate::demo_clip;
use crate::terminal::name;

/// Frames processed at a time.
const CHUNK: usize = 8;

/// Comparison of a model with the reference, as `--json` prints it.
#[derive(Serialize)]
pub struct ExactnessReport {
    model: String,
    input: String,
    seconds: f64,
    layers: usize,
    codes: usize,
    /// Codes whose two nearest entries are equally near, within rounding.
    undecided_codes: usize,
    precisions: Vec<PrecisionExactness>,
    /// True if f32, where it was compared, gives every decided code of the reference.
    pub is_exact: bool,
    pub verdict: String,
}

#[derive(Serialize)]
struct PrecisionExactness {
    precision: &'static str,
    agreement: f64,
    agreement_by_layer: Vec<f64>,
    frames: usize,
    undecided_frames: usize,
    different_frames: usize,
    latent_error: f64,
    audio_error: f64,
}

impl From<&ReferenceAgreement> for PrecisionExactness {
    fn from(exactness: &ReferenceAgreement) -> Self {
        Self {
            precision: exactness.precision.name(),
            agreement: exactness.agreement(),
            agreement_by_layer: exactness.agreement_by_layer.clone(),
            frames: exactness.frames,
            undecided_frames: exactness.undecided_frames,
            different_frames: exactness.different_frames,
            latent_error: exactness.latent_error,
            audio_error: exactness.audio_error,
        }
    }
}

/// Runs the reference and then each precision, one model in memory at a time.
pub fn compare(
    store: &ModelStore,
    source: &ModelSource,
    spec: &str,
    file: Option<&Path>,
    args: &ExactArgs,
) -> Result<ExactnessReport> {
    let (audio, input) = match file {
        Some(file) => (input::read(file, &args.decoding)?, name(file).to_string()),
        None => (demo_clip::speech()?, "a clip of speech".to_owned()),
    };
    let threads = model::all_cores(args.threads);
    let run = reference(store, source, &audio, threads)?;
    let mut found = Vec::new();
    for precision in &args.precisions {
        let precision = (*precision).into();
        let codec =
            model::watched(true, |progress| store.load_copy(source, precision, threads, progress))?;
        let bar = Share::new(&format!("comparing {precision}"));
        found.push(run.compare(&codec, CHUNK, &mut |share| bar.set(share))?);
    }
    let (codes, undecided_codes) = run.codes();
    let f32 = found.iter().find(|exactness| exactness.precision.name() == PrecisionArg::F32.name());
    Ok(ExactnessReport {
        model: spec.to_owned(),
        input,
        seconds: audio.seconds(),
        layers: found.first().map_or(0, |exactness| exactness.agreement_by_layer.len()),
        codes,
        undecided_codes,
        precisions: found.iter().map(PrecisionExactness::from).collect(),
        is_exact: f32.is_none_or(ReferenceAgreement::is_exact),
        verdict: verdict(spec, codes, f32, &found),
    })
}

fn reference(
    store: &ModelStore,
    source: &ModelSource,
    audio: &Audio,
    threads: usize,
) -> Result<ReferenceRun> {
    let codec = model::watched(true, |progress| store.load_reference(source, threads, progress))?
        .context("this program was built without the reference implementation, so --exact has nothing to compare with; packages have it, and so has a build with `cargo build --package residue --features reference`")?;
    let bar = Share::new("reference");
    Ok(ReferenceRun::new(&codec, audio, CHUNK, &mut |share| bar.set(share))?)
}

/// Says in one sentence what was found.
fn verdict(
    spec: &str,
    codes: usize,
    f32: Option<&ReferenceAgreement>,
    all: &[ReferenceAgreement],
) -> String {
    let Some(f32) = f32 else {
        let shares: Vec<String> = all
            .iter()
            .map(|found| format!("{:.2} % in {}", found.agreement() * 100.0, found.precision))
            .collect();
        return format!(
            "{spec} gives these shares of the reference's codes: {}",
            shares.join(", ")
        );
    };
    let (undecided, different, frames) = (f32.undecided_frames, f32.different_frames, f32.frames);
    match (undecided, different) {
        (0, 0) => format!("{spec} in f32 gives all {codes} codes of the reference"),
        (_, 0) => format!(
            "{spec} in f32 gives every code of the reference that is decided; in {undecided} of {frames} frames two entries are equally near, and rounding chose the other"
        ),
        _ => format!(
            "{spec} in f32 differs from the reference in {different} of {frames} frames: please report it, with the model's name and the audio"
        ),
    }
}

impl ExactnessReport {
    /// Returns the table and the verdict.
    pub fn text(&self) -> String {
        let percent = |share: f64| format!("{:.2} %", share * 100.0);
        let row = |found: &PrecisionExactness| {
            vec![
                found.precision.to_owned(),
                percent(found.agreement),
                percent(found.agreement_by_layer.first().copied().unwrap_or(1.0)),
                found.undecided_frames.to_string(),
                found.different_frames.to_string(),
                format!("{:.1e}", found.latent_error),
                format!("{:.1e}", found.audio_error),
            ]
        };
        let rows: Vec<Vec<String>> = self.precisions.iter().map(row).collect();
        let header = [
            "precision",
            "same codes",
            "in layer 1",
            "undecided frames",
            "other frames",
            "latents",
            "audio",
        ];
        format!(
            "\n{}: {:.2} s through {}, {} codes in {} layers, {} of them undecided (margin below {UNDECIDED_MARGIN:e})\n\n{}\n\nlatents, audio: largest difference, relative to the reference's peak\n\n{}",
            self.input,
            self.seconds,
            self.model,
            self.codes,
            self.layers,
            self.undecided_codes,
            table::render(&header, &[0], &rows),
            self.verdict,
        )
    }
}
