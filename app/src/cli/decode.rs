//! `residue decode`: codes to a file, from a file or as they arrive.

use std::io::{BufReader, stdin};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use residue_engine::audio::{Audio, SpeakerMask, WavFormat};
use residue_engine::codec::{Codec, CodecConfig, CodecParts};
use residue_engine::offline;
use residue_engine::tokens::{
    Codes, CodesError, DelayedFrames, FrameError, FrameErrorKind, FrameReader, looks_transposed,
    npy, undelayed,
};

use super::args::{DecodeArgs, PatternArg};
use super::interruption::Interruption;
use super::output::{self, GrowingAudio, Output};
use super::progress::Share;
use super::{input, model, play};
use crate::terminal::{self, name};

/// Frames that may wait between stdin and the decoder.
const WAITING: usize = 64;
/// Time between two looks for a signal while no frame comes.
const TICK: Duration = Duration::from_millis(50);

pub fn run(args: &DecodeArgs) -> Result<()> {
    let Some(path) = &args.output else { return play::run(args) };
    let is_stream = args.codes == Path::new("-");
    ensure!(!(is_stream && args.transpose), "--transpose is for files: a line on stdin is a frame");
    let of_files = args.batch.is_some() || args.length.is_some();
    ensure!(
        !(is_stream && of_files),
        "--batch and --length are for files: send one stream on stdin"
    );
    ensure!(
        args.padding.is_none() || args.pattern == PatternArg::Delay,
        "--padding is for --pattern delay"
    );
    let output = Output::create(path, &args.codes)?;
    if is_stream { decode_stream(args, output) } else { decode_file(args, output) }
}

fn decode_file(args: &DecodeArgs, output: Output) -> Result<()> {
    // Before the model, which takes longer.
    let mut codes = match args.batch {
        None => npy::read(&args.codes)?,
        Some(axis) => {
            let mut items = npy::read_batch(&args.codes, axis)?;
            let (item, count) = (args.item, items.len());
            ensure!(
                item < count,
                "{}: the batch has {count} items along dimension {axis}, so --item {item} is not possible",
                name(&args.codes)
            );
            items.swap_remove(item)
        }
    };
    if args.transpose {
        codes = codes.transposed();
    }
    let codec = model::load_parts(&args.model, CodecParts::Decoder)?;
    let config = codec.config();
    input::depth(args.depth, config)?;
    if args.pattern == PatternArg::Delay {
        let codes_name = name(&args.codes).to_string();
        let quantizer = &config.quantizer;
        let kept = codes.truncated(args.depth.unwrap_or(usize::MAX));
        let (layers, size) = (quantizer.layers, quantizer.codebook_size);
        codes = undelayed(&kept, &codes_name, layers, size, padding(args, config))?;
    }
    if let Some(length) = args.length {
        let frames = codes.frames();
        ensure!(
            length <= frames,
            "the codes have {frames} frames, so --length {length} is not possible"
        );
        codes = codes.slice(0..length);
    }
    let shape = format!("{} layers x {} frames", codes.layers(), codes.frames());
    let layers = codes.layers();
    let depth = depth_of(args.depth, layers)?;
    let codes = codes.truncated(args.depth.unwrap_or(usize::MAX));
    check(&codes, args, config)?;
    if looks_transposed(&codes) {
        let turned = if args.transpose { "without --transpose" } else { "with --transpose" };
        terminal::warn(format_args!(
            "{}: read as {shape}, but the codes look as if it were the other way round; if so, decode {turned}",
            name(&args.codes)
        ));
    }
    output.expect(output::audio_bytes(codes.frames() * config.frame_samples, config.channels))?;
    let bar = Share::new("decoding");
    let lanes = [(&codes, depth)];
    let decoded = offline::decode_lanes(&codec, &lanes, args.chunk.chunk, &mut |s| bar.set(s))?;
    drop(bar);
    let silence = || Audio::silence(config.sample_rate, config.channels, 0);
    let decoded = decoded.into_iter().next().unwrap_or_else(silence);
    let kept = if depth < layers { format!("{depth} of ") } else { String::new() };
    let line = format!("{} from {kept}{shape}", heard(decoded.len() as u64, config));
    output.write_audio(&line, &decoded)
}

/// Checks that the model can decode the codes, with advice for this command.
fn check(codes: &Codes, args: &DecodeArgs, config: &CodecConfig) -> Result<()> {
    let quantizer = &config.quantizer;
    let file = name(&args.codes);
    codes.check(quantizer.layers, quantizer.codebook_size).map_err(|error| match error {
        CodesError::TooManyLayers { found, layers, looks_transposed } => {
            let turned = match (looks_transposed, args.transpose) {
                (false, _) => String::new(),
                (true, false) => "if the array is frames first, add --transpose; ".to_owned(),
                (true, true) => "if the array is layers first, leave --transpose out; ".to_owned(),
            };
            anyhow!(
                "{file}: the codes have {found} layers and the model {layers}: {turned}to decode the first {layers} only, add --depth {layers}"
            )
        }
        error => anyhow!("{file}: {error}"),
    })
}

