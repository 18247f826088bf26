//! The set-up of a test.

use residue_engine::blind::chance_of_at_least;
use residue_engine::codec::Precision;
use residue_engine::models::EMBEDDED;

use super::TestableSound;
use crate::blind::{CodecContender, Contender, TestMaterial};

/// Most depths on a rating page: with the original and the anchor there is a digit key for each.
pub(super) const MOST_DEPTHS: usize = 7;

/// The three tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BlindTestKind {
    /// Which of two is X?
    #[default]
    Abx,
    /// From which depth on is no difference heard?
    Threshold,
    /// Rating: how close is each of several to the original?
    Rating,
}

impl BlindTestKind {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::Abx, Self::Threshold, Self::Rating];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abx => "ABX",
            Self::Threshold => "Threshold",
            Self::Rating => "Rating",
        }
    }

    /// The question that it asks.
    pub const fn question(self) -> &'static str {
        match self {
            Self::Abx => "Can a difference be heard at all?",
            Self::Threshold => "From which depth on is no difference heard?",
            Self::Rating => "How close is each depth to the original?",
        }
    }
}

/// A test as it is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct BlindTestSetup {
    /// Which test.
    pub test: BlindTestKind,
    /// The two of an ABX test.
    pub pair: [Contender; 2],
    /// The model of the other tests.
    pub model: String,
    /// Its precision.
    pub precision: Precision,
    /// Depths to rate, in rising order.
    pub depths: Vec<usize>,
    /// Listen to the whole file and not to its loop.
    pub whole: bool,
    /// Trials of an ABX test.
    pub trials: usize,
    /// Bring all to one loudness.
    pub match_levels: bool,
}

impl Default for BlindTestSetup {
    fn default() -> Self {
        let precision = Precision::F32;
        let coded = CodecContender { model: EMBEDDED.into(), precision, depth: 8 };
        Self {
            test: BlindTestKind::Abx,
            pair: [Contender::Original, Contender::Codec(coded)],
            model: EMBEDDED.into(),
            precision,
            depths: vec![2, 4, 8, 16, 32],
            whole: false,
            trials: 16,
            match_levels: true,
        }
    }
}

impl BlindTestSetup {
    /// The passage, if a file is open.
    pub(super) fn material(&self, offer: &TestableSound) -> Option<TestMaterial> {
        let region = if self.whole { None } else { offer.loop_region };
        offer.file.as_ref().map(|file| TestMaterial::new(file, region))
    }

    /// The versions that are compared; not for a threshold test.
    pub(super) fn contenders(&self) -> Vec<Contender> {
        if self.test == BlindTestKind::Abx {
            return self.pair.to_vec();
        }
        let (model, precision) = (&self.model, self.precision);
        let coded = |&depth: &usize| {
            Contender::Codec(CodecContender { model: model.clone(), precision, depth })
        };
        [Contender::Original, Contender::Anchor]
            .into_iter()
            .chain(self.depths.iter().map(coded))
            .collect()
    }

    /// Takes back what the models here do not have. While none has been found yet, nothing.
    pub(super) fn fit(&mut self, offer: &TestableSound) {
        if offer.usable().next().is_none() {
            return;
        }
        let fit = |model: &mut String| match offer.layers(model) {
            Some(layers) => layers,
            None => {
                *model = EMBEDDED.into();
                offer.layers(model).unwrap_or(1)
            }
        };
        for contender in &mut self.pair {
            if let Contender::Codec(coded) = contender {
                coded.depth = coded.depth.clamp(1, fit(&mut coded.model));
            }
        }
        let layers = fit(&mut self.model);
        self.depths.retain(|depth| (1..=layers).contains(depth));
        self.depths.truncate(MOST_DEPTHS);
    }

    /// Right answers that count as heard in an ABX test; `None` if even all would not.
    pub(super) fn needed(&self) -> Option<u32> {
        let trials = self.trials as u32;
        (0..=trials).find(|right| chance_of_at_least(*right, trials) < 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_here_is_taken_back() {
        use residue_engine::models::{ListedModel, ModelSummary};
        let model = |id: &str, layers, here| ListedModel {
            id: id.into(),
            repository: None,
            here,
            can_pull: false,
            place: String::new(),
            config: None,
            summary: Some(ModelSummary { rate: 1, channels: 1, layers, parameters: 1 }),
            bytes: None,
            download_bytes: None,
            verified: None,
        };
        let mut setup = BlindTestSetup { model: "small".into(), ..BlindTestSetup::default() };
        setup.fit(&TestableSound::default());
        assert_eq!(setup, BlindTestSetup { model: "small".into(), ..BlindTestSetup::default() });
        let models = vec![model(EMBEDDED, 32, true), model("small", 4, true)];
        setup.fit(&TestableSound { models, ..TestableSound::default() });
        assert_eq!((setup.model.as_str(), setup.depths.as_slice()), ("small", &[2, 4][..]));
        let models = vec![model(EMBEDDED, 6, true), model("small", 4, false)];
        setup.fit(&TestableSound { models, ..TestableSound::default() });
        assert_eq!(setup.model, EMBEDDED);
        assert_eq!(setup.pair[1].to_string(), "depth 6 of embedded in f32");
    }

    #[test]
    fn how_many_are_needed() {
        let needed = |trials| BlindTestSetup { trials, ..BlindTestSetup::default() }.needed();
        assert_eq!(needed(16), Some(12));
        assert_eq!(needed(10), Some(9));
        assert_eq!(needed(20), Some(15));
        assert_eq!(needed(5), Some(5));
        assert_eq!(needed(4), None);
    }
}
