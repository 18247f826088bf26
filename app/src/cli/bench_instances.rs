//! `residue bench --instances`: live streams that run side by side, with shared passes and with passes of their own,
//! in one run.

use std::time::Duration;

use anyhow::Result;
use residue_engine::codec::{Codec, PassShape, Workload};
use residue_engine::kernels::Isa;
use residue_engine::live::{
    DECODED_LANES, InstanceSharing, LiveInstances, LiveModel, SharedCodecModel, shares_passes,
};
use serde::Serialize;

use super::args::BenchArgs;
use super::bench::{machine_limits, resident_mb};
use super::progress::Share;
use super::table;
use crate::speed::LIVE_HOST;
use crate::terminal::say;

/// Frames of a round while the attention windows fill.
const FILLING_FRAMES: usize = 4;

/// The output of `--json`.
#[derive(Serialize)]
struct Report {
    layout: String,
    precision: &'static str,
    threads: usize,
    instruction_set: &'static str,
    /// Streams of an instance through the encoder; the decoder has two lanes of each.
    streams: usize,
    /// Frames that each instance computed, one at a time.
    frames: usize,
    frame_ms: f64,
    /// Ports of this model share passes: it is large enough.
    shares_passes: bool,
    read_gb_per_s: Option<f64>,
    float_gmac_per_s: Option<f64>,
    int8_gmac_per_s: Option<f64>,
    /// Resident memory of the process before the first instance, where the system tells.
    loaded_mb: Option<f64>,
    instances: Vec<InstancesReport>,
}

/// Times from the input of a frame to all instances until all are computed.
#[derive(Serialize)]
struct InstancesReport {
    instances: usize,
    shared_ms_median: f64,
    shared_ms_max: f64,
    /// As a multiple of one instance's.
    shared_times_one: f64,
    /// Median with passes of each instance's own.
    separate_ms_median: f64,
    separate_times_one: f64,
    /// Median as a multiple of the least time that the machine's limits allow in shared passes.
    times_floor: Option<f64>,
    rss_mb: Option<f64>,
}

pub fn run(args: &BenchArgs, layout: String, codec: &Codec) -> Result<()> {
    let mut counts = args.instances.clone();
    // One instance is the measure of the others.
    counts.push(1);
    counts.sort_unstable();
    counts.dedup();
    let report = measure(args, layout, codec, &counts)?;
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        print(&report)?;
    }
    Ok(())
}

