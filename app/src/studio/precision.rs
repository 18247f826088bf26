//! Measured cost of a model's precisions on this computer.

use std::time::Duration;

use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::{Codec, Precision};
use residue_engine::live::{CodecModel, measure_frame_times};
use residue_engine::models::{CostError, JobContext, ModelLoadError, ModelStore, PrecisionCost};
use residue_engine::offline;

use crate::cost::{PrecisionPass, precision_change};
use crate::demo_clip;
use crate::speed::{LIVE_HOST, live_frames};

/// Longest audio that codes are compared on, in seconds.
const LONGEST: f64 = 10.0;
/// Seconds of a live stream that are timed.
const SECONDS: f64 = 2.0;
/// Frames a step where only codes matter.
const CHUNK: usize = 8;

/// Measures all precisions of a model, one after the other, each on a copy of its own: the threads of
/// a codec that plays are busy.
///
/// # Errors
/// If the model cannot be loaded or run, or the job was cancelled.
pub fn measure(
    id: &str,
    store: &ModelStore,
    audio: Option<&Audio>,
    threads: usize,
    context: &JobContext,
) -> Result<Vec<PrecisionCost>, CostError> {
    let source = store.locate(id)?;
    let original = match audio {
        Some(audio) => audio.clone(),
        None => demo_clip::speech()?,
    };
    let original = cut(original);
    let mut exact = None;
    let mut costs = Vec::new();
    for precision in Precision::ALL {
        let step = format!("loading {id} in {precision}");
        let progress = |share| context.step(&step, share);
        let codec = store.load_copy(&source, precision, threads, &progress)?;
        let load = live_load(&codec, context)?;
        store.machine_speed().keep_load(codec.config(), precision, codec.threads(), load);
        let pass = pass(&codec, &original, context)?;
        let exact = exact.get_or_insert_with(|| PrecisionPass {
            encoded: pass.encoded.clone(),
            decoded: pass.decoded.clone(),
        });
        let change = precision_change(&original, exact, &pass)?;
        costs.push(PrecisionCost {
            precision,
            load,
            agreement: change.agreement,
            agreement_by_layer: change.agreement_by_layer,
            mel_growth_percent: change.mel_growth_percent,
            threads: codec.threads(),
        });
    }
    Ok(costs)
}

fn cut(mut audio: Audio) -> Audio {
    let longest = (LONGEST * f64::from(audio.rate)) as usize;
    audio.channels.iter_mut().for_each(|channel| channel.truncate(longest));
    audio
}

/// Wall seconds a second of audio of a live stream.
fn live_load(codec: &Codec, context: &JobContext) -> Result<f64, CostError> {
    let config = codec.config();
    let frames = live_frames(config, SECONDS, 1);
    let model = CodecModel(codec.clone());
    let (rate, channels) = LIVE_HOST;
    let times = measure_frame_times(&model, rate, channels, frames, &mut |share| {
        context.step("measuring speed", share)
    })?;
    if times.len() < frames.passes {
        return Err(Box::new(ModelLoadError::Cancelled));
    }
    Ok(times.iter().sum::<Duration>().as_secs_f64() / times.len() as f64 * config.frame_rate())
}

fn pass(codec: &Codec, audio: &Audio, context: &JobContext) -> Result<PrecisionPass, CostError> {
    let depth = codec.config().quantizer.layers;
    let progress = &mut |share: f64| context.step("comparing codes", share);
    let encoded = offline::encode(codec, audio, depth, MonoTreatment::Dual, CHUNK, progress)?;
    let decoded = offline::decode(codec, &encoded, &[depth], CHUNK, progress)?.remove(0);
    Ok(PrecisionPass { encoded, decoded })
}
