//! `residue roundtrip`: a file through the codec.

use anyhow::Result;
use residue_ui::depth_text::format_kbps;

use super::args::RoundtripArgs;
use super::output::{self, Output};
use super::{input, model, passes};

pub fn run(args: &RoundtripArgs) -> Result<()> {
    let output = Output::create(&args.output, &args.input)?;
    let original = input::read(&args.input, &args.decoding)?;
    output.expect(output::audio_bytes(original.len(), original.channels.len()))?;
    let codec = model::load(&args.model)?;
    let config = codec.config();
    let depth = input::depth(args.depth, config)?;

    let encoded = passes::encode(&codec, &original, depth, args.mono.into(), &args.chunk)?;
    let mut decoded = passes::decode(&codec, &encoded, &[depth], &args.chunk)?;

    let line = format!(
        "depth {depth} of {}, {} a stream; {}",
        config.quantizer.layers,
        format_kbps(config.bitrate(depth) / 1000.0),
        encoded.layout,
    );
    output.write_audio(&line, &decoded.remove(0))
}
