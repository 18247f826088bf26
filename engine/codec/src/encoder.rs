//! Streaming encoding: whole frames of audio in, codes out.

use super::codec::Codec;
use super::error::{CodecError, InputError};
use super::executor::{ExecutorState, StackRole};
use super::quantizer::{Latents, QuantizerScratch};
use residue_core::codes::Codes;

/// The encoder of one or more streams that advance together and share each pass over the weights.
///
/// Any sequence of chunk sizes gives the same codes as the whole signal at once. Calls compute for
/// milliseconds: never on an audio thread.
pub struct Encoder {
    codec: Codec,
    streams: usize,
    state: ExecutorState,
    /// One pass of audio, stream by stream, and what the stack makes of it.
    input: Vec<f32>,
    latents: Vec<f32>,
    quantizer: QuantizerScratch,
}

impl Encoder {
    pub(super) fn new(codec: Codec, streams: usize) -> Self {
        assert!(streams > 0, "an encoder has at least one stream");
        let executor = &codec.0.executor;
        let state = executor.state(StackRole::Encoder, streams);
        let quantizer = codec.0.quantizer.scratch();
        let frames = executor.pass_frames(StackRole::Encoder).unwrap_or(0);
        let (input, latents) = (vec![], vec![]);
        let mut encoder = Self { codec, streams, state, input, latents, quantizer };
        encoder.make_room(frames);
        encoder
    }

    /// Forgets the past: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.start_at(0);
    }

    /// Forgets the past and starts as though `frame` frames had gone by.
    pub fn start_at(&mut self, frame: u64) {
        self.codec.0.executor.start_at(StackRole::Encoder, &mut self.state, frame);
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
        self.codec.quantizer().check(depth)?;
        let frames = self.check(planes)?;
        let mut codes = vec![0; self.streams * depth * frames];
        self.encode_into(planes, depth, &mut codes)?;
        let stream = |i| codes[i * depth * frames..][..depth * frames].to_vec();
        Ok((0..self.streams).map(|i| Codes::new(depth, frames, stream(i))).collect())
    }

    /// As [`Encoder::encode`], into a buffer of (streams, depth, frames) codes. With
    /// [`CodecBackend::Native`](super::CodecBackend::Native) allocates nothing.
    ///
    /// # Errors
    /// As [`Encoder::encode`], and if the buffer has another length.
    pub fn encode_into(
        &mut self,
        planes: &[&[f32]],
        depth: usize,
        codes: &mut [u32],
    ) -> Result<(), CodecError> {
        self.codec.quantizer().check(depth)?;
        let frames = self.check(planes)?;
        let expected = self.streams * depth * frames;
        if codes.len() != expected {
            let found = codes.len();
            return Err(InputError::Buffer { what: "codes", expected, found }.into());
        }
        self.passes(planes, frames, |encoder, from, count| {
            let Self { codec, streams, latents, quantizer, .. } = encoder;
            let rows = latents.chunks_exact(codec.config().quantizer.input);
            for (row, latent) in rows.take(*streams * count).enumerate() {
                let (stream, t) = (row / count, from + row % count);
                codec.quantizer().quantize_frame(latent, depth, quantizer, |k, code| {
                    codes[(stream * depth + k) * frames + t] = code;
                });
            }
        })
    }

    /// The encoder's output for the next frames, before quantization: one array a stream. Takes
    /// what [`Encoder::encode`] takes.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn latents(&mut self, planes: &[&[f32]]) -> Result<Vec<Latents>, CodecError> {
        let frames = self.check(planes)?;
        let width = self.codec.config().quantizer.input;
        let mut latents = vec![Latents { width, data: Vec::new() }; self.streams];
        self.passes(planes, frames, |encoder, _, count| {
            for (to, from) in latents.iter_mut().zip(encoder.latents.chunks_exact(count * width)) {
                to.data.extend(from);
            }
        })?;
        Ok(latents)
    }

    /// Runs the stack over all frames and shows each pass to `see` with its first frame and number
    /// of frames; the latents are then (streams, frames of the pass, width).
    fn passes(
        &mut self,
        planes: &[&[f32]],
        frames: usize,
        mut see: impl FnMut(&mut Self, usize, usize),
    ) -> Result<(), CodecError> {
        let most = self.codec.0.executor.pass_frames(StackRole::Encoder).unwrap_or(frames.max(1));
        self.make_room(most);
        for from in (0..frames).step_by(most) {
            let count = most.min(frames - from);
            let Self { codec, streams, state, input, latents, .. } = self;
            let config = codec.config();
            let (channels, samples) = (config.channels, count * config.frame_samples);
            let input = &mut input[..planes.len() * samples];
            // Channels side by side, sample by sample: one interleaved sequence, or one step of
            // `channels` numbers where the layout does not interleave. The numbers lie the same.
            for (to, stream) in
                input.chunks_exact_mut(channels * samples).zip(planes.chunks_exact(channels))
            {
                for (channel, plane) in stream.iter().enumerate() {
                    let plane = &plane[from * config.frame_samples..][..samples];
                    let to = to.iter_mut().skip(channel).step_by(channels);
                    to.zip(plane).for_each(|(to, x)| *to = *x);
                }
            }
            let latents = &mut latents[..*streams * count * config.quantizer.input];
            codec.0.executor.forward(StackRole::Encoder, state, input, latents)?;
            see(self, from, count);
        }
        Ok(())
    }

    /// Makes the buffers large enough for passes of so many frames.
    fn make_room(&mut self, frames: usize) {
        let config = self.codec.config();
        let input = self.streams * frames * config.frame_samples * config.channels;
        let latents = self.streams * frames * config.quantizer.input;
        self.input.resize(input.max(self.input.len()), 0.0);
        self.latents.resize(latents.max(self.latents.len()), 0.0);
    }

    /// Frames of the planes, if they fit the model.
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
        Ok(samples / config.frame_samples)
    }
}
