//! The codec as a model of the live path: encodes, applies the frame effects, and decodes both lanes
//! in one batch.

use crate::frame_transmission::FrameTransmission;
use residue_codec::{Codec, Decoder, Encoder, LayerSelection};
use residue_live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameEffects, FrameProcessor, LiveModel, ModelFormat,
    ProcessorError,
};

/// A codec as a model of the live path.
pub struct CodecModel(pub Codec);

/// Returns the shape of a codec's audio and codes.
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

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, ProcessorError> {
        let format = self.format();
        Ok(Box::new(CodecProcessor {
            encoder: self.0.encoder(streams),
            transmission: FrameTransmission::new(&self.0, streams).map_err(ProcessorError::new)?,
            decoder: self.0.decoder(DECODED_LANES * streams),
            streams,
            frame_samples: format.channels * format.frame,
        }))
    }
}

struct CodecProcessor {
    encoder: Encoder,
    transmission: FrameTransmission,
    decoder: Decoder,
    streams: usize,
    /// Samples of a frame, all channels together.
    frame_samples: usize,
}

impl FrameProcessor for CodecProcessor {
    fn process(
        &mut self,
        frames: &FrameBatch<'_>,
        out: &mut DecodedFrames,
    ) -> Result<(), ProcessorError> {
        let (settings, count) = (frames.settings, frames.count);
        let layers = self.transmission.layers();
        out.codes.resize(self.streams * layers * count, 0);
        self.encoder
            .encode_into(frames.planes, layers, &mut out.codes)
            .map_err(ProcessorError::new)?;
        for t in 0..count {
            let number = frames.first_frame + t as u64;
            self.transmission.transmit(number, &mut out.codes, t, count, settings);
        }
        let lanes: Vec<(&[u32], LayerSelection)> = lane_layers(settings, layers)
            .into_iter()
            .flat_map(|selected| {
                out.codes.chunks_exact(layers * count).map(move |codes| (codes, selected))
            })
            .collect();
        out.audio.resize(lanes.len() * count * self.frame_samples, 0.0);
        self.decoder.decode_into(&lanes, count, &mut out.audio).map_err(ProcessorError::new)
    }

    fn reset(&mut self) {
        self.encoder.reset();
        self.transmission.reset();
        self.decoder.reset();
    }
}

/// Returns the layers that lanes A and B decode of codes with `layers` layers.
pub(crate) fn lane_layers(
    settings: &FrameEffects,
    layers: usize,
) -> [LayerSelection; DECODED_LANES] {
    settings
        .depths
        .map(|depth| LayerSelection { depth: depth.clamp(1, layers), muted: settings.muted_layers })
}
