//! `residue roundtrip`: a file through a codec.

use anyhow::Result;
use residue_engine::codec_at_rate::CodecAtRate;
use residue_ui::depth_text::format_kbps;

use super::args::RoundtripArgs;
use super::lanes::{self, LaneRequest};
use super::named_error::named;
use super::output::{self, Output};
use super::{input, model};

pub fn run(args: &RoundtripArgs) -> Result<()> {
    let output = Output::create(&args.output, &args.input)?;
    if let Some(codec) = &args.codec {
        lanes::check(std::slice::from_ref(codec))?;
    }
    let original = input::read(&args.input, &args.decoding)?;
    output.expect(output::audio_bytes(original.len(), original.channels.len()))?;
    let request = LaneRequest {
        input: &args.input,
        original: &original,
        mono: args.mono,
        chunk: &args.chunk,
        threads: args.model.threads,
    };
    let (lane, line) = match &args.codec {
        Some(codec) => {
            let lane = request.code(std::slice::from_ref(codec))?.remove(0);
            let rate = format_kbps(lane.kbps);
            let line = match codec {
                CodecAtRate::Model { .. } => format!("{codec}, {rate}; {}", lane.streams),
                CodecAtRate::Conventional(_) => {
                    let used = format_kbps((lane.carried_kbps * 10.0).round() / 10.0);
                    format!("{} at {rate}, {used} used", lane.streams)
                }
            };
            (lane, line)
        }
        None => {
            let codec = model::load(&args.model)?;
            let config = codec.config();
            let depth = input::depth(args.depth, config)?;
            let coded = request.code_depths(&codec, &[depth]);
            let lane = named(coded, &args.model.model, &args.input)?.remove(0);
            let line = format!(
                "depth {depth} of {}, {} a stream; {}",
                config.quantizer.layers,
                format_kbps(config.bitrate(depth) / 1000.0),
                lane.streams,
            );
            (lane, line)
        }
    };
    output.write_audio(&line, &lane.audio)
}
