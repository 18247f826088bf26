//! `residue roundtrip`: a file through the codec.

use anyhow::Result;
use residue_engine::audio;
use residue_ui::depth_text::format_kbps;

use super::args::RoundtripArgs;
use super::output::{self, say};
use super::{input, model, passes};

pub fn run(args: &RoundtripArgs) -> Result<()> {
    output::check(&args.output)?;
    let original = input::read(&args.input, &args.decoding)?;
    let codec = model::load(&args.model)?;
    let config = codec.config();
    let depth = input::depth(args.depth, config)?;

    let encoded = passes::encode(&codec, &original, depth, args.mono.into(), &args.chunk)?;
    let mut decoded = passes::decode(&codec, &encoded, &[depth], &args.chunk)?;

    audio::write(&args.output, &decoded.remove(0))?;
    say(format!(
        "{}: depth {depth} of {}, {} a stream; {}",
        args.output.display(),
        config.quantizer.layers,
        format_kbps(config.bitrate(depth) / 1000.0),
        encoded.layout,
    ))?;
    Ok(())
}
