//! `residue decode`: codes to a file, from a file or as they arrive.

use std::io::stdin;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use residue_engine::audio::{self, Audio};
use residue_engine::codec::Codec;
use residue_engine::offline;
use residue_engine::tokens::{Codes, FrameReader, npy};

use super::args::DecodeArgs;
use super::output::{self, say};
use super::progress::Share;
use super::{input, model, play};

pub fn run(args: &DecodeArgs) -> Result<()> {
    let Some(path) = &args.output else { return play::run(args) };
    output::check(path)?;
    let stream = args.codes == Path::new("-");
    ensure!(!(stream && args.transpose), "--transpose is for files: a line on stdin is a frame");
    let codec = model::load(&args.model)?;
    input::depth(args.depth, codec.config())?;
    let (decoded, fault) =
        if stream { decode_stream(args, &codec) } else { (decode_file(args, &codec)?, None) };
    // Frames before a fault are kept.
    if fault.is_none() || !decoded.is_empty() {
        let written = audio::write(path, &decoded);
        if let (Err(error), Some(fault)) = (&written, &fault) {
            bail!("{fault:#}; and what was decoded before is lost: {error}");
        }
        written?;
        say(format!(
            "{}: {:.2} s, {} Hz, {}",
            path.display(),
            decoded.seconds(),
            decoded.rate,
            input::channels(decoded.channels.len())
        ))?;
    }
    fault.map_or(Ok(()), Err)
}

fn decode_file(args: &DecodeArgs, codec: &Codec) -> Result<Audio> {
    let config = codec.config();
    let mut codes = npy::read(&args.codes)?;
    if args.transpose {
        codes = codes.transposed();
    }
    let quantizer = &config.quantizer;
    codes
        .check(quantizer.layers, quantizer.codebook_size)
        .with_context(|| args.codes.display().to_string())?;
    let depth = depth_of(args.depth, codes.layers())?;
    let bar = Share::new("decoding");
    let lanes = [(&codes, depth)];
    let decoded = offline::decode_lanes(codec, &lanes, args.chunk.chunk, &mut |s| bar.set(s))?;
    let silence = || Audio::silence(config.sample_rate, config.channels, 0);
    Ok(decoded.into_iter().next().unwrap_or_else(silence))
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

/// Decodes each frame when it arrives; returns what was decoded and what stopped it.
fn decode_stream(args: &DecodeArgs, codec: &Codec) -> (Audio, Option<anyhow::Error>) {
    let config = codec.config();
    let quantizer = &config.quantizer;
    let mut decoded = Audio::silence(config.sample_rate, config.channels, 0);
    let mut decoder = codec.decoder(1);
    let frames = FrameReader::new(stdin().lock(), "stdin")
        .for_model(quantizer.layers, quantizer.codebook_size);
    for frame in frames {
        let next = frame.map_err(anyhow::Error::from).and_then(|frame| {
            let depth = depth_of(args.depth, frame.len())?;
            let codes = Codes::new(frame.len(), 1, frame);
            let planes = decoder.decode(&[(&codes, depth)])?.remove(0);
            offline::check_decoded(planes.iter().map(Vec::as_slice))?;
            Ok(planes)
        });
        match next {
            Ok(planes) => {
                for (plane, next) in decoded.channels.iter_mut().zip(planes) {
                    plane.extend(next);
                }
            }
            Err(error) => return (decoded, Some(error)),
        }
    }
    (decoded, None)
}
