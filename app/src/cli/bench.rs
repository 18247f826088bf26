//! `residue bench`: how fast a model runs here, streaming, with its windows full.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use residue_engine::codec::{Codec, CodecConfig, CodecOptions, PassShape, Workload};
use residue_engine::kernels::{Isa, MachineLimits, ThreadPool};
use residue_engine::live::{CodecModel, DECODED_LANES, LiveModel, measure_frame_times};
use residue_engine::models::{ModelStore, PrecisionRequest};
use serde::Serialize;

use super::args::{BenchArgs, LayoutArg};
use super::progress::{Share, Waiting};
use super::{bench_instances, input, model, table};
use crate::speed::{self, ChunkTimes, LIVE_HOST};
use crate::terminal::say;

/// The output of `--json`. RTFs are wall seconds a second of audio.
#[derive(Serialize)]
struct Report {
    layout: String,
    precision: &'static str,
    threads: usize,
    instruction_set: &'static str,
    live: bool,
    chunk_frames: usize,
    lanes: usize,
    /// Streams through the encoder.
    streams: usize,
    seconds: f64,
    rtf: f64,
    /// By part, where parts are timed.
    #[serde(flatten)]
    parts: Option<PartTimes>,
    chunk_ms_median: f64,
    chunk_ms_max: f64,
    rss_mb: Option<f64>,
    #[serde(flatten)]
    limit: Option<LimitReport>,
}

#[derive(Serialize)]
struct PartTimes {
    encode_rtf: f64,
    quantize_rtf: f64,
    decode_rtf: f64,
}

/// The limits of the machine, and how near the model comes to them.
#[derive(Serialize)]
struct LimitReport {
    read_gb_per_s: f64,
    float_gmac_per_s: f64,
    int8_gmac_per_s: f64,
    /// The least RTF that the limits allow.
    floor_rtf: f64,
    /// The median chunk as a multiple of the least time.
    times_floor: f64,
}

pub fn run(args: &BenchArgs) -> Result<()> {
    Isa::from_env()?;
    let (name, codec) = load(args)?;
    if !args.instances.is_empty() {
        return bench_instances::run(args, name, &codec);
    }
    let mut report = match args.live {
        true => measure_live(args, name, &codec)?,
        false => measure(args, name, &codec)?,
    };
    if args.limit {
        report.limit = Some(measure_limit(&report, &codec)?);
    }
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        print(&report, &codec)?;
    }
    Ok(())
}

fn load(args: &BenchArgs) -> Result<(String, Codec)> {
    let Some(layout) = args.layout else {
        let load = if args.live { model::load_beside_audio } else { model::load };
        return Ok((args.model.model.clone(), load(&args.model)?));
    };
    let (name, config) = match layout {
        LayoutArg::V1 => ("v1", CodecConfig::v1()),
        LayoutArg::V2 => ("v2", CodecConfig::v2()),
        LayoutArg::Nano => ("nano", CodecConfig::nano()),
    };
    let precision = match args.model.precision() {
        PrecisionRequest::Fixed(precision) => precision,
        PrecisionRequest::Automatic => {
            bail!(
                "--layout needs --precision f32, bf16, int8 or int4: a layout without a model has no automatic one"
            )
        }
    };
    let options = CodecOptions {
        precision,
        threads: match args.live {
            true => args.model.threads,
            false => model::all_cores(args.model.threads),
        },
        ..CodecOptions::default()
    };
    let _waiting = Waiting::new("drawing");
    Ok((name.into(), Codec::random(config, 1, &options)?))
}

/// Measures chunks of a stream, encoder, quantizer and decoder each.
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
    let parts = PartTimes {
        encode_rtf: rtf(|t| t.encode),
        quantize_rtf: rtf(|t| t.quantize),
        decode_rtf: rtf(|t| t.decode),
    };
    let totals = times.iter().map(ChunkTimes::total).collect();
    let shape = (chunk, args.lanes, 1);
    Ok(Report { parts: Some(parts), ..summarize(layout, codec, shape, totals) })
}

/// Measures frames as the worker of a port runs them: one at a time, or as many as waited.
fn measure_live(args: &BenchArgs, layout: String, codec: &Codec) -> Result<Report> {
    let config = codec.config();
    let together = args.chunk.unwrap_or(1);
    let frames = speed::live_frames(config, args.seconds, together);
    let bar = Share::new("filling");
    let model = CodecModel(codec.clone());
    let (rate, channels) = LIVE_HOST;
    let times = measure_frame_times(&model, rate, channels, frames, &mut |share| bar.set(share))?;
    drop(bar);
    ensure!(!times.is_empty(), "interrupted");
    // A mono model takes each channel as a stream.
    let streams = channels.div_ceil(model.format().channels);
    let report = summarize(layout, codec, (together, DECODED_LANES, streams), times);
    if together == 1 {
        // From now on it counts more than an estimate.
        let mut speed = ModelStore::from_env().machine_speed();
        speed.keep_load(config, codec.precision(), codec.threads(), report.rtf);
    }
    Ok(Report { live: true, ..report })
}

