//! Streaming decoding: codes in, whole frames of audio out, at one or several depths at once.

use super::codec::Codec;
use super::error::{CodecError, InputError};
use super::executor::{ExecutorState, StackRole};
use super::layer_selection::LayerSelection;
use super::quantizer::QuantizerScratch;
use residue_core::codes::Codes;

/// The decoder of one or more lanes that advance together and share each pass over the weights.
///
/// A lane is one decoded stream: the same codes at another depth, or other codes. Any sequence of
/// chunk sizes gives the same audio as all codes at once. Calls compute for milliseconds: never on
/// an audio thread.
pub struct Decoder {
    codec: Codec,
    lanes: usize,
    state: ExecutorState,
    /// One pass of latents, lane by lane, and the interleaved audio they become.
    latents: Vec<f32>,
    output: Vec<f32>,
    quantizer: QuantizerScratch,
}

impl Decoder {
    pub(super) fn new(codec: Codec, lanes: usize) -> Self {
        assert!(lanes > 0, "a decoder has at least one lane");
        let executor = &codec.0.executor;
        let state = executor.state(StackRole::Decoder, lanes);
        let quantizer = codec.0.quantizer.scratch();
        let frames = executor.pass_frames(StackRole::Decoder).unwrap_or(0);
        let (latents, output) = (vec![], vec![]);
        let mut decoder = Self { codec, lanes, state, latents, output, quantizer };
        decoder.make_room(frames);
        decoder
    }

    /// Forgets the past: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.start_at(0);
    }

    /// Forgets the past and starts as though `frame` frames had gone by.
    pub fn start_at(&mut self, frame: u64) {
        self.codec.0.executor.start_at(StackRole::Decoder, &mut self.state, frame);
    }

    /// Decodes the next frames: for each lane its codes and what it hears of them, a depth (that
    /// many first layers) or [`LayerSelection`], which may change from call to call. Returns `[lane][channel][sample]` at full scale ±1.
    ///
    /// # Errors
    /// If lanes, frames or depths do not fit, or a code lies outside its codebook. The stream is
    /// then where it was.
    pub fn decode<L: Into<LayerSelection> + Copy>(
        &mut self,
        lanes: &[(&Codes, L)],
    ) -> Result<Vec<Vec<Vec<f32>>>, CodecError> {
        self.check_lanes(lanes.len())?;
        let frames = lanes[0].0.frames();
        for (lane, (codes, _)) in lanes.iter().enumerate() {
            if codes.frames() != frames {
                let found = codes.frames();
                return Err(InputError::Frames { lane, expected: frames, found }.into());
            }
        }
        let lanes: Vec<(&[u32], L)> =
            lanes.iter().map(|(codes, layers)| (codes.data(), *layers)).collect();
        let config = self.codec.config();
        let (channels, samples) = (config.channels, frames * config.frame_samples);
        let mut audio = vec![0f32; self.lanes * channels * samples];
        self.decode_into(&lanes, frames, &mut audio)?;
        let plane =
            |lane, channel| audio[(lane * channels + channel) * samples..][..samples].to_vec();
        let lane = |lane| (0..channels).map(|channel| plane(lane, channel)).collect();
        Ok((0..self.lanes).map(lane).collect())
    }

    /// As [`Decoder::decode`], from layer-major codes of `frames` frames and at least as many layers
    /// as the lane's depth, into a buffer of (lanes, channels, samples) numbers. With
    /// [`CodecBackend::Native`](super::CodecBackend::Native) allocates nothing.
    ///
    /// # Errors
    /// As [`Decoder::decode`], and if a buffer has another length.
    pub fn decode_into<L: Into<LayerSelection> + Copy>(
        &mut self,
        lanes: &[(&[u32], L)],
        frames: usize,
        audio: &mut [f32],
    ) -> Result<(), CodecError> {
        self.check_lanes(lanes.len())?;
        for (codes, layers) in lanes {
            let depth = (*layers).into().depth;
            self.codec.quantizer().check_codes(codes, frames, depth)?;
        }
        let (frame, channels) = {
            let config = self.codec.config();
            (config.frame_samples, config.channels)
        };
        let expected = self.lanes * channels * frames * frame;
        if audio.len() != expected {
            let found = audio.len();
            return Err(InputError::Buffer { what: "audio", expected, found }.into());
        }
        let most = self.codec.0.executor.pass_frames(StackRole::Decoder).unwrap_or(frames.max(1));
        self.make_room(most);
        for from in (0..frames).step_by(most) {
            let count = most.min(frames - from);
            let Self { codec, state, latents, output, quantizer, .. } = self;
            let width = codec.config().quantizer.output;
            let latents = &mut latents[..lanes.len() * count * width];
            for (lane, latents) in lanes.iter().zip(latents.chunks_exact_mut(count * width)) {
                let (codes, layers) = *lane;
                for (t, latent) in latents.chunks_exact_mut(width).enumerate() {
                    let code = |k| codes[k * frames + from + t];
                    codec.quantizer().dequantize_frame(layers.into(), code, quantizer, latent);
                }
            }
            let output = &mut output[..lanes.len() * channels * count * frame];
            codec.0.executor.forward(StackRole::Decoder, state, latents, output)?;
            for (lane, output) in output.chunks_exact(channels * count * frame).enumerate() {
                for channel in 0..channels {
                    let to = ((lane * channels + channel) * frames + from) * frame;
                    let samples = output.iter().skip(channel).step_by(channels);
                    audio[to..][..count * frame]
                        .iter_mut()
                        .zip(samples)
                        .for_each(|(to, x)| *to = *x);
                }
            }
        }
        Ok(())
    }

    fn check_lanes(&self, found: usize) -> Result<(), InputError> {
        match found == self.lanes {
            true => Ok(()),
            false => Err(InputError::Lanes { expected: self.lanes, found }),
        }
    }

    /// Makes the buffers large enough for passes of so many frames.
    fn make_room(&mut self, frames: usize) {
        let config = self.codec.config();
        let latents = self.lanes * frames * config.quantizer.output;
        let output = self.lanes * frames * config.frame_samples * config.channels;
        self.latents.resize(latents.max(self.latents.len()), 0.0);
        self.output.resize(output.max(self.output.len()), 0.0);
    }
}
