//! `residue listen`: the codec between an input and an output device, live.

mod meters;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use residue_engine::codec::Codec;
use residue_engine::live::{
    self, Allowance, AudioPort, CodecModel, FrameEffects, Latency, LiveModel, PortConfig,
    PortHealth, PortSettings, PortStatus, SingleLaneModel, muted_lanes_text,
};
use residue_ui::depth_text::format_kbps;

use self::meters::TerminalMeters;
use self::report::{ListenEnd, ListenReport};
use super::args::{DeviceArgs, ListenArgs, SourceArg};
use super::interruption::Interruption;
use super::{controls, input, model};
use crate::device::{DeviceError, DeviceRequest, DeviceStream, StreamPlan, StreamShape};
use crate::terminal::{say, tell};

/// Time between two looks at devices and meters.
const TICK: Duration = Duration::from_millis(100);

pub fn run(args: &ListenArgs) -> Result<()> {
    let plan = StreamPlan::new(&request(&args.devices)).map_err(told)?;
    let shape = plan.shape().clone();
    let codec = model::load_beside_audio(&args.model)?;
    let config = codec.config();
    let depth = input::depth(args.depth, config)?;
    let depth_b = input::depth(Some(args.depth_b), config).context("for --depth-b")?;
    let (port, control) =
        live::open_port(&port_config(args, &shape, [depth, depth_b]), &*live_model(args, &codec))?;
    let latency = control.latency();

    Interruption::expect();
    let total = args.seconds.map(|seconds| (seconds * f64::from(shape.rate)).round() as u64);
    let heard = Arc::new(AtomicU64::new(0));
    let mut work = Work { port, heard: Arc::clone(&heard), total, mute: args.mute };
    introduce(args, &shape, &codec, depth, latency);
    let mut stream = plan.start(move |planes| work.process(planes)).map_err(told)?;

    let meters = TerminalMeters::new(shape.rate, latency);
    let mut peak_load = 0.0_f32;
    let mut was_muted = false;
    let ended = loop {
        thread::sleep(TICK);
        let status = control.status();
        peak_load = peak_load.max(status.peak_load);
        meters.show(&status, stream.counts());
        if let Err(failure) = look_after(&mut stream, &status, &meters, &mut was_muted) {
            break ListenEnd::Failure(failure);
        }
        if total.is_some_and(|total| heard.load(Relaxed) >= total) {
            break ListenEnd::Seconds;
        }
        if Interruption::first().is_some() {
            break ListenEnd::Interrupted;
        }
    };
    meters.finish();
    let counts = stream.counts();
    stream.close();

    let report = ListenReport {
        args,
        shape: &shape,
        depths: [depth, depth_b],
        precision: codec.precision(),
        threads: codec.threads(),
        latency,
        frames: heard.load(Relaxed),
        status: control.status(),
        peak_load,
        counts,
        ended: &ended,
    };
    if args.json {
        say(report.json())?;
    } else {
        say(report.line())?;
    }
    match ended {
        ListenEnd::Failure(failure) => Err(failure),
        ListenEnd::Seconds | ListenEnd::Interrupted => Ok(()),
    }
}

/// Returns the model of the lanes that are heard. The source never changes, so that a lane that is not in it is left out.
fn live_model(args: &ListenArgs, codec: &Codec) -> Box<dyn LiveModel> {
    let codec = codec.clone();
    match args.source {
        SourceArg::AMinusB => Box::new(CodecModel(codec)),
        SourceArg::Dry | SourceArg::A | SourceArg::DryMinusA => {
            Box::new(SingleLaneModel { codec, lane: 0 })
        }
        SourceArg::B | SourceArg::DryMinusB => Box::new(SingleLaneModel { codec, lane: 1 }),
    }
}

/// An error of devices as the options of this command would have it.
fn told(error: DeviceError) -> Error {
    anyhow!(error.told(&controls::LISTEN))
}

fn request(choice: &DeviceArgs) -> DeviceRequest {
    DeviceRequest {
        host: choice.host.clone(),
        input: choice.input.clone(),
        output: choice.output.clone(),
        rate: choice.rate,
        buffer: choice.buffer,
        channels: choice.channels.map(usize::from),
    }
}

fn port_config(args: &ListenArgs, shape: &StreamShape, depths: [usize; 2]) -> PortConfig {
    let samples = |ms: f64| (ms / 1e3 * f64::from(shape.rate)).round() as usize;
    PortConfig {
        allowance: args.allowance.map_or(Allowance::Auto, |ms| Allowance::Samples(samples(ms))),
        treatment: args.mono.into(),
        settings: PortSettings {
            source: args.source.into(),
            frames: FrameEffects { depths, ..FrameEffects::default() },
            ..PortSettings::default()
        },
        ..PortConfig::new(shape.rate, shape.channels, shape.buffer as usize)
    }
}

/// The callback of the output's thread.
struct Work {
    port: AudioPort,
    /// Frames heard so far.
    heard: Arc<AtomicU64>,
    /// Frames to be heard in all.
    total: Option<u64>,
    mute: bool,
}

impl Work {
    /// Realtime-safe.
    fn process(&mut self, planes: &mut [&mut [f32]]) {
        self.port.process(planes);
        let block = planes[0].len() as u64;
        let heard = self.heard.load(Relaxed);
        let audible = self.total.map_or(block, |total| block.min(total - heard));
        let silent_from = if self.mute { 0 } else { audible as usize };
        planes.iter_mut().for_each(|plane| plane[silent_from..].fill(0.0));
        self.heard.store(heard + audible, Relaxed);
    }
}

/// Prints the devices and the latency before the first sound.
fn introduce(
    args: &ListenArgs,
    shape: &StreamShape,
    codec: &Codec,
    depth: usize,
    latency: Latency,
) {
    let config = codec.config();
    tell("Use headphones: a microphone that hears its own loudspeakers feeds back.");
    tell(format_args!(
        "{}: {} -> {}, {} Hz, {}, blocks of {} frames",
        shape.host,
        shape.input.as_deref().unwrap_or("no input"),
        shape.output,
        shape.rate,
        input::channels(shape.channels),
        shape.buffer
    ));
    tell(format_args!(
        "{} in {}: {} of {} layers in A ({}), {} in B; {}",
        args.model.model,
        args.model.live_precision().label(Some(codec.precision())),
        depth,
        config.quantizer.layers,
        format_kbps(config.bitrate(depth) / 1000.0),
        args.depth_b,
        meters::latency(latency, shape.rate)
    ));
    if args.seconds.is_none() {
        tell("Ctrl-C ends.");
    }
}

/// Shows what the devices remark; an error is the end.
fn look_after(
    stream: &mut DeviceStream,
    status: &PortStatus,
    meters: &TerminalMeters,
    was_muted: &mut bool,
) -> Result<()> {
    for remark in stream.check().map_err(told)? {
        meters.remark(&remark);
    }
    if let Some(text) = muted_lanes_text(status.muted_lanes).filter(|_| !*was_muted) {
        meters.remark(&text);
    }
    *was_muted = status.muted_lanes != [false; 2];
    if let PortHealth::Failed(problem) = &status.health {
        bail!("the model failed while it ran: {problem}");
    }
    Ok(())
}
