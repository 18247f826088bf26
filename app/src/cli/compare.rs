//! `residue compare`: what each depth or codec keeps, as a table, pictures and WAVs.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use residue_engine::audio::{self, Audio};
use residue_engine::codec::CodecConfig;
use residue_engine::codec_at_rate::{CodecAtRate, ModelRate};
use residue_engine::measure::{self, SignalDistances};
use residue_ui::depth_text::format_kbps;
use residue_ui::text::minus;
use serde::Serialize;

use super::args::CompareArgs;
use super::comparison_folder::{
    ComparisonFolder, ORIGINAL, PICTURE, PLOT, REPORT, codec_wav, depth_wav,
};
use super::json_path::JsonPath;
use super::lanes::{self, CodedLane, LaneRequest};
use super::named_error::named;
use super::{input, model, output, table};
use crate::comparison_picture::{self, ComparisonCaptions};
use crate::rate_plot::{self, RateCurve};
use crate::terminal::{name, say};

/// The content of `report.json` and the output of `--json`.
#[derive(Serialize)]
struct Report {
    input: JsonPath,
    /// The model of `depths`, if there are any.
    model: Option<String>,
    precision: Option<&'static str>,
    rate: u32,
    channels: usize,
    seconds: f64,
    picture: JsonPath,
    plot: JsonPath,
    original: JsonPath,
    depths: Vec<Row>,
    /// The codecs of `--with`.
    with: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    /// In the notation of `--with`.
    codec: String,
    /// Layers kept, for a model.
    depth: Option<usize>,
    kbps: f64,
    wav: JsonPath,
    distances: SignalDistances,
    /// Bitrate that the stream really carries, in kbps: for a model at most the entropy of the codes used, for a
    /// conventional codec its packets.
    carried_kbps: f64,
}

impl Report {
    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.depths.iter().chain(&self.with)
    }

    /// The name of a row: a depth, or a codec where there are several.
    fn label(&self, row: &Row) -> String {
        match row.depth {
            Some(depth) if self.with.is_empty() => depth.to_string(),
            _ => row.codec.clone(),
        }
    }
}

/// Room for the report and the pictures, in bytes.
const SMALL_FILES: u64 = 32 << 20;
/// The most depths, and the most codecs.
const MOST: usize = 16;

