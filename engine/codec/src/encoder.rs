//! Streaming encoding: whole frames of audio in, codes out.

use std::sync::Arc;

use super::error::{CodecError, InputError};
use super::executor::{ExecutorFrames, ExecutorState};
use super::load_model::LoadedModel;
use super::quantizer::{Latents, QuantizerScratch};
use super::stacks::StackRole;
use residue_core::codes::Codes;

/// The encoder of one or more streams that advance together and share each pass over the weights.
///
/// Any sequence of chunk sizes gives the same codes as the whole signal at once. Not realtime-safe: a call
/// computes for milliseconds.
pub struct Encoder {
    model: Arc<LoadedModel>,
    streams: usize,
    state: ExecutorState,
    /// Interleaved audio of one pass, stream by stream.
    input: Vec<f32>,
    /// The stack's output for it.
    latents: Vec<f32>,
    quantizer: QuantizerScratch,
}

/// Frames for [`Encoder::encode_together`]: the arguments of [`Encoder::encode_into`].
pub struct EncodeRequest<'a> {
    /// The encoder of the streams.
    pub encoder: &'a mut Encoder,
    /// The channels of each stream in turn.
    pub planes: &'a [&'a [f32]],
    /// Layers to encode to.
    pub depth: usize,
    /// Room for (streams, depth, frames) codes.
    pub codes: &'a mut [u32],
}

impl EncodeRequest<'_> {
    fn check(&self) -> Result<usize, CodecError> {
        Ok(self.encoder.check_request(self.planes, self.depth, self.codes.len())?)
    }
}

impl Encoder {
    pub(super) fn new(model: Arc<LoadedModel>, streams: usize) -> Self {
        assert!(streams > 0, "an encoder has at least one stream");
        let executor = &model.executor;
        let state = executor.state(StackRole::Encoder, streams);
        let quantizer = model.quantizer.scratch();
        let frames = executor.pass_frames(StackRole::Encoder).unwrap_or(0);
        let (input, latents) = (vec![], vec![]);
        let mut encoder = Self { model, streams, state, input, latents, quantizer };
        encoder.reserve(frames);
        encoder
    }

