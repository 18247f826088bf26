//! Streaming encoding: whole frames of audio in, codes out.

use super::error::{CodecError, InputError};
use super::executor::{Side, State};
use super::model::Codec;
use super::quantizer::Latents;
use crate::tokens::Codes;

/// The encoder of one or more streams that advance together and share each pass over the weights.
///
/// Any sequence of chunk sizes gives the same codes as the whole signal at once. Calls allocate and
/// compute for milliseconds: never on an audio thread.
pub struct Encoder {
    codec: Codec,
    streams: usize,
    state: State,
}

impl Encoder {
    pub(super) fn new(codec: Codec, streams: usize) -> Self {
        assert!(streams > 0, "an encoder has at least one stream");
        let state = codec.0.executor.state(Side::Encoder, streams);
        Self { codec, streams, state }
    }

    /// Forgets the past: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.start_at(0);
    }

    /// Forgets the past and starts as though `frame` frames had gone by.
    pub fn start_at(&mut self, frame: u64) {
        self.codec.0.executor.start_at(Side::Encoder, &mut self.state, frame);
    }

    /// Encodes the next frames to the first `depth` layers: one array of codes a stream.
    ///
    /// `planes` holds each stream's channels in turn, `streams * channels` planes at full scale ±1
    /// and the model's rate, all of one length, a multiple of a frame (0 is fine).
    ///
    /// # Errors
    /// If the planes or the depth do not fit, or a sample is not finite. The stream is then where
    /// it was.
    pub fn encode(&mut self, planes: &[&[f32]], depth: usize) -> Result<Vec<Codes>, CodecError> {
        let codec = self.codec.clone();
        codec.quantizer().check(depth)?;
        let latents = self.latents(planes)?;
        latents.iter().map(|z| Ok(codec.quantizer().quantize(z, depth)?)).collect()
    }

    /// The encoder's output for the next frames, before quantization: one array a stream. Takes
    /// what [`Encoder::encode`] takes.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn latents(&mut self, planes: &[&[f32]]) -> Result<Vec<Latents>, CodecError> {
        let model = self.codec.0.clone();
        let config = &model.config;
        let samples = self.check(planes)?;
        let width = config.quantizer.input;
        if samples == 0 {
            return Ok(vec![Latents { width, data: Vec::new() }; self.streams]);
        }
        let channels = config.channels;
        let mut data = Vec::with_capacity(planes.len() * samples);
        for stream in planes.chunks_exact(channels) {
            // Channels side by side, sample by sample: one interleaved sequence, or one step of
            // `channels` numbers where the layout does not interleave. The numbers lie the same.
            data.extend((0..samples).flat_map(|n| stream.iter().map(move |plane| plane[n])));
        }
        let frames = samples / config.frame_samples;
        let data = model.executor.forward(Side::Encoder, &mut self.state, &data, frames)?;
        let each = data.len() / self.streams;
        Ok(data.chunks_exact(each).map(|z| Latents { width, data: z.to_vec() }).collect())
    }

    /// Samples a plane, if the planes fit the model.
    fn check(&self, planes: &[&[f32]]) -> Result<usize, InputError> {
        let config = self.codec.config();
        let expected = self.streams * config.channels;
        if planes.len() != expected {
            return Err(InputError::Planes { expected, found: planes.len() });
        }
        let samples = planes[0].len();
        for (plane, data) in planes.iter().enumerate() {
            if data.len() != samples || data.len() % config.frame_samples != 0 {
                let frame = config.frame_samples;
                return Err(InputError::Length { plane, found: data.len(), frame });
            }
            if let Some(sample) = data.iter().position(|x| !x.is_finite()) {
                return Err(InputError::NonFinite { plane, sample });
            }
        }
        Ok(samples)
    }
}
