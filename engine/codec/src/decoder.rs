//! Streaming decoding: codes in, whole frames of audio out, at one or several depths at once.

use std::sync::Arc;

use super::error::{CodecError, InputError};
use super::executor::ExecutorState;
use super::layer_selection::LayerSelection;
use super::load_model::LoadedModel;
use super::quantizer::QuantizerScratch;
use super::stacks::StackRole;
use residue_core::codes::Codes;

/// The decoder of one or more lanes that advance together and share each pass over the weights.
///
/// A lane is one decoded stream: the same codes at another depth, or other codes. Any sequence of chunk sizes
/// gives the same audio as all codes at once. Not realtime-safe: a call computes for milliseconds.
pub struct Decoder {
    model: Arc<LoadedModel>,
    lanes: usize,
    state: ExecutorState,
    /// Latents of one pass, lane by lane.
    latents: Vec<f32>,
    /// The stack's interleaved audio for them.
    output: Vec<f32>,
    quantizer: QuantizerScratch,
}

impl Decoder {
    pub(super) fn new(model: Arc<LoadedModel>, lanes: usize) -> Self {
        assert!(lanes > 0, "a decoder has at least one lane");
        let executor = &model.executor;
        let state = executor.state(StackRole::Decoder, lanes);
        let quantizer = model.quantizer.scratch();
        let frames = executor.pass_frames(StackRole::Decoder).unwrap_or(0);
        let (latents, output) = (vec![], vec![]);
        let mut decoder = Self { model, lanes, state, latents, output, quantizer };
        decoder.reserve(frames);
        decoder
    }

    /// Clears the state: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.start_at(0);
    }

    /// Clears the state and continues at the position of frame `frame`, without the frames before it.
    pub fn start_at(&mut self, frame: u64) {
        self.model.executor.start_at(StackRole::Decoder, &mut self.state, frame);
    }

    /// Decodes the next frames and returns audio as `[lane][channel][sample]` at full scale ±1.
    ///
    /// `lanes` holds for each lane its codes and the layers to decode: a depth (the first layers) or a
    /// [`LayerSelection`]. Layers may change from call to call.
    ///
    /// # Errors
    /// If lanes, frames or depths do not fit, or a code lies outside its codebook. The stream's state is
    /// then unchanged.
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
        let config = &self.model.config;
        let (channels, samples) = (config.channels, frames * config.frame_samples);
        let mut audio = vec![0f32; self.lanes * channels * samples];
        self.decode_into(&lanes, frames, &mut audio)?;
        let plane =
            |lane, channel| audio[(lane * channels + channel) * samples..][..samples].to_vec();
        let lane = |lane| (0..channels).map(|channel| plane(lane, channel)).collect();
        Ok((0..self.lanes).map(lane).collect())
    }

    /// Decodes as [`Decoder::decode`] does, from layer-major codes of `frames` frames and at least the lane's
    /// depth, into a buffer of (lanes, channels, samples) numbers. Allocates nothing with
    /// [`CodecBackend::Native`](super::CodecBackend::Native).
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
            self.model.quantizer.check_codes(codes, frames, depth)?;
        }
        let (frame, channels) = {
            let config = &self.model.config;
            (config.frame_samples, config.channels)
        };
        let expected = self.lanes * channels * frames * frame;
        if audio.len() != expected {
            let found = audio.len();
            return Err(InputError::Buffer { what: "audio", expected, found }.into());
        }
        let most = self.model.executor.pass_frames(StackRole::Decoder).unwrap_or(frames.max(1));
        self.reserve(most);
        for from in (0..frames).step_by(most) {
            let count = most.min(frames - from);
            let Self { model, state, latents, output, quantizer, .. } = self;
            let width = model.config.quantizer.output;
            let latents = &mut latents[..lanes.len() * count * width];
            let selection = |row: usize| lanes[row / count].1.into();
            let code = |row: usize, k| lanes[row / count].0[k * frames + from + row % count];
            model.quantizer.dequantize_frames(selection, code, quantizer, latents);
            let output = &mut output[..lanes.len() * channels * count * frame];
            model.executor.forward(StackRole::Decoder, state, latents, output)?;
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

    /// Grows the buffers to passes of `frames` frames.
    fn reserve(&mut self, frames: usize) {
        let config = &self.model.config;
        let latents = self.lanes * frames * config.quantizer.output;
        let output = self.lanes * frames * config.frame_samples * config.channels;
        self.latents.resize(latents.max(self.latents.len()), 0.0);
        self.output.resize(output.max(self.output.len()), 0.0);
    }
}