pub fn run(args: &CompareArgs) -> Result<()> {
    ensure!(args.with.len() <= MOST, "--with takes at most {MOST} codecs, got {}", args.with.len());
    let mut folder = ComparisonFolder::open(&folder(args), &args.input)?;
    lanes::check(&args.with)?;
    let original = input::read(&args.input, &args.decoding)?;
    let request = LaneRequest {
        input: &args.input,
        original: &original,
        mono: args.mono,
        chunk: &args.chunk,
        threads: args.model.threads,
    };
    let has_depths = args.with.is_empty() || !args.depths.is_empty();
    let bytes = output::audio_bytes(original.len(), original.channels.len());
    let wavs: Vec<String> =
        args.with.iter().enumerate().map(|(n, codec)| codec_wav(n + 1, codec)).collect();
    let (mut depth_lanes, mut depth_codecs) = (Vec::new(), Vec::new());
    let mut precision = None;
    if has_depths {
        let codec = model::load(&args.model)?;
        precision = Some(codec.precision().name());
        let depths = depths(args, codec.config())?;
        let all = bytes * (depths.len() as u64 + wavs.len() as u64 + 1) + SMALL_FILES;
        for depth in &depths {
            folder.create(&depth_wav(*depth), all)?;
        }
        let coded = request.code_depths(&codec, &depths);
        depth_lanes = named(coded, &args.model.model, &args.input)?;
        depth_codecs = depths
            .into_iter()
            .map(|depth| CodecAtRate::Model {
                model: args.model.model.clone(),
                rate: ModelRate::Layers(depth),
                precision: codec.precision(),
            })
            .collect();
    }
    for wav in &wavs {
        folder.create(wav, bytes * (wavs.len() as u64 + 1) + SMALL_FILES)?;
    }
    let with_lanes = request.code(&args.with)?;

    folder.fill(ORIGINAL, |writer| audio::write_to(writer, &original))?;
    let row = |folder: &ComparisonFolder, wav: &str, codec: &CodecAtRate, lane: &CodedLane| {
        folder.fill(wav, |writer| audio::write_to(writer, &lane.audio))?;
        anyhow::Ok(Row {
            codec: codec.to_string(),
            depth: lane.depth,
            kbps: lane.kbps,
            wav: folder.path(wav).as_path().into(),
            distances: measure::signal_distances(&original, &lane.audio)?,
            carried_kbps: lane.carried_kbps,
        })
    };
    let mut depths = Vec::new();
    for (codec, lane) in depth_codecs.iter().zip(&depth_lanes) {
        let wav = depth_wav(lane.depth.unwrap_or_default());
        depths.push(row(&folder, &wav, codec, lane)?);
    }
    let mut with = Vec::new();
    for ((codec, lane), wav) in args.with.iter().zip(&with_lanes).zip(&wavs) {
        with.push(row(&folder, wav, codec, lane)?);
    }
    let report = Report {
        input: args.input.as_path().into(),
        model: has_depths.then(|| args.model.model.clone()),
        precision,
        rate: original.rate,
        channels: original.channels.len(),
        seconds: original.seconds(),
        picture: folder.path(PICTURE).as_path().into(),
        plot: folder.path(PLOT).as_path().into(),
        original: folder.path(ORIGINAL).as_path().into(),
        depths,
        with,
    };
    let streams = depth_lanes.first().map(|lane| lane.streams.clone());
    let decoded: Vec<Audio> =
        depth_lanes.into_iter().chain(with_lanes).map(|lane| lane.audio).collect();
    let image = comparison_picture::draw(&captions(&report, &args.input), &original, &decoded)?;
    let image = comparison_picture::png(&image)?;
    folder.fill(PICTURE, |writer| writer.write_all(&image))?;
    let codecs: Vec<CodecAtRate> = depth_codecs.into_iter().chain(args.with.clone()).collect();
    let title = format!("Distance over bitrate: {}", name(file_name(&args.input)));
    let image = comparison_picture::png(&rate_plot::draw(&title, &curves(&report, &codecs)))?;
    folder.fill(PLOT, |writer| writer.write_all(&image))?;
    let json = serde_json::to_string_pretty(&report)?;
    folder.fill(REPORT, |writer| writer.write_all(json.as_bytes()))?;
    let wavs = match (has_depths, args.with.is_empty()) {
        (true, true) => "original.wav, depth-*.wav",
        (false, _) => "original.wav, with-*.wav",
        (true, false) => "original.wav, depth-*.wav, with-*.wav",
    };
    let [picture, plot, wavs, path] =
        [PICTURE, PLOT, wavs, REPORT].map(|file| name(&folder.path(file)));
    folder.commit()?;

    if args.json {
        say(json)?;
    } else {
        say(text(&report, &args.input, streams.as_deref()))?;
        say(format_args!(
            "\npicture  {picture}\nplot     {plot}\naudio    {wavs}\nreport   {path}"
        ))?;
    }
    Ok(())
}

