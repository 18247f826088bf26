//! `residue bench`: how fast a model runs here, streaming, with its windows full.

use std::time::{Duration, Instant};

use anyhow::Result;
use residue_engine::codec::{Codec, Config};
use residue_engine::tokens::Codes;
use serde::Serialize;

use super::args::{Bench, LayoutName};
use super::output::say;
use super::progress::{Share, Waiting};
use super::{input, model, table};

/// Frames a chunk while the history is played in, which is not measured.
const HISTORY_CHUNK: usize = 25;

/// What `--json` prints. Times are wall seconds a second of audio.
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

pub fn run(args: &Bench) -> Result<()> {
    let (name, codec) = load(args)?;
    let report = measure(args, name, &codec)?;
    if args.json {
        say(serde_json::to_string(&report)?)?;
    } else {
        print(&report, &codec)?;
    }
    Ok(())
}

fn load(args: &Bench) -> Result<(String, Codec)> {
    let Some(layout) = args.layout else {
        return Ok((args.model.model.clone(), model::load(&args.model)?));
    };
    let (name, config) = match layout {
        LayoutName::V1 => ("v1", Config::v1()),
        LayoutName::V2 => ("v2", Config::v2()),
        LayoutName::Nano => ("nano", Config::nano()),
    };
    let options = model::options(args.model.precision, args.model.threads);
    let _waiting = Waiting::new("drawing");
    Ok((name.into(), Codec::random(config, 1, &options)?))
}

fn measure(args: &Bench, layout: String, codec: &Codec) -> Result<Report> {
    let config = codec.config();
    // 80 ms, the published models' frame, in whole frames of this model.
    let chunk =
        args.chunk.unwrap_or_else(|| (0.08 * config.frame_rate()).round().max(1.0) as usize);
    let chunk_seconds = chunk as f64 / config.frame_rate();
    let depths: Vec<usize> = (0..args.lanes)
        .map(|lane| (config.quantizer.layers >> lane.min(usize::BITS as usize - 1)).max(1))
        .collect();
    let mut stream = Stream::new(codec, depths);

    // Until every attention window is full.
    let history = (config.longest_window() * config.frame_rate()).ceil() as usize;
    let bar = Share::new("filling");
    for start in (0..history).step_by(HISTORY_CHUNK) {
        stream.run(HISTORY_CHUNK.min(history - start))?;
        let _ = bar.set(start as f64 / history as f64);
    }
    drop(bar);
    let chunks = (args.seconds / chunk_seconds).ceil().max(1.0) as usize;
    // One chunk of the measured size first: its buffers are then warm.
    stream.run(chunk)?;
    let times = (0..chunks).map(|_| stream.run(chunk)).collect::<Result<Vec<_>>>()?;

    let seconds = chunks as f64 * chunk_seconds;
    let rtf = |part: fn(&Times) -> Duration| {
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
        rtf: rtf(Times::total),
        encode_rtf: rtf(|t| t.encode),
        quantize_rtf: rtf(|t| t.quantize),
        decode_rtf: rtf(|t| t.decode),
        chunk_ms_median: chunk_ms[chunk_ms.len() / 2],
        chunk_ms_max: chunk_ms[chunk_ms.len() - 1],
        rss_mb: resident_mb(),
    })
}

struct Times {
    encode: Duration,
    quantize: Duration,
    decode: Duration,
}

impl Times {
    fn total(&self) -> Duration {
        self.encode + self.quantize + self.decode
    }
}

/// One stream of noise through encoder, quantizer and all lanes of the decoder.
struct Stream<'a> {
    codec: &'a Codec,
    encoder: residue_engine::codec::Encoder,
    decoder: residue_engine::codec::Decoder,
    depths: Vec<usize>,
    noise: u32,
}

impl<'a> Stream<'a> {
    fn new(codec: &'a Codec, depths: Vec<usize>) -> Self {
        let (encoder, decoder) = (codec.encoder(1), codec.decoder(depths.len()));
        Self { codec, encoder, decoder, depths, noise: 1 }
    }

    fn run(&mut self, frames: usize) -> Result<Times> {
        let config = self.codec.config();
        let noise = &mut self.noise;
        let mut plane = || -> Vec<f32> {
            let mut draw = || {
                *noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((*noise >> 8) as f32 / (1 << 23) as f32 - 1.0) * 0.1
            };
            (0..frames * config.frame_samples).map(|_| draw()).collect()
        };
        let planes: Vec<Vec<f32>> = (0..config.channels).map(|_| plane()).collect();
        let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();

        let start = Instant::now();
        let latents = self.encoder.latents(&planes)?;
        let encode = start.elapsed();
        let start = Instant::now();
        let codes = self.codec.quantizer().quantize(&latents[0], config.quantizer.layers)?;
        let quantize = start.elapsed();
        let lanes: Vec<(&Codes, usize)> =
            self.depths.iter().map(|&depth| (&codes, depth)).collect();
        let start = Instant::now();
        let audio = self.decoder.decode(&lanes)?;
        let decode = start.elapsed();
        drop(std::hint::black_box(audio));
        Ok(Times { encode, quantize, decode })
    }
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
