//! The codec as a model of the live path. Ports that run one loaded model share its passes if it is large.

use crate::codec_job::{self, CodecJob};
use residue_codec::{Codec, LayerSelection, PassShape, Workload};
use residue_kernels::Isa;
use residue_live::{
    DECODED_LANES, DecodedFrames, FrameBatch, FrameEffects, FrameProcessor, LiveModel, ModelFormat,
    PassMember, ProcessorError, SharedPasses,
};

/// Bytes of a model's weights from which ports share passes over them.
///
/// Such weights come from memory in every pass, which takes longer than the arithmetic of one port. Smaller ones stay in
/// the processor's caches, and ports that compute apart use several cores at once: ten of Nano, of 88 MB, took 1.4 times
/// as long in shared passes.
const SHARED_WEIGHTS: f64 = 256e6;

/// A codec as a model of the live path. Ports that run it share passes over its weights if these are large.
pub struct CodecModel(pub Codec);

/// A codec as a model of the live path whose ports share passes over its weights, however small. For measurements and
/// tests.
pub struct SharedCodecModel(pub Codec);

/// Returns whether ports of a [`CodecModel`] share passes: where its weights are large, and 8-bit products are one
/// instruction. Elsewhere the arithmetic of one port takes as long as reading the weights of v1 in int8, and shared
/// passes gain nothing (docs/performance.md has the figures).
pub fn shares_passes(codec: &Codec) -> bool {
    if !Isa::best().has_int8_dot() {
        return false;
    }
    let shape = PassShape { encoded: 1, decoded: 1, frames: 1 };
    Workload::of_pass(codec.config(), codec.precision(), shape).weight_bytes >= SHARED_WEIGHTS
}

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
        CodecProcessor::boxed(&self.0, streams, &[0, 1], shares_passes(&self.0))
    }
}

impl LiveModel for SharedCodecModel {
    fn format(&self) -> ModelFormat {
        format(&self.0)
    }

    fn processor(&self, streams: usize) -> Result<Box<dyn FrameProcessor>, ProcessorError> {
        CodecProcessor::boxed(&self.0, streams, &[0, 1], true)
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
        CodecProcessor::boxed(&self.codec, streams, lane, shares_passes(&self.codec))
    }
}

/// Returns how many batches of so many threads the processors hold at once.
fn most_batches(threads: usize) -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() / threads)
}

/// A stream through the codec.
struct CodecProcessor {
    /// Set if it shares its passes with the streams of other ports.
    member: Option<PassMember<Box<CodecJob>>>,
    /// None once a pass has failed.
    job: Option<Box<CodecJob>>,
}

impl CodecProcessor {
    /// Returns the processor of `streams` streams that decodes these lanes of each, in `shared` passes or its own.
    fn boxed(
        codec: &Codec,
        streams: usize,
        lanes: &'static [usize],
        shared: bool,
    ) -> Result<Box<dyn FrameProcessor>, ProcessorError> {
        let member = match shared {
            true => {
                let passes = codec.companion::<SharedPasses<Box<CodecJob>>>();
                let passes =
                    passes.ok_or_else(|| ProcessorError::new("the model is shared otherwise"))?;
                Some(passes.join(most_batches(codec.threads())))
            }
            false => None,
        };
        Ok(Box::new(Self { member, job: Some(Box::new(CodecJob::new(codec, streams, lanes)?)) }))
    }
}

impl FrameProcessor for CodecProcessor {
    fn process(
        &mut self,
        frames: &FrameBatch<'_>,
        out: &mut DecodedFrames,
    ) -> Result<(), ProcessorError> {
        let lost =
            || ProcessorError::new("a pass that it shared has failed; choose the model again");
        let mut job = self.job.take().ok_or_else(lost)?;
        job.take_input(frames, out);
        match &mut self.member {
            // Measured times are those of an instance alone.
            Some(member) if !frames.timing_only => {
                let size = job.lane_frames();
                let result = member.run(job, size, frames.due, codec_job::run_together)?;
                (job, out.held) = (result.job, result.held);
            }
            _ => job.run(),
        }
        (out.audio, out.codes) = job.take_output();
        let result = std::mem::replace(&mut job.result, Ok(()));
        self.job = Some(job);
        result
    }

    fn reset(&mut self) {
        if let Some(job) = &mut self.job {
            job.reset();
        }
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