/// The depth asked for, or all layers that the codes have.
fn depth_of(asked: Option<usize>, layers: usize) -> Result<usize> {
    let depth = asked.unwrap_or(layers);
    ensure!(
        (1..=layers).contains(&depth),
        "the codes have {layers} layers, so --depth {depth} is not possible"
    );
    Ok(depth)
}

/// Decodes and writes each frame when it arrives, until the input ends or fails, or a signal comes.
fn decode_stream(args: &DecodeArgs, output: Output) -> Result<()> {
    let codec = model::load_parts(&args.model, CodecParts::Decoder)?;
    let config = codec.config();
    input::depth(args.depth, config)?;
    let speakers = SpeakerMask::of_count(config.channels);
    let format = WavFormat::new(config.sample_rate, config.channels, speakers)
        .map_err(|reason| anyhow!("the model's audio is no WAV: {reason}"))?;
    let mut audio = output.grow(format)?;
    Interruption::expect();
    let end = stream(args, &codec, &mut audio);
    let frames = audio.frames() / config.frame_samples.max(1) as u64;
    if frames == 0 {
        // Nothing is written then, and what the output replaces stays.
        return match end {
            Ok(()) => Err(anyhow!(
                "stdin: no frames came, so nothing was written; send one frame of codes a line, or a .npy file"
            )),
            Err(error) => Err(error),
        };
    }
    let noun = if frames == 1 { "frame" } else { "frames" };
    let line = format!("{} from {frames} {noun}", heard(audio.frames(), config));
    // Frames before a fault are kept.
    match (audio.finish(&line), end) {
        (Ok(()), end) => end,
        (Err(error), Err(fault)) => {
            bail!("{}; and the audio before it is incomplete: {error:#}", terminal::explain(&fault))
        }
        (Err(error), Ok(())) => Err(error),
    }
}

fn stream(args: &DecodeArgs, codec: &Codec, audio: &mut GrowingAudio) -> Result<()> {
    let quantizer = &codec.config().quantizer;
    let (layers, codebook_size) = (quantizer.layers, quantizer.codebook_size);
    let reader = FrameReader::new(BufReader::new(stdin()), "stdin")
        .first_layers(args.depth.unwrap_or(usize::MAX));
    let mut reader: Box<dyn Iterator<Item = Result<Vec<u32>, FrameError>> + Send> =
        match args.pattern {
            PatternArg::Aligned => Box::new(reader.for_model(layers, codebook_size)),
            PatternArg::Delay => {
                let padding = padding(args, codec.config());
                Box::new(DelayedFrames::new(reader, "stdin", layers, codebook_size, padding))
            }
        };
    // Waits for stdin, so that this thread can see signals.
    let (sender, frames) = sync_channel(WAITING);
    thread::Builder::new()
        .name("residue-stdin".to_owned())
        .spawn(move || reader.by_ref().try_for_each(|frame| sender.send(frame)))
        .context("no thread can be had; close programs")?;
    let mut decoder = codec.decoder(1);
    loop {
        if let Some(interruption) = Interruption::first() {
            return Err(interruption.into());
        }
        let frame = match frames.recv_timeout(TICK) {
            Ok(frame) => frame.map_err(|error| advised(error, quantizer.layers))?,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let depth = depth_of(args.depth, frame.len())?;
        let codes = Codes::new(frame.len(), 1, frame);
        let planes = decoder.decode(&[(&codes, depth)])?.remove(0);
        offline::check_decoded(planes.iter().map(Vec::as_slice))?;
        audio.write(&planes)?;
    }
}

/// The code that stands where the delay pattern has none.
fn padding(args: &DecodeArgs, config: &CodecConfig) -> u32 {
    args.padding.unwrap_or(config.quantizer.codebook_size as u32)
}

/// Adds this command's advice to an error of the stream.
fn advised(error: FrameError, layers: usize) -> anyhow::Error {
    match &error {
        FrameError::Line { problem: FrameErrorKind::TooManyLayers { .. }, .. }
        | FrameError::Frame { problem: FrameErrorKind::TooManyLayers { .. }, .. } => {
            anyhow!("{error}; to decode the first {layers} only, add --depth {layers}")
        }
        _ => error.into(),
    }
}

/// Describes audio of so many sample frames.
fn heard(samples: u64, config: &CodecConfig) -> String {
    format!(
        "{:.2} s, {} Hz, {}",
        samples as f64 / f64::from(config.sample_rate),
        config.sample_rate,
        input::channels(config.channels)
    )
}