    /// Clears the state: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.start_at(0);
    }

    /// Clears the state and continues at the position of frame `frame`, without the frames before it.
    pub fn start_at(&mut self, frame: u64) {
        self.model.executor.start_at(StackRole::Encoder, &mut self.state, frame);
    }

    /// Encodes the next frames to the first `depth` layers and returns one array of codes a stream.
    ///
    /// `planes` holds the channels of each stream in turn: `streams * channels` planes at full scale ±1
    /// and the model's sample rate, all of one length, a multiple of a frame or 0.
    ///
    /// # Errors
    /// If the planes or the depth do not fit, or a sample is not finite. The stream's state is then
    /// unchanged.
    pub fn encode(&mut self, planes: &[&[f32]], depth: usize) -> Result<Vec<Codes>, CodecError> {
        self.model.quantizer.check_depth(depth)?;
        let frames = self.check(planes)?;
        let mut codes = vec![0; self.streams * depth * frames];
        self.encode_into(planes, depth, &mut codes)?;
        let stream = |i| codes[i * depth * frames..][..depth * frames].to_vec();
        Ok((0..self.streams).map(|i| Codes::new(depth, frames, stream(i))).collect())
    }

    /// Encodes as [`Encoder::encode`] does, into a buffer of (streams, depth, frames) codes. Allocates
    /// nothing with [`CodecBackend::Native`](super::CodecBackend::Native).
    ///
    /// # Errors
    /// As [`Encoder::encode`], and if the buffer has another length.
    pub fn encode_into(
        &mut self,
        planes: &[&[f32]],
        depth: usize,
        codes: &mut [u32],
    ) -> Result<(), CodecError> {
        let frames = self.check_request(planes, depth, codes.len())?;
        self.passes(planes, frames, |encoder, from, count| {
            encoder.quantize(depth, frames, from, count, codes);
        })
    }

    /// Returns the encoder's output for the next frames, before quantization, one array a stream. Takes
    /// the planes that [`Encoder::encode`] takes.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn latents(&mut self, planes: &[&[f32]]) -> Result<Vec<Latents>, CodecError> {
        let frames = self.check(planes)?;
        let width = self.model.config.quantizer.input;
        let mut latents = vec![Latents { width, data: Vec::new() }; self.streams];
        self.passes(planes, frames, |encoder, _, count| {
            for (to, from) in latents.iter_mut().zip(encoder.latents.chunks_exact(count * width)) {
                to.data.extend(from);
            }
        })?;
        Ok(latents)
    }

    /// Encodes frames of several encoders of one model, as [`Encoder::encode_into`] would one after the other, and
    /// bit for bit the same, in shared passes over the weights. The encoders may be at different positions and
    /// have different numbers of streams, frames and layers. Allocates.
    ///
    /// # Errors
    /// Of each request, as [`Encoder::encode_into`]; the others are encoded all the same.
    ///
    /// # Panics
    /// If the encoders are not of one model.
    pub fn encode_together(requests: &mut [EncodeRequest<'_>]) -> Vec<Result<(), CodecError>> {
        let Some(first) = requests.first() else { return Vec::new() };
        let model = Arc::clone(&first.encoder.model);
        let of_one_model =
            requests.iter().all(|request| Arc::ptr_eq(&request.encoder.model, &model));
        assert!(of_one_model, "encoders of one model");
        let mut results: Vec<Result<usize, CodecError>> =
            requests.iter().map(EncodeRequest::check).collect();
        let longest = results.iter().flatten().copied().max().unwrap_or(0);
        let most = model.executor.pass_frames(StackRole::Encoder).unwrap_or(longest.max(1));
        for from in (0..longest).step_by(most) {
            // Those with frames left, and the number of them in this pass.
            let mut parts = Vec::with_capacity(requests.len());
            let mut takes = Vec::with_capacity(requests.len());
            for (i, request) in requests.iter_mut().enumerate() {
                let Ok(frames) = results[i] else { continue };
                let count = most.min(frames.saturating_sub(from));
                if count > 0 {
                    let EncodeRequest { encoder, planes, .. } = request;
                    encoder.reserve(most);
                    encoder.interleave(planes, from, count);
                    parts.push(encoder.frames(count));
                    takes.push((i, count));
                }
            }
            let passes = model.executor.forward_together(StackRole::Encoder, parts);
            for ((i, count), pass) in takes.into_iter().zip(passes) {
                let EncodeRequest { encoder, depth, codes, planes } = &mut requests[i];
                let frames = planes[0].len() / model.config.frame_samples;
                match pass {
                    Ok(()) => encoder.quantize(*depth, frames, from, count, codes),
                    Err(error) => results[i] = Err(error),
                }
            }
        }
        results.into_iter().map(|result| result.map(drop)).collect()
    }

    /// Runs the stack over all frames and calls `visit` after each pass, with its first frame and its number
    /// of frames. `latents` then holds (streams, frames of the pass, width).
    fn passes(
        &mut self,
        planes: &[&[f32]],
        frames: usize,
        mut visit: impl FnMut(&mut Self, usize, usize),
    ) -> Result<(), CodecError> {
        let most = self.model.executor.pass_frames(StackRole::Encoder).unwrap_or(frames.max(1));
        self.reserve(most);
        for from in (0..frames).step_by(most) {
            let count = most.min(frames - from);
            self.interleave(planes, from, count);
            let model = Arc::clone(&self.model);
            let ExecutorFrames { state, x, y } = self.frames(count);
            model.executor.forward(StackRole::Encoder, state, x, y)?;
            visit(self, from, count);
        }
        Ok(())
    }

    /// Copies frames `from..from + count` of all planes to `input`, stream by stream.
    fn interleave(&mut self, planes: &[&[f32]], from: usize, count: usize) {
        let config = &self.model.config;
        let (channels, samples) = (config.channels, count * config.frame_samples);
        let input = &mut self.input[..planes.len() * samples];
        // Interleaved sample by sample. A layout that does not interleave takes steps of `channels` numbers,
        // which lie in memory the same way.
        for (to, stream) in
            input.chunks_exact_mut(channels * samples).zip(planes.chunks_exact(channels))
        {
            for (channel, plane) in stream.iter().enumerate() {
                let plane = &plane[from * config.frame_samples..][..samples];
                let to = to.iter_mut().skip(channel).step_by(channels);
                to.zip(plane).for_each(|(to, x)| *to = *x);
            }
        }
    }

    /// Returns the state with the next `count` frames of `input`, and `latents` for them.
    fn frames(&mut self, count: usize) -> ExecutorFrames<'_> {
        let config = &self.model.config;
        let input = self.streams * count * config.frame_samples * config.channels;
        let latents = self.streams * count * config.quantizer.input;
        let (x, y) = (&self.input[..input], &mut self.latents[..latents]);
        ExecutorFrames { state: &mut self.state, x, y }
    }

    /// Quantizes the `count` frames in `latents`, from frame `from` of the `frames` in `codes` on.
    fn quantize(
        &mut self,
        depth: usize,
        frames: usize,
        from: usize,
        count: usize,
        codes: &mut [u32],
    ) {
        let Self { model, streams, latents, quantizer, .. } = self;
        let latents = &latents[..*streams * count * model.config.quantizer.input];
        model.quantizer.quantize_frames(latents, depth, quantizer, |row, k, code| {
            let (stream, t) = (row / count, from + row % count);
            codes[(stream * depth + k) * frames + t] = code;
        });
    }

    /// Grows the buffers to passes of `frames` frames.
    fn reserve(&mut self, frames: usize) {
        let config = &self.model.config;
        let input = self.streams * frames * config.frame_samples * config.channels;
        let latents = self.streams * frames * config.quantizer.input;
        self.input.resize(input.max(self.input.len()), 0.0);
        self.latents.resize(latents.max(self.latents.len()), 0.0);
    }

    /// Checks planes, depth and the number of codes against the model, and returns the frames.
    fn check_request(
        &self,
        planes: &[&[f32]],
        depth: usize,
        found: usize,
    ) -> Result<usize, InputError> {
        self.model.quantizer.check_depth(depth)?;
        let frames = self.check(planes)?;
        match self.streams * depth * frames {
            expected if expected == found => Ok(frames),
            expected => Err(InputError::Buffer { what: "codes", expected, found }),
        }
    }

    /// Checks planes against the model and returns their frames.
    fn check(&self, planes: &[&[f32]]) -> Result<usize, InputError> {
        let config = &self.model.config;
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
        Ok(samples / config.frame_samples)
    }
}
