//! `residue encode`: a file to codes.

use anyhow::{Result, bail};
use residue_engine::audio::MonoTreatment;
use residue_engine::codec::CodecParts;
use residue_engine::tokens::npy;
use residue_ui::depth_text::format_kbps;

use super::args::EncodeArgs;
use super::output::Output;
use super::{input, model, passes};
use crate::terminal::{self, name};

pub fn run(args: &EncodeArgs) -> Result<()> {
    let output = Output::create(&args.output, &args.input)?;
    let original = input::read(&args.input, &args.decoding)?;
    if original.channels.len() > 2 {
        bail!(
            "{} has {} channels, and a code file holds one stream of mono or stereo; write the channels you want to a file of their own first",
            name(&args.input),
            original.channels.len()
        );
    }
    let codec = model::load_parts(&args.model, CodecParts::Encoder)?;
    let depth = input::depth(args.depth, codec.config())?;
    if original.channels.len() > codec.config().channels {
        terminal::note("the model is mono, so the codes are those of left + right");
    }
    let frames = original.seconds() * codec.config().frame_rate();
    output.expect(8 * (depth as f64 * frames) as u64)?;
    let encoded = passes::encode(&codec, &original, depth, MonoTreatment::Mid, &args.chunk)?;
    let codes = &encoded.streams[0];
    let line = format!(
        "{} layers x {} frames, {}",
        codes.layers(),
        codes.frames(),
        format_kbps(codec.config().bitrate(depth) / 1000.0),
    );
    output.write(&line, |writer| npy::write_to(writer, codes))
}