/// Returns the report of these times of chunks, without parts and limit; `shape`: frames of a chunk, lanes, streams.
fn summarize(
    layout: String,
    codec: &Codec,
    (chunk_frames, lanes, streams): (usize, usize, usize),
    mut times: Vec<Duration>,
) -> Report {
    let seconds = (times.len() * chunk_frames) as f64 / codec.config().frame_rate();
    let rtf = times.iter().sum::<Duration>().as_secs_f64() / seconds;
    times.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    Report {
        layout,
        precision: codec.precision().name(),
        threads: codec.threads(),
        instruction_set: Isa::best().name(),
        live: false,
        chunk_frames,
        lanes,
        streams,
        seconds,
        rtf,
        parts: None,
        chunk_ms_median: ms(times[times.len() / 2]),
        chunk_ms_max: ms(times[times.len() - 1]),
        rss_mb: resident_mb(),
        limit: None,
    }
}

/// Measures what this machine can do at most with the codec's threads.
pub(super) fn machine_limits(codec: &Codec) -> Result<MachineLimits> {
    let _waiting = Waiting::new("measuring this machine");
    let pool = ThreadPool::new(codec.threads())?;
    let limits = MachineLimits::measure(&pool, Isa::best())?;
    ModelStore::from_env().machine_speed().keep_limits(codec.threads(), &limits);
    Ok(limits)
}

fn measure_limit(report: &Report, codec: &Codec) -> Result<LimitReport> {
    let limits = machine_limits(codec)?;
    let shape = PassShape {
        encoded: report.streams,
        decoded: report.streams * report.lanes,
        frames: report.chunk_frames,
    };
    let precision = codec.precision();
    let floor =
        Workload::of_pass(codec.config(), precision, shape).floor_seconds(precision, &limits);
    Ok(LimitReport {
        read_gb_per_s: limits.read * 1e-9,
        float_gmac_per_s: limits.float * 1e-9,
        int8_gmac_per_s: limits.int8 * 1e-9,
        floor_rtf: floor * codec.config().frame_rate() / report.chunk_frames as f64,
        times_floor: report.chunk_ms_median / (1e3 * floor),
    })
}

/// Memory of this process that is resident, where the system tells (Linux).
pub(super) fn resident_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024.0)
}

fn print(report: &Report, codec: &Codec) -> Result<()> {
    let config = codec.config();
    say(format!(
        "{}: {} Hz, {}, {} layers, {:.1} M parameters, {}, {} thread(s), {}",
        report.layout,
        config.sample_rate,
        input::channels(config.channels),
        config.quantizer.layers,
        config.parameters() as f64 / 1e6,
        report.precision,
        report.threads,
        report.instruction_set
    ))?;
    let row = |what: &str, rtf: f64| {
        vec![what.to_owned(), format!("{rtf:.4}"), format!("{:.1} x", 1.0 / rtf)]
    };
    let mut rows = Vec::new();
    if let Some(parts) = &report.parts {
        rows.push(row("encode", parts.encode_rtf));
        rows.push(row("quantize", parts.quantize_rtf));
        rows.push(row(&format!("decode, {} lane(s)", report.lanes), parts.decode_rtf));
    }
    rows.push(row(if report.live { "live" } else { "all" }, report.rtf));
    say(table::render(&["", "RTF", "realtime"], &[0], &rows))?;
    let budget = 1e3 * report.chunk_frames as f64 / config.frame_rate();
    let what = match report.live {
        true => format!(
            "{} frame(s) ({budget:.0} ms) of 48 kHz stereo in lanes A and B",
            report.chunk_frames
        ),
        false => format!("a chunk of {} frames ({budget:.0} ms)", report.chunk_frames),
    };
    say(format!(
        "{what}: median {:.2} ms, worst {:.2} ms, over {:.1} s of audio with full windows",
        report.chunk_ms_median, report.chunk_ms_max, report.seconds
    ))?;
    if let Some(limit) = &report.limit {
        say(format!(
            "this machine, {} thread(s): reads {:.1} GB/s, computes {:.0} (f32) and {:.0} (8-bit) billion \
             multiply-adds per second",
            report.threads, limit.read_gb_per_s, limit.float_gmac_per_s, limit.int8_gmac_per_s
        ))?;
        say(format!(
            "the least possible RTF is {:.4}; the median is {:.2} times that",
            limit.floor_rtf, limit.times_floor
        ))?;
    }
    if let Some(rss) = report.rss_mb {
        say(format!("resident memory: {rss:.0} MB"))?;
    }
    Ok(())
}
