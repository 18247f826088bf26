//! What the precisions of a model give and cost on this computer.

use std::ops::ControlFlow;
use std::time::Duration;

use residue_engine::audio::{self, Audio, MonoTreatment};
use residue_engine::codec::{Codec, Precision};
use residue_engine::models::ModelLibrary;
use residue_engine::offline;

use super::models::{library, load_source, locate, options};
use super::state::{ModelWish, PrecisionCost};
use crate::cost::{Pass, cost};
use crate::speed;

/// Speech for those who have opened nothing.
const SPEECH: &[u8] = include_bytes!("../../../assets/clips/speech.flac");
/// Longest audio that codes are compared on, in seconds.
const LONGEST: f64 = 10.0;
/// Chunks that are timed.
const CHUNKS: usize = 25;
/// Frames a step where only codes matter.
const CHUNK: usize = 8;

/// Measures all precisions of a model, one after the other.
///
/// # Errors
/// Why not, for a person.
pub fn measure(
    id: &str,
    given: &Option<ModelLibrary>,
    audio: Option<&Audio>,
    threads: usize,
) -> Result<Vec<PrecisionCost>, String> {
    let source = locate(id, given)?;
    let original = match audio {
        Some(audio) => audio.clone(),
        None => audio::read_bytes("speech.flac", SPEECH).map_err(|e| e.to_string())?.audio,
    };
    let original = cut(original);
    let mut exact = None;
    let mut costs = Vec::new();
    for precision in Precision::ALL {
        let wish = ModelWish { id: id.to_owned(), precision, threads };
        let options = options(&wish, library(given).ok().as_ref());
        let go_on = |_: f64| ControlFlow::Continue(());
        let codec = load_source(&source, &options, &go_on).map_err(|error| error.to_string())?;
        let rtf = rtf(&codec)?;
        let pass = pass(&codec, &original)?;
        let exact = exact.get_or_insert_with(|| Pass {
            encoded: pass.encoded.clone(),
            decoded: pass.decoded.clone(),
        });
        let cost = cost(&original, exact, &pass).map_err(|error| error.to_string())?;
        costs.push(PrecisionCost {
            precision,
            rtf,
            agreement: cost.agreement,
            agreement_by_layer: cost.agreement_by_layer,
            mel_growth_percent: cost.mel_growth_percent,
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

/// Seconds a second of audio, streaming.
fn rtf(codec: &Codec) -> Result<f64, String> {
    let config = codec.config();
    let chunk = speed::usual_chunk(codec);
    let mut filling = |_: f64| ControlFlow::Continue(());
    let times = speed::measure(codec, vec![config.quantizer.layers], chunk, CHUNKS, &mut filling)
        .map_err(|error| error.to_string())?;
    let taken: Duration = times.iter().map(speed::Times::total).sum();
    Ok(taken.as_secs_f64() / (times.len() * chunk) as f64 * config.frame_rate())
}

fn pass(codec: &Codec, audio: &Audio) -> Result<Pass, String> {
    let depth = codec.config().quantizer.layers;
    let go_on = &mut |_: f64| ControlFlow::Continue(());
    let encoded = offline::encode(codec, audio, depth, MonoTreatment::Dual, CHUNK, go_on)
        .map_err(|error| error.to_string())?;
    let decoded = offline::decode(codec, &encoded, &[depth], CHUNK, go_on)
        .map_err(|error| error.to_string())?
        .remove(0);
    Ok(Pass { encoded, decoded })
}
