//! `residue bench`: how fast a model runs here, streaming, with its windows full.

use std::time::Duration;

use anyhow::Result;
use residue_engine::codec::{Codec, CodecConfig, CodecOptions};
use serde::Serialize;

use super::args::{BenchArgs, LayoutArg};
use super::progress::{Share, Waiting};
use super::{input, model, table};
use crate::speed::{self, ChunkTimes};
use crate::terminal::say;

/// The output of `--json`. Times are wall seconds a second of audio.
#[derive(Serialize)]
struct Report {
    layout: String,
    precision: &'static str,
    threads: usize,
    chunk_frames: usize,
    lanes: usize,
    seconds: f64,
    rtf: f64,
    encode_rtf: f64,
    quantize_rtf: f64,
    decode_rtf: f64,
    chunk_ms_median: f64,
    chunk_ms_max: f64,
    rss_mb: Option<f64>,
}

pub fn run(args: &BenchArgs) -> Result<()> {
    let (name, codec) = load(args)?;
    let report = measure(args, name, &codec)?;
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        print(&report, &codec)?;
    }
    Ok(())
}

fn load(args: &BenchArgs) -> Result<(String, Codec)> {
    let Some(layout) = args.layout else {
        return Ok((args.model.model.clone(), model::load(&args.model)?));
    };
    let (name, config) = match layout {
        LayoutArg::V1 => ("v1", CodecConfig::v1()),
        LayoutArg::V2 => ("v2", CodecConfig::v2()),
        LayoutArg::Nano => ("nano", CodecConfig::nano()),
    };
    let options = CodecOptions {
        precision: args.model.precision.into(),
        threads: model::all_cores(args.model.threads),
        ..CodecOptions::default()
    };
    let _waiting = Waiting::new("drawing");
    Ok((name.into(), Codec::random(config, 1, &options)?))
}

fn measure(args: &BenchArgs, layout: String, codec: &Codec) -> Result<Report> {
    let config = codec.config();
    let chunk = args.chunk.unwrap_or_else(|| speed::usual_chunk(codec));
    let chunk_seconds = chunk as f64 / config.frame_rate();
    let depths: Vec<usize> = (0..args.lanes)
        .map(|lane| (config.quantizer.layers >> lane.min(usize::BITS as usize - 1)).max(1))
        .collect();
    let chunks = (args.seconds / chunk_seconds).ceil().max(1.0) as usize;
    let bar = Share::new("filling");
    let times = speed::measure(codec, depths, chunk, chunks, &mut |share| bar.set(share))?;
    drop(bar);

    let seconds = chunks as f64 * chunk_seconds;
    let rtf = |part: fn(&ChunkTimes) -> Duration| {
        times.iter().map(part).sum::<Duration>().as_secs_f64() / seconds
    };
    let mut chunk_ms: Vec<f64> =
        times.iter().map(|times| times.total().as_secs_f64() * 1e3).collect();
    chunk_ms.sort_by(f64::total_cmp);
    Ok(Report {
        layout,
        precision: codec.precision().name(),
        threads: codec.threads(),
        chunk_frames: chunk,
        lanes: args.lanes,
        seconds,
        rtf: rtf(ChunkTimes::total),
        encode_rtf: rtf(|t| t.encode),
        quantize_rtf: rtf(|t| t.quantize),
        decode_rtf: rtf(|t| t.decode),
        chunk_ms_median: chunk_ms[chunk_ms.len() / 2],
        chunk_ms_max: chunk_ms[chunk_ms.len() - 1],
        rss_mb: resident_mb(),
    })
}

/// Memory of this process that is resident, where the system tells (Linux).
fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

fn print(report: &Report, codec: &Codec) -> Result<()> {
    let config = codec.config();
    say(format!(
        "{}: {} Hz, {}, {} layers, {:.1} M parameters, {}, {} thread(s)",
        report.layout,
        config.sample_rate,
        input::channels(config.channels),
        config.quantizer.layers,
        config.parameters() as f64 / 1e6,
        report.precision,
        report.threads
    ))?;
    let row = |what: &str, rtf: f64| {
        vec![what.to_owned(), format!("{rtf:.4}"), format!("{:.1} x", 1.0 / rtf)]
    };
    let rows = [
        row("encode", report.encode_rtf),
        row("quantize", report.quantize_rtf),
        row(&format!("decode, {} lane(s)", report.lanes), report.decode_rtf),
        row("all", report.rtf),
    ];
    say(table::render(&["", "RTF", "realtime"], &[0], &rows))?;
    let budget = 1e3 * report.chunk_frames as f64 / config.frame_rate();
    say(format!(
        "a chunk of {} frames ({budget:.0} ms): median {:.2} ms, worst {:.2} ms, over {:.1} s of audio with full windows",
        report.chunk_frames, report.chunk_ms_median, report.chunk_ms_max, report.seconds
    ))?;
    if let Some(rss) = report.rss_mb {
        say(format!("resident memory: {rss:.0} MB"))?;
    }
    Ok(())
}
