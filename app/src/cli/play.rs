//! `residue decode --play`: codes heard on a sound device, from a file or as they arrive.

use std::io::{BufReader, stdin};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use residue_engine::live::{FrameEffects, ListeningSource, PortSettings};
use residue_engine::tokens::FrameReader;

use super::args::{DecodeArgs, PatternArg};
use residue_engine::models::ModelRequest;

use super::controls;
use crate::device::ControlNames;
use crate::studio::{
    CpalBackend, DeviceRequest, Severity, StreamState, Studio, StudioOptions, TransportState,
};
use crate::terminal::{say, warn};

/// The options of [`DecodeArgs`].
const CONTROLS: ControlNames = ControlNames { output: "--device", ..controls::LISTEN };
/// Time between two looks at the studio.
const TICK: Duration = Duration::from_millis(50);
/// Time for the blocks that a device still holds after the last sample.
const LAST_BLOCKS: Duration = Duration::from_millis(300);

pub fn run(args: &DecodeArgs) -> Result<()> {
    ensure!(!args.transpose, "--transpose is for --output; save the array as (layers, frames)");
    let of_output =
        args.batch.is_some() || args.length.is_some() || args.pattern == PatternArg::Delay;
    ensure!(!of_output, "--pattern, --batch and --length are for --output");
    let depth = args.depth.unwrap_or(usize::MAX);
    let frames = FrameEffects { depths: [depth, 1], ..FrameEffects::default() };
    let options = StudioOptions {
        settings: PortSettings { source: ListeningSource::A, frames, ..PortSettings::default() },
        model: ModelRequest {
            id: args.model.model.clone(),
            precision: args.model.precision(),
            threads: args.model.threads,
        },
        devices: DeviceRequest {
            host: args.host.clone(),
            output: args.device.clone(),
            ..DeviceRequest::default()
        },
        ..StudioOptions::default()
    };
    let mut studio = Studio::new(Arc::new(CpalBackend::new(&CONTROLS)), options, Arc::new(|| ()));
    if args.codes == Path::new("-") {
        let mut frames = FrameReader::new(BufReader::new(stdin()), "stdin");
        studio
            .stream_tokens(Box::new(move || frames.next().map(|frame| frame.map_err(Into::into))));
    } else {
        studio.open_tokens(args.codes.clone());
    }
    // A file that cannot be read needs no device.
    while studio.token_progress().is_none() {
        look_after(&mut studio)?;
    }
    studio.play();
    let heard = until_the_end(&mut studio)?;
    say(format!("{heard} frames heard"))
}

/// Waits a moment and says what happened; an error is the end.
fn look_after(studio: &mut Studio) -> Result<()> {
    thread::sleep(TICK);
    for notice in studio.tick() {
        match notice.severity {
            Severity::Error => bail!("{}", notice.text),
            Severity::Warning => warn(notice.text),
            Severity::Info => {}
        }
    }
    match studio.stream_state() {
        StreamState::Lost { why, .. } => bail!("{why}"),
        _ => Ok(()),
    }
}

/// Waits until all has been heard; returns how many frames that were.
fn until_the_end(studio: &mut Studio) -> Result<u64> {
    loop {
        look_after(studio)?;
        let (Some(progress), Some(control)) = (studio.token_progress(), studio.control()) else {
            continue;
        };
        let over = match studio.transport() {
            Some(TransportState { playing, position_s, .. }) => !playing && position_s > 0.0,
            None => progress.finished && progress.waiting == 0,
        };
        if over {
            let config = control.config();
            let latency = control.latency().total() as f64 / f64::from(config.rate);
            thread::sleep(Duration::from_secs_f64(latency) + LAST_BLOCKS);
            return Ok(studio.token_progress().unwrap_or(progress).heard);
        }
    }
}
