//! The depths of a threshold test, each beside the original, rendered as they are requested.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use residue_engine::blind::{ComparedStimulus, ListeningConditions};
use residue_engine::codec::Precision;
use residue_engine::models::{Job, JobContext, ModelStore, StepProgress, Wake};

use super::material::TestMaterial;
use super::render::{EncodedPassage, balance};
use super::{BlindError, CodecContender, Contender};
use crate::studio::Stimuli;

/// Rungs kept in memory; those that are farthest from the requested depths go first.
const KEPT: usize = 6;

/// The original and a depth.
#[derive(Clone, Debug)]
pub struct Rung {
    /// The original, then the depth.
    pub stimuli: Arc<Stimuli>,
    /// Their entries in a report.
    pub compared: Vec<ComparedStimulus>,
}

/// A job that renders the requested rungs, in the order of the request. Dropping it cancels the job.
pub struct Ladder {
    shared: Arc<Shared>,
    /// Ends with an error only.
    job: Job<(), BlindError>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requested: Vec<usize>,
    ready: BTreeMap<usize, Rung>,
    /// The data that all rungs share, once the model is loaded.
    basis: Option<Basis>,
    stop: bool,
}

#[derive(Clone)]
struct Basis {
    layers: usize,
    /// Without anything compared.
    heard: ListeningConditions,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ladder {
    /// Loads the model and encodes the passage, then renders rungs, all on a thread of its own.
    pub fn start(
        material: TestMaterial,
        (model, precision): (String, Precision),
        rate: u32,
        match_levels: bool,
        store: ModelStore,
        wake: Wake,
    ) -> Self {
        let shared = Arc::<Shared>::default();
        let work = Work { material, model, precision, rate, match_levels, store };
        let job_shared = Arc::clone(&shared);
        let job = Job::start("residue-ladder", wake, move |context| work.run(&job_shared, context));
        Self { shared, job }
    }

    /// Layers of the model, once it is loaded.
    pub fn layers(&self) -> Option<usize> {
        self.shared.state().basis.as_ref().map(|basis| basis.layers)
    }

    /// Returns a report's conditions without the stimuli, once the model is loaded.
    pub(super) fn heard(&self) -> Option<ListeningConditions> {
        self.shared.state().basis.as_ref().map(|basis| basis.heard.clone())
    }

    /// Requests these depths, in this order; others are forgotten if there are many.
    pub fn request(&self, depths: &[usize]) {
        let mut state = self.shared.state();
        state.requested = depths.to_vec();
        self.shared.changed.notify_all();
    }

    /// Returns a rung, if it is rendered.
    pub fn rung(&self, depth: usize) -> Option<Rung> {
        self.shared.state().ready.get(&depth).cloned()
    }

    /// Returns true if all of these are rendered.
    pub fn has(&self, depths: &[usize]) -> bool {
        let state = self.shared.state();
        depths.iter().all(|depth| state.ready.contains_key(depth))
    }

    /// The current step of the rendering.
    pub fn progress(&self) -> StepProgress {
        self.job.progress()
    }

    /// Takes the error that ended the rendering, if there was one.
    pub fn take_error(&self) -> Option<BlindError> {
        self.job.poll().and_then(Result::err)
    }
}

impl Drop for Ladder {
    fn drop(&mut self) {
        self.job.cancel();
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
    }
}

struct Work {
    material: TestMaterial,
    model: String,
    precision: Precision,
    rate: u32,
    match_levels: bool,
    store: ModelStore,
}

impl Work {
    fn run(&self, shared: &Shared, context: &JobContext) -> Result<(), BlindError> {
        let cut = self.material.cut()?;
        let original = cut.finish(&cut.piece, self.rate)?;
        let source = EncodedPassage::open(&cut, &self.model, self.precision, &self.store, context)?;
        let heard = ListeningConditions {
            passage: cut.passage.clone(),
            played_rate: self.rate,
            level_matched: self.match_levels,
            models: vec![source.used.clone()],
            compared: Vec::new(),
        };
        shared.state().basis = Some(Basis { layers: source.layers(), heard });
        context.wake();
        while let Some(depth) = next(shared) {
            let version = source.decode(&[depth], context)?.remove(0);
            let coded = Contender::Codec(CodecContender {
                model: self.model.clone(),
                precision: self.precision,
                depth,
            });
            let names =
                [format!("{} beside depth {depth}", Contender::Original), coded.to_string()];
            let planes = vec![original.clone(), cut.finish(&version, self.rate)?];
            let (stimuli, compared) = balance(planes, &names, self.match_levels)?;
            keep(&mut shared.state(), depth, Rung { stimuli, compared });
            context.wake();
        }
        Ok(())
    }
}

/// Returns the next depth to render, waiting for a request. `None` at the end.
fn next(shared: &Shared) -> Option<usize> {
    let mut state = shared.state();
    loop {
        if state.stop {
            return None;
        }
        if let Some(depth) = state.requested.iter().find(|depth| !state.ready.contains_key(depth)) {
            return Some(*depth);
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Keeps a rung, and forgets another if there are too many.
fn keep(state: &mut State, depth: usize, rung: Rung) {
    state.ready.insert(depth, rung);
    while state.ready.len() > KEPT {
        let near = |depth: usize| state.requested.iter().map(|other| other.abs_diff(depth)).min();
        let far = state.ready.keys().copied().max_by_key(|depth| near(*depth));
        let Some(far) = far.filter(|far| near(*far) != Some(0)) else { break };
        state.ready.remove(&far);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_far_from_the_requested_ones_are_forgotten() {
        let stimuli = Arc::new(Stimuli { rate: 1, planes: Vec::new(), region: None });
        let rung = Rung { stimuli, compared: Vec::new() };
        let mut state = State { requested: vec![8, 6, 10], ..State::default() };
        for depth in [1, 2, 4, 8, 6, 10, 12, 5, 7] {
            keep(&mut state, depth, rung.clone());
        }
        let kept: Vec<usize> = state.ready.keys().copied().collect();
        assert!(kept.len() == KEPT && [6, 7, 8, 10].iter().all(|d| kept.contains(d)), "{kept:?}");
    }
}
