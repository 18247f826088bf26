//! Frames of one port on their way through the codec: encode, apply the frame effects, decode both lanes in one
//! batch; and those of several ports in shared passes over the weights.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::codec_model::lane_layers;
use crate::frame_transmission::FrameTransmission;
use residue_codec::{
    Codec, CodecError, DecodeRequest, Decoder, EncodeRequest, Encoder, LayerSelection,
};
use residue_live::{DECODED_LANES, DecodedFrames, FrameBatch, FrameEffects, ProcessorError};

/// Streaming state of a port, with the frames to compute and their result.
pub(crate) struct CodecJob {
    encoder: Encoder,
    transmission: FrameTransmission,
    /// Decodes `decoded_lanes`, each in all streams.
    decoder: Decoder,
    decoded_lanes: &'static [usize],
    streams: usize,
    channels: usize,
    /// Samples of a frame and channel.
    frame: usize,
    first_frame: u64,
    count: usize,
    settings: FrameEffects,
    /// Planes, one after the other.
    input: Vec<f32>,
    codes: Vec<u32>,
    audio: Vec<f32>,
    /// Result of the last frames.
    pub result: Result<(), ProcessorError>,
}

impl CodecJob {
    /// Returns the state of `streams` streams at their beginning, of which `decoded_lanes` are decoded: both lanes,
    /// or the one that both are to hold.
    ///
    /// # Errors
    /// If the model fails.
    pub fn new(
        codec: &Codec,
        streams: usize,
        decoded_lanes: &'static [usize],
    ) -> Result<Self, ProcessorError> {
        let config = codec.config();
        Ok(Self {
            encoder: codec.encoder(streams),
            transmission: FrameTransmission::new(codec, streams).map_err(ProcessorError::new)?,
            decoder: codec.decoder(decoded_lanes.len() * streams),
            decoded_lanes,
            streams,
            channels: config.channels,
            frame: config.frame_samples,
            first_frame: 0,
            count: 0,
            settings: FrameEffects::default(),
            input: Vec::new(),
            codes: Vec::new(),
            audio: Vec::new(),
            result: Ok(()),
        })
    }

    /// Takes the frames to compute, and the buffers of `out` for the result.
    pub fn take_input(&mut self, frames: &FrameBatch<'_>, out: &mut DecodedFrames) {
        (self.first_frame, self.count) = (frames.first_frame, frames.count);
        self.settings = *frames.settings;
        self.input.clear();
        frames.planes.iter().for_each(|plane| self.input.extend_from_slice(plane));
        (self.codes, self.audio) = (std::mem::take(&mut out.codes), std::mem::take(&mut out.audio));
        self.codes.resize(self.streams * self.transmission.layers() * self.count, 0);
        let planes = DECODED_LANES * self.streams * self.channels;
        self.audio.resize(planes * self.plane_samples(), 0.0);
    }

    /// Returns audio of both lanes and codes of the frames.
    pub fn take_output(&mut self) -> (Vec<f32>, Vec<u32>) {
        let decoded = self.decoded_samples();
        if decoded < self.audio.len() {
            self.audio.copy_within(..decoded, decoded);
        }
        (std::mem::take(&mut self.audio), std::mem::take(&mut self.codes))
    }

    /// Returns the frames of all streams and lanes: the job's share of a pass.
    pub fn lane_frames(&self) -> usize {
        (1 + self.decoded_lanes.len()) * self.streams * self.count
    }

    /// Clears the state: the next frame is the first of a stream.
    pub fn reset(&mut self) {
        self.encoder.reset();
        self.transmission.reset();
        self.decoder.reset();
    }

    /// Computes the frames alone.
    pub fn run(&mut self) {
        self.result = self.try_run().map_err(ProcessorError::new);
    }

    fn try_run(&mut self) -> Result<(), CodecError> {
        let planes = planes(&self.input, self.plane_samples());
        self.encoder.encode_into(&planes, self.transmission.layers(), &mut self.codes)?;
        self.transmit();
        let codes = std::mem::take(&mut self.codes);
        let (lanes, decoded) = (self.lanes(&codes), self.decoded_samples());
        let result = self.decoder.decode_into(&lanes, self.count, &mut self.audio[..decoded]);
        self.codes = codes;
        result
    }

