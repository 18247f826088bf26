//! `residue encode`: a file to codes.

use anyhow::{Result, bail};
use residue_engine::audio::MonoTreatment;
use residue_engine::tokens;
use residue_ui::depth_text::format_kbps;

use super::args::EncodeArgs;
use super::output::{self, say};
use super::{input, model, passes};

pub fn run(args: &EncodeArgs) -> Result<()> {
    output::check(&args.output)?;
    let original = input::read(&args.input, &args.decoding)?;
    if original.channels.len() > 2 {
        bail!(
            "{} has {} channels, and a code file holds one stream of mono or stereo; write the channels you want to a file of their own first",
            args.input.display(),
            original.channels.len()
        );
    }
    let codec = model::load(&args.model)?;
    let depth = input::depth(args.depth, codec.config())?;
    if original.channels.len() > codec.config().channels {
        eprintln!("residue: note: the model is mono, so the codes are those of left + right");
    }
    let encoded = passes::encode(&codec, &original, depth, MonoTreatment::Mid, &args.chunk)?;
    let codes = &encoded.streams[0];
    tokens::npy::write(&args.output, codes)?;
    say(format!(
        "{}: {} layers x {} frames, {}",
        args.output.display(),
        codes.layers(),
        codes.frames(),
        format_kbps(codec.config().bitrate(depth) / 1000.0),
    ))?;
    Ok(())
}
