//! `residue compare`: what each depth keeps, as a table, a picture and WAVs.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use residue_engine::audio;
use residue_engine::codec::CodecConfig;
use residue_engine::measure::{self, CodebookUsage, SignalDistances};
use residue_engine::tokens::Codes;
use residue_ui::depth_text::format_kbps;
use residue_ui::text::minus;
use serde::Serialize;

use super::args::CompareArgs;
use super::comparison_folder::{ComparisonFolder, ORIGINAL, PICTURE, REPORT, depth_wav};
use super::json_path::JsonPath;
use super::{input, model, output, passes, table};
use crate::comparison_picture::{self, ComparisonCaptions};
use crate::terminal::{name, say};

/// The content of `report.json` and the output of `--json`.
#[derive(Serialize)]
struct Report {
    input: JsonPath,
    model: String,
    precision: &'static str,
    rate: u32,
    channels: usize,
    seconds: f64,
    picture: JsonPath,
    original: JsonPath,
    depths: Vec<Depth>,
}

#[derive(Serialize)]
struct Depth {
    depth: usize,
    kbps: f64,
    wav: JsonPath,
    distances: SignalDistances,
    /// Entropy of the codes used, in bits a second: what the stream really carries at most.
    carried_kbps: f64,
}

/// Room for the report and the picture, in bytes.
const SMALL_FILES: u64 = 8 << 20;

pub fn run(args: &CompareArgs) -> Result<()> {
    let mut folder = ComparisonFolder::open(&folder(args), &args.input)?;
    let original = input::read(&args.input, &args.decoding)?;
    let codec = model::load(&args.model)?;
    let config = codec.config();
    let depths = depths(args, config)?;
    let bytes = output::audio_bytes(original.len(), original.channels.len());
    let all = bytes * (depths.len() as u64 + 1) + SMALL_FILES;
    for depth in &depths {
        folder.create(&depth_wav(*depth), all)?;
    }

    let deepest = depths.iter().copied().max().unwrap_or(1);
    let encoded = passes::encode(&codec, &original, deepest, args.mono.into(), &args.chunk)?;
    let decoded = passes::decode(&codec, &encoded, &depths, &args.chunk)?;

    folder.fill(ORIGINAL, |writer| audio::write_to(writer, &original))?;
    let mut rows = Vec::new();
    for (&depth, decoded) in depths.iter().zip(&decoded) {
        let wav = depth_wav(depth);
        folder.fill(&wav, |writer| audio::write_to(writer, decoded))?;
        rows.push(Depth {
            depth,
            kbps: config.bitrate(depth) * encoded.streams.len() as f64 / 1000.0,
            wav: folder.path(&wav).as_path().into(),
            distances: measure::signal_distances(&original, decoded)?,
            carried_kbps: carried(&encoded.streams, depth, config)? / 1000.0,
        });
    }
    let report = Report {
        input: args.input.as_path().into(),
        model: args.model.model.clone(),
        precision: codec.precision().name(),
        rate: original.rate,
        channels: original.channels.len(),
        seconds: original.seconds(),
        picture: folder.path(PICTURE).as_path().into(),
        original: folder.path(ORIGINAL).as_path().into(),
        depths: rows,
    };
    let image = comparison_picture::draw(&captions(&report, &args.input), &original, &decoded)?;
    let image = comparison_picture::png(&image)?;
    folder.fill(PICTURE, |writer| writer.write_all(&image))?;
    let json = serde_json::to_string_pretty(&report)?;
    folder.fill(REPORT, |writer| writer.write_all(json.as_bytes()))?;
    let [picture, wavs, path] =
        [PICTURE, "original.wav, depth-*.wav", REPORT].map(|file| name(&folder.path(file)));
    folder.commit()?;

    if args.json {
        say(json)?;
    } else {
        say(text(&report, &args.input, &encoded.layout.to_string()))?;
        say(format_args!("\npicture  {picture}\naudio    {wavs}\nreport   {path}"))?;
    }
    Ok(())
}

/// The depths asked for, or powers of two up to all layers.
fn depths(args: &CompareArgs, config: &CodecConfig) -> Result<Vec<usize>> {
    let layers = config.quantizer.layers;
    if args.depths.is_empty() {
        let powers = (0..).map(|i| 1 << i).take_while(|depth| *depth < layers);
        return Ok(powers.chain([layers]).collect());
    }
    let mut depths = args.depths.clone();
    depths.sort_unstable();
    depths.dedup();
    for &depth in &depths {
        input::depth(Some(depth), config)?;
    }
    ensure!(depths.len() <= 16, "--depths takes at most 16 depths, got {}", depths.len());
    Ok(depths)
}

fn folder(args: &CompareArgs) -> PathBuf {
    args.output.clone().unwrap_or_else(|| {
        let stem = args.input.file_stem().unwrap_or(args.input.as_os_str());
        let mut name = stem.to_owned();
        name.push("-residue");
        PathBuf::from(name)
    })
}

/// The text on the picture.
fn captions(report: &Report, path: &Path) -> ComparisonCaptions {
    let name = path.file_name().unwrap_or(path.as_os_str());
    let row = |row: &Depth| {
        let numbers = format!(
            "mel distance {:.2}   SI-SDR {}",
            row.distances.mel,
            optional(row.distances.si_sdr_db, |x| minus(&format!("{x:.1} dB")))
        );
        (format!("depth {} · {}", row.depth, format_kbps(row.kbps)), numbers)
    };
    ComparisonCaptions {
        title: format!("What the codec leaves behind: {}", name.display()),
        subtitle: format!("model {} in {}", report.model, report.precision),
        original: format!("{} Hz, {}", report.rate, input::channels(report.channels)),
        rows: report.depths.iter().map(row).collect(),
    }
}

/// Entropy of all streams' first `depth` layers, in bits a second.
fn carried(streams: &[Codes], depth: usize, config: &CodecConfig) -> Result<f64> {
    let size = config.quantizer.codebook_size;
    let mut bits = 0.0;
    for codes in streams {
        let used = measure::codebook_usage(&codes.truncated(depth), size)?;
        bits += CodebookUsage::bits_per_frame(&used);
    }
    Ok(bits * config.frame_rate())
}

fn text(report: &Report, path: &Path, layout: &str) -> String {
    let head = format!(
        "{}: {:.2} s, {} Hz, {}, through {} ({}; {layout})\n",
        name(path),
        report.seconds,
        report.rate,
        input::channels(report.channels),
        report.model,
        report.precision
    );
    let header = ["depth", "kbps", "mel", "STFT", "SI-SDR dB", "loudness LU", "carried kbps"];
    let rows: Vec<Vec<String>> = report
        .depths
        .iter()
        .map(|row| {
            let d = &row.distances;
            vec![
                row.depth.to_string(),
                format_kbps(row.kbps).trim_end_matches(" kbps").to_owned(),
                format!("{:.3}", d.mel),
                format!("{:.3}", d.stft.total()),
                optional(d.si_sdr_db, |x| format!("{x:.2}")),
                optional(d.loudness_difference_lu, |x| format!("{x:+.2}")),
                format!("{:.2}", row.carried_kbps),
            ]
        })
        .collect();
    let legend = "mel, STFT: distance from the original, 0 = identical; loudness: against the original;\ncarried: entropy of the codes that were used";
    format!("{head}\n{}\n\n{legend}", table::render(&header, &[0], &rows))
}

fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".into(), show)
}