    /// Returns the samples of a plane.
    fn plane_samples(&self) -> usize {
        self.count * self.frame
    }

    /// Returns the samples of the decoded lanes.
    fn decoded_samples(&self) -> usize {
        self.decoded_lanes.len() * self.streams * self.channels * self.plane_samples()
    }

    /// Returns the codes of each stream in the first decoded lane, then of each in the second, with the layers to
    /// decode.
    fn lanes<'a>(&self, codes: &'a [u32]) -> Vec<(&'a [u32], LayerSelection)> {
        let layers = self.transmission.layers();
        let of_lane =
            |selected| codes.chunks_exact(layers * self.count).map(move |codes| (codes, selected));
        let selected = lane_layers(&self.settings, layers);
        self.decoded_lanes.iter().flat_map(|&lane| of_lane(selected[lane])).collect()
    }

    /// Transmits the codes of all frames, in place.
    fn transmit(&mut self) {
        for t in 0..self.count {
            let number = self.first_frame + t as u64;
            self.transmission.transmit(number, &mut self.codes, t, self.count, &self.settings);
        }
    }
}

/// Computes the frames of several jobs in shared passes. Each job gets its own result.
pub(crate) fn run_together(jobs: &mut [Box<CodecJob>]) {
    if let [job] = jobs {
        return job.run();
    }
    encode_together(jobs);
    for job in jobs.iter_mut().filter(|job| job.result.is_ok()) {
        // Of each job alone: if one panics, it fails alone.
        let transmitted = catch_unwind(AssertUnwindSafe(|| job.transmit()));
        job.result = transmitted.map_err(|panic| ProcessorError::from_panic(&*panic));
    }
    decode_together(jobs);
}

fn encode_together(jobs: &mut [Box<CodecJob>]) {
    let inputs: Vec<_> = jobs.iter_mut().map(|job| std::mem::take(&mut job.input)).collect();
    let planes: Vec<_> =
        inputs.iter().zip(&*jobs).map(|(input, job)| planes(input, job.plane_samples())).collect();
    let mut requests: Vec<_> = jobs
        .iter_mut()
        .zip(&planes)
        .map(|(job, planes)| {
            let CodecJob { encoder, transmission, codes, .. } = &mut **job;
            EncodeRequest { encoder, planes, depth: transmission.layers(), codes }
        })
        .collect();
    let results = Encoder::encode_together(&mut requests);
    for (job, result) in jobs.iter_mut().zip(results) {
        job.result = result.map_err(ProcessorError::new);
    }
    // For the next frames.
    jobs.iter_mut().zip(inputs).for_each(|(job, input)| job.input = input);
}

/// Decodes those jobs that have not failed.
fn decode_together(jobs: &mut [Box<CodecJob>]) {
    let mut jobs: Vec<_> = jobs.iter_mut().filter(|job| job.result.is_ok()).collect();
    let codes: Vec<_> = jobs.iter_mut().map(|job| std::mem::take(&mut job.codes)).collect();
    let lanes: Vec<_> = codes.iter().zip(&jobs).map(|(codes, job)| job.lanes(codes)).collect();
    let mut requests: Vec<_> = jobs
        .iter_mut()
        .zip(&lanes)
        .map(|(job, lanes)| {
            let decoded = job.decoded_samples();
            let CodecJob { decoder, count, audio, .. } = &mut ***job;
            DecodeRequest { decoder, lanes, frames: *count, audio: &mut audio[..decoded] }
        })
        .collect();
    let results = Decoder::decode_together(&mut requests);
    for ((job, result), codes) in jobs.into_iter().zip(results).zip(codes) {
        job.result = result.map_err(ProcessorError::new);
        job.codes = codes;
    }
}

/// Returns the planes, of `samples` each, that lie one after the other in `input`.
fn planes(input: &[f32], samples: usize) -> Vec<&[f32]> {
    input.chunks_exact(samples).collect()
}