/// The curves of the plot: one a codec, by bitrate.
fn curves(report: &Report, codecs: &[CodecAtRate]) -> Vec<RateCurve> {
    let mut curves: Vec<RateCurve> = Vec::new();
    for (row, codec) in report.rows().zip(codecs) {
        let (name, point) = (codec.codec_name(), (row.kbps, row.distances.mel));
        match curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push(point),
            None => curves.push(RateCurve { name, points: vec![point] }),
        }
    }
    for curve in &mut curves {
        curve.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    curves
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
    ensure!(depths.len() <= MOST, "--depths takes at most {MOST} depths, got {}", depths.len());
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

/// The name of a file, without its folder.
fn file_name(path: &Path) -> &Path {
    path.file_name().map_or(path, Path::new)
}

/// The text on the picture.
fn captions(report: &Report, path: &Path) -> ComparisonCaptions {
    let row = |row: &Row| {
        let numbers = format!(
            "mel distance {:.2}   SI-SDR {}",
            row.distances.mel,
            optional(row.distances.si_sdr_db, |x| minus(&format!("{x:.1} dB")))
        );
        let label = match row.depth {
            Some(depth) if report.with.is_empty() => format!("depth {depth}"),
            _ => row.codec.clone(),
        };
        (format!("{label} · {}", format_kbps(row.kbps)), numbers)
    };
    let (title, subtitle, order) = match (&report.model, report.precision) {
        (Some(model), Some(precision)) if report.with.is_empty() => (
            "What the codec leaves behind",
            format!("model {model} in {precision}"),
            "depth by depth",
        ),
        _ => {
            let subtitle = "models by layers, others by kbps".to_owned();
            ("What codecs leave behind", subtitle, "codec by codec")
        }
    };
    ComparisonCaptions {
        title: format!("{title}: {}", file_name(path).display()),
        subtitle,
        order,
        original: format!("{} Hz, {}", report.rate, input::channels(report.channels)),
        rows: report.rows().map(row).collect(),
    }
}

fn text(report: &Report, path: &Path, streams: Option<&str>) -> String {
    let mut head = format!(
        "{}: {:.2} s, {} Hz, {}",
        name(path),
        report.seconds,
        report.rate,
        input::channels(report.channels),
    );
    if let (Some(model), Some(precision), Some(streams)) =
        (&report.model, report.precision, streams)
    {
        head.push_str(&format!(", through {model} ({precision}; {streams})"));
    }
    let first = if report.with.is_empty() { "depth" } else { "codec" };
    let header = [
        first,
        "kbps",
        "mel",
        "STFT",
        "SI-SDR dB",
        "loudness LU",
        "NMR dB",
        "peak dBTP",
        "carried kbps",
    ];
    let rows: Vec<Vec<String>> = report
        .rows()
        .map(|row| {
            let d = &row.distances;
            vec![
                report.label(row),
                format_kbps(row.kbps).trim_end_matches(" kbps").to_owned(),
                format!("{:.3}", d.mel),
                format!("{:.3}", d.stft.total()),
                optional(d.si_sdr_db, |x| format!("{x:.2}")),
                optional(d.loudness_difference_lu, |x| format!("{x:+.2}")),
                optional(d.noise_to_mask.map(|nmr| nmr.total_db), |x| format!("{x:.1}")),
                format!("{:.1}", d.other_headroom.true_peak_dbtp),
                format!("{:.2}", row.carried_kbps),
            ]
        })
        .collect();
    let legend = "mel, STFT: distance from the original, 0 = identical; loudness: against the original;\nNMR: the error above what the original masks; peak: true peak; carried: entropy of the codes, size of the packets";
    format!("{head}\n\n{}\n\n{legend}{}", table::render(&header, &[0], &rows), overs(report))
}

/// The rows that are over full scale, and the gain before the codec's output that would avoid it.
fn overs(report: &Report) -> String {
    let original = report
        .rows()
        .next()
        .map(|row| ("the original".to_owned(), row.distances.reference_headroom));
    let rows = report.rows().map(|row| {
        let label = match row.depth {
            Some(depth) if report.with.is_empty() => format!("depth {depth}"),
            _ => row.codec.clone(),
        };
        (label, row.distances.other_headroom)
    });
    let over = original.into_iter().chain(rows).filter(|(_, found)| found.samples_over > 0);
    let line = |(label, found): (String, measure::Headroom)| {
        format!(
            "\n  {label}: {} samples; {:.1} dB of gain would avoid it",
            found.samples_over,
            // Away from zero: a gain that was rounded up would not.
            (found.needed_gain_db * 10.0).floor() / 10.0
        )
    };
    let lines: String = over.map(line).collect();
    if lines.is_empty() { lines } else { format!("\n\nover 0 dBTP:{lines}") }
}

fn optional(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".into(), show)
}
