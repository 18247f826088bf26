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
                let rms: Vec<String> = audio.channels.iter().map(|channel| level(channel)).collect();
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
    let mut wrong = 0;
    for options in [ReadOptions::default(), ReadOptions::with_installed_ffmpeg()] {
        let who = if options.ffmpeg.is_some() { "with ffmpeg" } else { "without ffmpeg" };
        let mut table: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for file in &files {
            let verdict = compare(file, &options);
            let row = table.entry(&file.group).or_default();
            match verdict {
                Verdict::Right => row[0] += 1,
                Verdict::Refused(reason) => {
                    row[1] += 1;
                    *reasons.entry(reason).or_default() += 1;
                }
                Verdict::Wrong(what) => {
                    row[2] += 1;
                    println!("WRONG {who}: {}: {what}", file.path.display());
                }
            }
        }
        println!("\n{who}\n{:32} {:>6} {:>8} {:>6}", "", "right", "refused", "wrong");
        let mut sum = [0; 3];
        for (group, row) in &table {
            println!("{group:32} {:6} {:8} {:6}", row[0], row[1], row[2]);
            sum = [sum[0] + row[0], sum[1] + row[1], sum[2] + row[2]];
        }
        println!("{:32} {:6} {:8} {:6}", format!("{} files", files.len()), sum[0], sum[1], sum[2]);
        for (reason, count) in reasons {
            println!("refused {count}: {reason}");
        }
        wrong += sum[2];
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
