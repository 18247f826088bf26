//! Measured cost of a model's precisions on this computer.

use std::time::Duration;

use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::{Codec, Precision};
use residue_engine::models::{CostError, JobContext, ModelStore, PrecisionCost};
use residue_engine::offline;

use crate::cost::{PrecisionPass, precision_change};
use crate::{demo_clip, speed};

/// Longest audio that codes are compared on, in seconds.
const LONGEST: f64 = 10.0;
/// Chunks that are timed.
const CHUNKS: usize = 25;
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
        let rtf = rtf(&codec, context)?;
        let pass = pass(&codec, &original, context)?;
        let exact = exact.get_or_insert_with(|| PrecisionPass {
            encoded: pass.encoded.clone(),
            decoded: pass.decoded.clone(),
        });
        let change = precision_change(&original, exact, &pass)?;
        costs.push(PrecisionCost {
            precision,
            rtf,
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

/// Wall seconds a second of audio, streaming.
fn rtf(codec: &Codec, context: &JobContext) -> Result<f64, CostError> {
    let config = codec.config();
    let chunk = speed::usual_chunk(codec);
    let mut filling = |share: f64| context.step("measuring speed", share);
    let times = speed::measure(codec, vec![config.quantizer.layers], chunk, CHUNKS, &mut filling)?;
    let taken: Duration = times.iter().map(speed::ChunkTimes::total).sum();
    Ok(taken.as_secs_f64() / (times.len() * chunk) as f64 * config.frame_rate())
}

fn pass(codec: &Codec, audio: &Audio, context: &JobContext) -> Result<PrecisionPass, CostError> {
    let depth = codec.config().quantizer.layers;
    let progress = &mut |share: f64| context.step("comparing codes", share);
    let encoded = offline::encode(codec, audio, depth, MonoTreatment::Dual, CHUNK, progress)?;
    let decoded = offline::decode(codec, &encoded, &[depth], CHUNK, progress)?.remove(0);
    Ok(PrecisionPass { encoded, decoded })
}