fn measure(args: &BenchArgs, layout: String, codec: &Codec, counts: &[usize]) -> Result<Report> {
    let config = codec.config();
    let limits = args.limit.then(|| machine_limits(codec)).transpose()?;
    let model = SharedCodecModel(codec.clone());
    let (rate, channels) = LIVE_HOST;
    let streams = channels.div_ceil(model.format().channels);
    let rounds = |seconds: f64| (seconds * config.frame_rate()).ceil().max(1.0) as usize;
    let (filling, frames) = (rounds(config.longest_window()), rounds(args.seconds));
    let filling = filling.div_ceil(FILLING_FRAMES) + 1;

    let loaded_mb = resident_mb();
    let mut live = LiveInstances::new(rate, channels);
    let mut instances: Vec<InstancesReport> = Vec::new();
    let bar = Share::new("measuring");
    let whole = counts.len() * (filling + 2 * frames);
    let mut done = 0;
    for &count in counts {
        let mut time = |live: &mut LiveInstances, from, sharing, shape: (usize, usize)| {
            let times = live.time(from..count, sharing, shape, &mut |rounds| {
                let _ = bar.set((done + rounds) as f64 / whole as f64);
            });
            done += shape.1;
            times
        };
        let before = live.count();
        for _ in before..count {
            live.add(&model)?;
        }
        time(&mut live, before, InstanceSharing::Shared, (FILLING_FRAMES, filling))?;
        let separate = time(&mut live, 0, InstanceSharing::Separate, (1, frames))?;
        let shared = time(&mut live, 0, InstanceSharing::Shared, (1, frames))?;
        let (shared, separate) = (sorted_ms(shared), sorted_ms(separate));
        let (shared_median, separate_median) = (median(&shared), median(&separate));
        let one = instances.first();
        let floor = limits.as_ref().map(|limits| {
            let (encoded, frames) = (count * streams, 1);
            let shape = PassShape { encoded, decoded: DECODED_LANES * encoded, frames };
            let precision = codec.precision();
            1e3 * Workload::of_pass(config, precision, shape).floor_seconds(precision, limits)
        });
        instances.push(InstancesReport {
            instances: count,
            shared_ms_median: shared_median,
            shared_ms_max: shared[shared.len() - 1],
            shared_times_one: shared_median / one.map_or(shared_median, |one| one.shared_ms_median),
            separate_ms_median: separate_median,
            separate_times_one: separate_median
                / one.map_or(separate_median, |one| one.separate_ms_median),
            times_floor: floor.map(|floor| shared_median / floor),
            rss_mb: resident_mb(),
        });
    }
    Ok(Report {
        layout,
        precision: codec.precision().name(),
        threads: codec.threads(),
        instruction_set: Isa::best().name(),
        streams,
        frames,
        frame_ms: 1e3 / config.frame_rate(),
        shares_passes: shares_passes(codec),
        read_gb_per_s: limits.as_ref().map(|limits| limits.read * 1e-9),
        float_gmac_per_s: limits.as_ref().map(|limits| limits.float * 1e-9),
        int8_gmac_per_s: limits.as_ref().map(|limits| limits.int8 * 1e-9),
        loaded_mb,
        instances,
    })
}

fn sorted_ms(mut times: Vec<Duration>) -> Vec<f64> {
    times.sort_unstable();
    times.iter().map(|time| time.as_secs_f64() * 1e3).collect()
}

/// Returns the middle of sorted numbers.
fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn print(report: &Report) -> Result<()> {
    say(format!(
        "{}: {}, {} thread(s), {}; instances with {} stream(s) each in lanes A and B",
        report.layout, report.precision, report.threads, report.instruction_set, report.streams
    ))?;
    if let (Some(read), Some(float), Some(int8)) =
        (report.read_gb_per_s, report.float_gmac_per_s, report.int8_gmac_per_s)
    {
        say(format!(
            "this machine: reads {read:.1} GB/s, computes {float:.0} (f32) and {int8:.0} (8-bit) billion \
             multiply-adds per second"
        ))?;
    }
    let number = |number: Option<f64>, digits: usize| {
        number.map_or(String::new(), |number| format!("{number:.digits$}"))
    };
    let row = |r: &InstancesReport| {
        vec![
            r.instances.to_string(),
            format!("{:.2}", r.shared_ms_median),
            format!("{:.2}", r.shared_ms_max),
            format!("{:.2}", r.shared_times_one),
            format!("{:.3}", r.shared_ms_median / report.frame_ms),
            number(r.times_floor, 2),
            format!("{:.2}", r.separate_ms_median),
            format!("{:.2}", r.separate_times_one),
            number(r.rss_mb, 0),
        ]
    };
    let header = [
        "instances",
        "median ms",
        "worst ms",
        "x one",
        "RTF",
        "x floor",
        "separate ms",
        "x one",
        "MB",
    ];
    let rows: Vec<_> = report.instances.iter().map(row).collect();
    say(table::render(&header, &[], &rows))?;
    say(format!(
        "a frame ({:.0} ms) of every instance, over {} frames with full windows; separate: without shared passes",
        report.frame_ms, report.frames
    ))?;
    say(match report.shares_passes {
        true => "ports share passes of a model of this size",
        false => {
            "ports do not share passes of a model of this size: the columns at the left only measure it"
        }
    })?;
    if let Some(loaded) = report.loaded_mb {
        say(format!("resident memory before the first instance: {loaded:.0} MB"))?;
    }
    Ok(())
}
