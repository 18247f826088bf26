//! `residue roundtrip`: a file through the codec.

use anyhow::Result;
use residue_engine::{audio, offline};

use super::args::Roundtrip;
use super::output::{self, say};
use super::progress::Share;
use super::{input, model};

pub fn run(args: &Roundtrip) -> Result<()> {
    output::check(&args.output)?;
    let original = input::read(&args.input)?;
    let codec = model::load(&args.model)?;
    let config = codec.config();
    let depth = input::depth(args.depth, config)?;
    let chunk = args.chunk.chunk;

    let bar = Share::new("encoding");
    let encoded =
        offline::encode(&codec, &original, depth, args.mono.into(), chunk, &mut |s| bar.set(s))?;
    drop(bar);
    let bar = Share::new("decoding");
    let mut decoded = offline::decode(&codec, &encoded, &[depth], chunk, &mut |s| bar.set(s))?;
    drop(bar);

    audio::write(&args.output, &decoded.remove(0))?;
    say(format!(
        "{}: depth {depth} of {}, {} a stream; {}",
        args.output.display(),
        config.quantizer.layers,
        input::kbps(config.bitrate(depth)),
        encoded.layout,
    ))?;
    Ok(())
}
