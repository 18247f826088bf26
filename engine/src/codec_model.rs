//! The codec as a model of the live path: encode, do to the frames what is asked, decode both lanes
//! in one batch.

use crate::frame_transmission::FrameTransmission;
use residue_codec::{Codec, Decoder, Encoder, LayerSelection};
use residue_live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameEffects, FrameProcessor, LiveModel, ModelFormat,
};

/// A codec as a model of the live path.
pub struct CodecModel(pub Codec);

/// The shape of a codec's audio and codes.
pub(crate) fn format(codec: &Codec) -> ModelFormat {
    let config = codec.config();
    ModelFormat {
        rate: config.sample_rate,
        channels: config.channels,
        frame: config.frame_samples,
        layers: config.quantizer.layers,
    }
}

impl LiveModel for CodecModel {
    fn format(&self) -> ModelFormat {
        format(&self.0)
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, String> {
        let format = self.format();
        Ok(Box::new(CodecProcessor {
            encoder: self.0.encoder(streams),
            line: FrameTransmission::new(&self.0, streams).map_err(|error| error.to_string())?,
            decoder: self.0.decoder(DECODED_LANES * streams),
            streams,
            plane: format.channels * format.frame,
        }))
    }
}

struct CodecProcessor {
    encoder: Encoder,
    line: FrameTransmission,
    decoder: Decoder,
    streams: usize,
    /// Samples of a frame, all channels together.
    plane: usize,
}

impl FrameProcessor for CodecProcessor {
    fn process(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) -> Result<(), String> {
        let (settings, count, layers) = (frames.settings, frames.count, self.line.layers());
        out.codes.resize(self.streams * layers * count, 0);
        self.encoder
            .encode_into(frames.planes, layers, &mut out.codes)
            .map_err(|error| error.to_string())?;
        for t in 0..count {
            self.line.transmit(frames.first + t as u64, &mut out.codes, t, count, settings);
        }
        let lanes: Vec<(&[u32], LayerSelection)> = heard(settings, layers)
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
pub(crate) fn heard(settings: &FrameEffects, layers: usize) -> [LayerSelection; DECODED_LANES] {
    settings
        .depths
        .map(|depth| LayerSelection { depth: depth.clamp(1, layers), muted: settings.muted_layers })
}
