//! Streaming decoding: codes in, whole frames of audio out, at one or several depths at once.

use std::sync::Arc;

use super::error::{CodecError, InputError};
use super::executor::{ExecutorFrames, ExecutorState};
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

/// Frames for [`Decoder::decode_together`]: the arguments of [`Decoder::decode_into`].
pub struct DecodeRequest<'a> {
    /// The decoder of the lanes.
    pub decoder: &'a mut Decoder,
    /// Codes of each lane, and the layers of them to decode.
    pub lanes: &'a [(&'a [u32], LayerSelection)],
    /// Frames of each lane.
    pub frames: usize,
    /// Room for (lanes, channels, samples) numbers.
    pub audio: &'a mut [f32],
}

impl DecodeRequest<'_> {
    fn check(&self) -> Result<(), CodecError> {
        Ok(self.decoder.check_request(self.lanes, self.frames, self.audio.len())?)
    }
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
        self.check_request(lanes, frames, audio.len())?;
        let most = self.model.executor.pass_frames(StackRole::Decoder).unwrap_or(frames.max(1));
        self.reserve(most);
        for from in (0..frames).step_by(most) {
            let count = most.min(frames - from);
            self.dequantize(lanes, frames, from, count);
            let model = Arc::clone(&self.model);
            let ExecutorFrames { state, x, y } = self.frames(count);
            model.executor.forward(StackRole::Decoder, state, x, y)?;
            self.separate(frames, from, count, audio);
        }
        Ok(())
    }

    /// Decodes frames of several decoders of one model, as [`Decoder::decode_into`] would one after the other, and
    /// bit for bit the same, in shared passes over the weights. The decoders may be at different positions and
    /// have different numbers of lanes, frames and layers. Allocates.
    ///
    /// # Errors
    /// Of each request, as [`Decoder::decode_into`]; the others are decoded all the same.
    ///
    /// # Panics
    /// If the decoders are not of one model.
    pub fn decode_together(requests: &mut [DecodeRequest<'_>]) -> Vec<Result<(), CodecError>> {
        let Some(first) = requests.first() else { return Vec::new() };
        let model = Arc::clone(&first.decoder.model);
        let of_one_model =
            requests.iter().all(|request| Arc::ptr_eq(&request.decoder.model, &model));
        assert!(of_one_model, "decoders of one model");
        let mut results: Vec<Result<(), CodecError>> =
            requests.iter().map(DecodeRequest::check).collect();
        let valid = requests.iter().zip(&results).filter(|(_, result)| result.is_ok());
        let longest = valid.map(|(request, _)| request.frames).max().unwrap_or(0);
        let most = model.executor.pass_frames(StackRole::Decoder).unwrap_or(longest.max(1));
        for from in (0..longest).step_by(most) {
            // Those with frames left, and the number of them in this pass.
            let mut parts = Vec::with_capacity(requests.len());
            let mut takes = Vec::with_capacity(requests.len());
            for (i, request) in requests.iter_mut().enumerate() {
                let count = most.min(request.frames.saturating_sub(from));
                if results[i].is_ok() && count > 0 {
                    let DecodeRequest { decoder, lanes, frames, .. } = request;
                    decoder.reserve(most);
                    decoder.dequantize(lanes, *frames, from, count);
                    parts.push(decoder.frames(count));
                    takes.push((i, count));
                }
            }
            let passes = model.executor.forward_together(StackRole::Decoder, parts);
            for ((i, count), pass) in takes.into_iter().zip(passes) {
                let DecodeRequest { decoder, frames, audio, .. } = &mut requests[i];
                match pass {
                    Ok(()) => decoder.separate(*frames, from, count, audio),
                    Err(error) => results[i] = Err(error),
                }
            }
        }
        results
    }

    /// Writes the latents of frames `from..from + count` of the `frames` of each lane to `latents`.
    fn dequantize<L: Into<LayerSelection> + Copy>(
        &mut self,
        lanes: &[(&[u32], L)],
        frames: usize,
        from: usize,
        count: usize,
    ) {
        let Self { model, latents, quantizer, .. } = self;
        let latents = &mut latents[..lanes.len() * count * model.config.quantizer.output];
        let selection = |row: usize| lanes[row / count].1.into();
        let code = |row: usize, k| lanes[row / count].0[k * frames + from + row % count];
        model.quantizer.dequantize_frames(selection, code, quantizer, latents);
    }

    /// Returns the state with the `count` frames in `latents`, and `output` for them.
    fn frames(&mut self, count: usize) -> ExecutorFrames<'_> {
        let config = &self.model.config;
        let latents = self.lanes * count * config.quantizer.output;
        let output = self.lanes * count * config.frame_samples * config.channels;
        let (x, y) = (&self.latents[..latents], &mut self.output[..output]);
        ExecutorFrames { state: &mut self.state, x, y }
    }

    /// Copies the `count` frames in `output` to the planes of `audio`, from frame `from` of their `frames` on.
    fn separate(&self, frames: usize, from: usize, count: usize, audio: &mut [f32]) {
        let config = &self.model.config;
        let (frame, channels) = (config.frame_samples, config.channels);
        let output = &self.output[..self.lanes * channels * count * frame];
        for (lane, output) in output.chunks_exact(channels * count * frame).enumerate() {
            for channel in 0..channels {
                let to = ((lane * channels + channel) * frames + from) * frame;
                let samples = output.iter().skip(channel).step_by(channels);
                audio[to..][..count * frame].iter_mut().zip(samples).for_each(|(to, x)| *to = *x);
            }
        }
    }

    /// Checks lanes, depths, codes and the samples of `audio` against the model.
    fn check_request<L: Into<LayerSelection> + Copy>(
        &self,
        lanes: &[(&[u32], L)],
        frames: usize,
        found: usize,
    ) -> Result<(), InputError> {
        self.check_lanes(lanes.len())?;
        for (codes, layers) in lanes {
            let depth = (*layers).into().depth;
            self.model.quantizer.check_codes(codes, frames, depth)?;
        }
        let config = &self.model.config;
        match self.lanes * config.channels * frames * config.frame_samples {
            expected if expected == found => Ok(()),
            expected => Err(InputError::Buffer { what: "audio", expected, found }),
        }
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
