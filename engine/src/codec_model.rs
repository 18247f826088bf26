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
        Ok(Box::new(CodecProcessor::new(&self.0, streams, &[0, 1])?))
    }
}

/// A codec as a model of the live path that decodes one lane only, for ports that never play the other: a decoder that
/// was left out could not be taken up again without a gap. Both lanes hold the audio of the one.
pub struct SingleLaneModel {
    /// The codec.
    pub codec: Codec,
    /// The lane whose depth counts: 0 for A, 1 for B.
    pub lane: usize,
}

impl LiveModel for SingleLaneModel {
    fn format(&self) -> ModelFormat {
        format(&self.codec)
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, ProcessorError> {
        let lane: &[usize] = if self.lane == 0 { &[0] } else { &[1] };
        Ok(Box::new(CodecProcessor::new(&self.codec, streams, lane)?))
    }
}

struct CodecProcessor {
    encoder: Encoder,
    transmission: FrameTransmission,
    /// Decodes `decoded_lanes`, each in all streams.
    decoder: Decoder,
    /// Both lanes, or the one that both hold.
    decoded_lanes: &'static [usize],
    streams: usize,
    /// Samples of a frame, all channels together.
    frame_samples: usize,
}

impl CodecProcessor {
    fn new(
        codec: &Codec,
        streams: usize,
        decoded_lanes: &'static [usize],
    ) -> Result<Self, ProcessorError> {
        let format = format(codec);
        Ok(Self {
            encoder: codec.encoder(streams),
            transmission: FrameTransmission::new(codec, streams).map_err(ProcessorError::new)?,
            decoder: codec.decoder(decoded_lanes.len() * streams),
            decoded_lanes,
            streams,
            frame_samples: format.channels * format.frame,
        })
    }
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
        let selected = lane_layers(settings, layers);
        let lanes: Vec<(&[u32], LayerSelection)> = self
            .decoded_lanes
            .iter()
            .flat_map(|&lane| {
                let codes = out.codes.chunks_exact(layers * count);
                codes.map(move |codes| (codes, selected[lane]))
            })
            .collect();
        let decoded = lanes.len() * count * self.frame_samples;
        out.audio.resize(DECODED_LANES * self.streams * count * self.frame_samples, 0.0);
        self.decoder
            .decode_into(&lanes, count, &mut out.audio[..decoded])
            .map_err(ProcessorError::new)?;
        if decoded < out.audio.len() {
            out.audio.copy_within(..decoded, decoded);
        }
        Ok(())
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
