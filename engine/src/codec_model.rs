//! The codec as a model of the live path: encode, do to the frames what is asked, decode both lanes
//! in one batch.

use crate::line::Line;
use residue_codec::{Codec, Decoder, Encoder, Layers};
use residue_live::{Format, FrameSettings, Frames, LANES, Model, Processed, Processor};

/// A codec as a model of the live path.
pub struct CodecModel(pub Codec);

/// The shape of a codec's audio and codes.
pub(crate) fn format(codec: &Codec) -> Format {
    let config = codec.config();
    Format {
        rate: config.sample_rate,
        channels: config.channels,
        frame: config.frame_samples,
        layers: config.quantizer.layers,
    }
}

impl Model for CodecModel {
    fn format(&self) -> Format {
        format(&self.0)
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn Processor>, String> {
        let format = self.format();
        Ok(Box::new(CodecProcessor {
            encoder: self.0.encoder(streams),
            line: Line::new(&self.0, streams).map_err(|error| error.to_string())?,
            decoder: self.0.decoder(LANES * streams),
            streams,
            plane: format.channels * format.frame,
        }))
    }
}

struct CodecProcessor {
    encoder: Encoder,
    line: Line,
    decoder: Decoder,
    streams: usize,
    /// Samples of a frame, all channels together.
    plane: usize,
}

impl Processor for CodecProcessor {
    fn process(&mut self, frames: &Frames<'_>, out: &mut Processed) -> Result<(), String> {
        let (settings, count, layers) = (frames.settings, frames.count, self.line.layers());
        out.codes.resize(self.streams * layers * count, 0);
        self.encoder
            .encode_into(frames.planes, layers, &mut out.codes)
            .map_err(|error| error.to_string())?;
        for t in 0..count {
            self.line.transmit(frames.first + t as u64, &mut out.codes, t, count, settings);
        }
        let lanes: Vec<(&[u32], Layers)> = heard(settings, layers)
            .into_iter()
            .flat_map(|heard| {
                out.codes.chunks_exact(layers * count).map(move |codes| (codes, heard))
            })
            .collect();
        out.audio.resize(lanes.len() * count * self.plane, 0.0);
        self.decoder.decode_into(&lanes, count, &mut out.audio).map_err(|error| error.to_string())
    }

    fn reset(&mut self) {
        self.encoder.reset();
        self.line.reset();
        self.decoder.reset();
    }
}

/// What lanes A and B hear of codes with `layers` layers.
pub(crate) fn heard(settings: &FrameSettings, layers: usize) -> [Layers; LANES] {
    settings
        .depths
        .map(|depth| Layers { depth: depth.clamp(1, layers), muted: settings.muted_layers })
}
