//! Makes a corpus of audio files, decodes it with Residue and with ffmpeg, and compares the waveforms.
//!
//! `cargo xtask corpus [FOLDER]` runs it; it needs ffmpeg, sox, flac, lame and oggenc. `describe FILE...` prints what is
//! read from files.

mod compare;
mod recipes;
mod reference;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use compare::{Verdict, compare};
use residue_media::audio::{ReadOptions, read_with};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.split_first() {
        Some((word, files)) if word.as_os_str() == "describe" => {
            files.iter().for_each(|file| describe(file));
            ExitCode::SUCCESS
        }
        Some((folder, [])) => run(folder),
        _ => {
            eprintln!("usage: corpus FOLDER | corpus describe FILE...");
            ExitCode::FAILURE
        }
    }
}

/// Prints what is read from a file, without and with ffmpeg.
fn describe(file: &Path) {
    println!("{}", file.display());
    for options in [ReadOptions::default(), ReadOptions::with_installed_ffmpeg()] {
        let who = if options.ffmpeg.is_some() { "with ffmpeg" } else { "alone" };
        match read_with(file, &options) {
            Err(error) => println!("  {who}: {error}"),
            Ok(decoded) => {
                let audio = &decoded.audio;
                let samples = || audio.channels.iter().flatten();
                let peak = samples().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
                let rms: Vec<String> =
                    audio.channels.iter().map(|channel| level(channel)).collect();
                println!(
                    "  {who}: {} Hz, {} channels, mask {:#x}, {} frames, peak {peak:.4}, RMS {}",
                    audio.rate,
                    audio.channels.len(),
                    audio.speakers.bits(),
                    audio.len(),
                    rms.join(" ")
                );
                decoded.warnings.iter().for_each(|warning| println!("    warning: {warning}"));
                if !decoded.warnings.iter().any(|warning| warning.to_string().contains("ffmpeg")) {
                    return;
                }
            }
        }
    }
}

fn level(channel: &[f32]) -> String {
    let power: f64 = channel.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    format!("{:.4}", (power / channel.len().max(1) as f64).sqrt())
}

/// Makes the corpus in `folder`, and prints a table of what became of it, without and with ffmpeg.
fn run(folder: &Path) -> ExitCode {
    let files = match recipes::make_all(folder) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("corpus: {error}");
            return ExitCode::FAILURE;
        }
    };
    let readers = [
        ("without ffmpeg", ReadOptions::default()),
        ("with ffmpeg", ReadOptions::with_installed_ffmpeg()),
    ];
    let mut results = readers.map(|(name, options)| (name, options, Results::default()));
    for file in &files {
        let reference = reference::decode(&file.reference);
        for (name, options, results) in &mut results {
            let verdict = compare(file, options, reference.as_ref());
            if let Verdict::Wrong(what) = &verdict {
                println!("WRONG {name}: {}: {what}", file.path.display());
            }
            results.add(&file.group, verdict);
        }
    }
    results.iter().for_each(|(name, _, results)| results.print(name));
    let wrong: usize = results.iter().map(|(_, _, results)| results.sum()[2]).sum();
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Counts of verdicts.
#[derive(Default)]
struct Results {
    /// Files right, refused and wrong, by container and codec.
    groups: BTreeMap<String, [usize; 3]>,
    reasons: BTreeMap<String, usize>,
}

impl Results {
    fn add(&mut self, group: &str, verdict: Verdict) {
        let row = self.groups.entry(group.to_owned()).or_default();
        match verdict {
            Verdict::Right => row[0] += 1,
            Verdict::Refused(reason) => {
                row[1] += 1;
                *self.reasons.entry(reason).or_default() += 1;
            }
            Verdict::Wrong(_) => row[2] += 1,
        }
    }

    fn sum(&self) -> [usize; 3] {
        let add = |sum: [usize; 3], row: &[usize; 3]| {
            [0, 1, 2].map(|verdict| sum[verdict] + row[verdict])
        };
        self.groups.values().fold([0; 3], add)
    }

    fn print(&self, name: &str) {
        let row = |name: &str, [right, refused, wrong]: [usize; 3]| {
            println!("{name:32} {right:>6} {refused:>8} {wrong:>6}");
        };
        println!("\n{name:32} {:>6} {:>8} {:>6}", "right", "refused", "wrong");
        self.groups.iter().for_each(|(group, counts)| row(group, *counts));
        let sum = self.sum();
        row(&format!("{} files", sum.iter().sum::<usize>()), sum);
        self.reasons.iter().for_each(|(reason, count)| println!("refused {count}: {reason}"));
    }
}
