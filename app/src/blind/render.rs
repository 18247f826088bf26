//! A passage as everything that it is to be compared as.

use std::sync::Arc;

use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::blind::{ComparedStimulus, ListeningConditions, ReportedModel, samples_sha256};
use residue_engine::codec::{Codec, Precision};
use residue_engine::conventional::ConventionalCodec;
use residue_engine::models::{JobContext, ModelStore};
use residue_engine::offline::{self, EncodedFile, OfflineError};

use super::anchor::anchor;
use super::level::{amplify, levels};
use super::material::{CutPassage, TestMaterial};
use super::reported_model::{self, or_cancelled};
use super::{BlindError, CodecContender, Contender};
use crate::studio::Stimuli;

/// Frames that go through a codec at a time: the result does not depend on it.
const CHUNK: usize = 16;

/// A passage and the versions of it that are to be rendered.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// Of what.
    pub material: TestMaterial,
    /// The versions, in this order; loudness follows the first.
    pub contenders: Vec<Contender>,
    /// Sample rate to play at, in hertz.
    pub rate: u32,
    /// Whether to match loudness.
    pub match_levels: bool,
}

/// A passage as several contenders.
#[derive(Clone, Debug)]
pub struct RenderedPassages {
    /// The audio that is played: a plane a contender.
    pub stimuli: Arc<Stimuli>,
    /// The conditions, for a report.
    pub heard: ListeningConditions,
}

/// Renders the versions that a [`RenderRequest`] asks for. Takes as long as the codec does: not for the thread of a window.
///
/// # Errors
/// See [`BlindError`].
pub fn render(
    brief: &RenderRequest,
    store: &ModelStore,
    context: &JobContext,
) -> Result<RenderedPassages, BlindError> {
    let RenderRequest { material, contenders, rate, match_levels } = brief;
    let cut = material.cut()?;
    let mut planes: Vec<Option<Audio>> = vec![None; contenders.len()];
    for (plane, contender) in planes.iter_mut().zip(contenders) {
        *plane = match contender {
            Contender::Original => Some(cut.finish(&cut.piece, *rate)?),
            Contender::Anchor => Some(cut.finish(&anchor(&cut.piece)?, *rate)?),
            Contender::Conventional(codec) => {
                Some(cut.finish(&conventional(&cut, codec, context)?, *rate)?)
            }
            Contender::Codec(_) => None,
        };
    }
    let mut models = Vec::new();
    // One model at a time: two of the large ones may not fit.
    while let Some(next) = planes.iter().position(Option::is_none) {
        let Contender::Codec(first) = &contenders[next] else { break };
        let same: Vec<(usize, &CodecContender)> = contenders
            .iter()
            .enumerate()
            .filter_map(|(n, contender)| match contender {
                Contender::Codec(coded) => Some((n, coded)),
                _ => None,
            })
            .filter(|(_, coded)| (&coded.model, coded.precision) == (&first.model, first.precision))
            .collect();
        let depths: Vec<usize> = same.iter().map(|(_, coded)| coded.depth).collect();
        let source = EncodedPassage::open(&cut, &first.model, first.precision, store, context)?;
        models.push(source.used.clone());
        let versions = source.decode(&depths, context)?;
        for ((n, _), version) in same.into_iter().zip(versions) {
            planes[n] = Some(cut.finish(&version, *rate)?);
        }
    }
    context.check_step("Matching levels", 1.0)?;
    let planes: Vec<Audio> = planes.into_iter().flatten().collect();
    let names: Vec<String> = contenders.iter().map(Contender::to_string).collect();
    let (stimuli, compared) = balance(planes, &names, *match_levels)?;
    let heard = ListeningConditions {
        passage: cut.passage,
        played_rate: *rate,
        level_matched: *match_levels,
        models,
        compared,
    };
    Ok(RenderedPassages { stimuli, heard })
}

/// The piece through a conventional codec.
fn conventional(
    cut: &CutPassage,
    codec: &ConventionalCodec,
    context: &JobContext,
) -> Result<Audio, BlindError> {
    let what = format!("Coding with {codec}");
    let progress = &mut |share| context.step(&what, share);
    match offline::pass_conventional(codec, &cut.piece, progress) {
        Ok(pass) => Ok(pass.audio),
        Err(OfflineError::Cancelled) => Err(BlindError::Cancelled),
        Err(source) => {
            Err(BlindError::Conventional { codec: codec.to_string(), source: Box::new(source) })
        }
    }
}

/// Brings planes to one loudness, and pins them down.
pub(super) fn balance(
    mut planes: Vec<Audio>,
    names: &[String],
    match_levels: bool,
) -> Result<(Arc<Stimuli>, Vec<ComparedStimulus>), BlindError> {
    let levels = levels(&planes.iter().collect::<Vec<_>>(), match_levels)
        .map_err(|(n, source)| BlindError::Loudness { name: names[n].clone(), source })?;
    let mut compared = Vec::new();
    for ((plane, name), level) in planes.iter_mut().zip(names).zip(levels) {
        let sha256 = samples_sha256(plane);
        amplify(plane, level.gain_db);
        let (loudness_lufs, gain_db) = (level.lufs, level.gain_db);
        compared.push(ComparedStimulus { name: name.clone(), sha256, loudness_lufs, gain_db });
    }
    let rate = planes.first().map_or(0, |plane| plane.rate);
    Ok((Arc::new(Stimuli { rate, planes, region: None }), compared))
}

/// A passage in a model's codes, to be decoded at any depth.
pub(super) struct EncodedPassage {
    codec: Codec,
    pub used: ReportedModel,
    encoded: EncodedFile,
}

impl EncodedPassage {
    pub fn open(
        cut: &CutPassage,
        model: &str,
        precision: Precision,
        store: &ModelStore,
        context: &JobContext,
    ) -> Result<Self, BlindError> {
        let (codec, used) = reported_model::load(store, model, precision, context)?;
        let what = format!("Encoding with {model} in {precision}");
        let progress = &mut |share| context.step(&what, share);
        let (layers, treatment) = (codec.config().quantizer.layers, MonoTreatment::Dual);
        let encoded = offline::encode(&codec, &cut.piece, layers, treatment, CHUNK, progress)
            .map_err(or_cancelled(model))?;
        Ok(Self { codec, used, encoded })
    }

    /// Layers there are.
    pub fn layers(&self) -> usize {
        self.codec.config().quantizer.layers
    }

    /// The piece at each depth.
    pub fn decode(&self, depths: &[usize], context: &JobContext) -> Result<Vec<Audio>, BlindError> {
        let layers = self.layers();
        if let Some(&depth) = depths.iter().find(|depth| !(1..=layers).contains(*depth)) {
            let model = self.used.name.clone();
            return Err(BlindError::Depth { model, layers, depth });
        }
        let what = format!("Decoding with {} in {}", self.used.name, self.used.precision);
        let progress = &mut |share| context.step(&what, share);
        offline::decode(&self.codec, &self.encoded, depths, CHUNK, progress)
            .map_err(or_cancelled(&self.used.name))
    }
}
