//! The depths of a threshold test, each beside the original, made as they are needed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use residue_engine::blind::{ComparedStimulus, ListeningConditions};
use residue_engine::codec::Precision;

use super::material::Material;
use super::render::{Source, balance};
use super::{BlindError, Coded, Contender, Shelf, Wake, Watch};
use crate::studio::Stimuli;

/// Rungs kept in memory; those that are farthest from what is wanted go first.
const KEPT: usize = 6;

/// The original and a depth.
#[derive(Clone, Debug)]
pub struct Rung {
    /// The original, then the depth.
    pub stimuli: Arc<Stimuli>,
    /// What a report says of them.
    pub compared: Vec<ComparedStimulus>,
}

/// A thread that makes the rungs that are wanted, nearest wish first. Dropping it stops the thread.
pub struct Ladder {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    watch: Watch,
}

#[derive(Default)]
struct State {
    wanted: Vec<usize>,
    ready: BTreeMap<usize, Rung>,
    /// What is the same for all rungs, once the model is there.
    basis: Option<Basis>,
    failed: Option<BlindError>,
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
    /// Loads the model and encodes the passage, then makes rungs, all on a thread of its own.
    pub fn start(
        material: Material,
        (model, precision): (String, Precision),
        rate: u32,
        match_levels: bool,
        shelf: Arc<Shelf>,
        wake: Wake,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            watch: Watch::new(wake),
        });
        let work = Work { material, model, precision, rate, match_levels, shelf };
        let its = Arc::clone(&shared);
        let run = move || {
            let ended = catch_unwind(AssertUnwindSafe(|| work.run(&its)))
                .unwrap_or(Err(BlindError::NoResult { what: "rendering" }));
            its.state().failed = ended.err();
            its.watch.wake();
        };
        if thread::Builder::new().name("residue-ladder".into()).spawn(run).is_err() {
            shared.state().failed = Some(BlindError::NoResult { what: "rendering" });
        }
        Self { shared }
    }

    /// Layers of the model, once it is loaded.
    pub fn layers(&self) -> Option<usize> {
        self.shared.state().basis.as_ref().map(|basis| basis.layers)
    }

    /// What a report says, but for what was compared; once the model is loaded.
    pub(super) fn heard(&self) -> Option<ListeningConditions> {
        self.shared.state().basis.as_ref().map(|basis| basis.heard.clone())
    }

    /// Has these depths made next, in this order, and others forgotten if there are many.
    pub fn want(&self, depths: &[usize]) {
        let mut state = self.shared.state();
        state.wanted = depths.to_vec();
        self.shared.changed.notify_all();
    }

    /// A rung, if it is made.
    pub fn rung(&self, depth: usize) -> Option<Rung> {
        self.shared.state().ready.get(&depth).cloned()
    }

    /// Whether all of these are made.
    pub fn has(&self, depths: &[usize]) -> bool {
        let state = self.shared.state();
        depths.iter().all(|depth| state.ready.contains_key(depth))
    }

    /// What is being done, and which share of it is, 0 to 1.
    pub fn progress(&self) -> (String, f32) {
        self.shared.watch.progress()
    }

    /// What went wrong, once.
    pub fn take_error(&self) -> Option<BlindError> {
        self.shared.state().failed.take()
    }
}

impl Drop for Ladder {
    fn drop(&mut self) {
        self.shared.watch.cancel();
        self.shared.state().stop = true;
        self.shared.changed.notify_all();
    }
}

struct Work {
    material: Material,
    model: String,
    precision: Precision,
    rate: u32,
    match_levels: bool,
    shelf: Arc<Shelf>,
}

impl Work {
    fn run(&self, shared: &Shared) -> Result<(), BlindError> {
        let cut = self.material.cut()?;
        let original = cut.finish(cut.piece.clone(), self.rate)?;
        let watch = &shared.watch;
        let source = Source::open(&cut, &self.model, self.precision, &self.shelf, watch)?;
        let heard = ListeningConditions {
            passage: cut.passage.clone(),
            played_rate: self.rate,
            level_matched: self.match_levels,
            models: vec![source.used.clone()],
            compared: Vec::new(),
        };
        shared.state().basis = Some(Basis { layers: source.layers(), heard });
        watch.wake();
        while let Some(depth) = next(shared) {
            let version = source.decode(&[depth], watch)?.remove(0);
            let coded = Contender::Codec(Coded {
                model: self.model.clone(),
                precision: self.precision,
                depth,
            });
            let names =
                [format!("{} beside depth {depth}", Contender::Original), coded.to_string()];
            let planes = vec![original.clone(), cut.finish(version, self.rate)?];
            let (stimuli, compared) = balance(planes, &names, self.match_levels)?;
            keep(&mut shared.state(), depth, Rung { stimuli, compared });
            watch.wake();
        }
        Ok(())
    }
}

/// The next depth to make; waits for one. `None` at the end.
fn next(shared: &Shared) -> Option<usize> {
    let mut state = shared.state();
    loop {
        if state.stop {
            return None;
        }
        if let Some(depth) = state.wanted.iter().find(|depth| !state.ready.contains_key(depth)) {
            return Some(*depth);
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Keeps a rung, and forgets another if there are too many.
fn keep(state: &mut State, depth: usize, rung: Rung) {
    state.ready.insert(depth, rung);
    while state.ready.len() > KEPT {
        let near = |depth: usize| state.wanted.iter().map(|wish| wish.abs_diff(depth)).min();
        let far = state.ready.keys().copied().max_by_key(|depth| near(*depth));
        let Some(far) = far.filter(|far| near(*far) != Some(0)) else { break };
        state.ready.remove(&far);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_from_what_is_wanted_is_forgotten() {
        let stimuli = Arc::new(Stimuli { rate: 1, planes: Vec::new(), region: None });
        let rung = Rung { stimuli, compared: Vec::new() };
        let mut state = State { wanted: vec![8, 6, 10], ..State::default() };
        for depth in [1, 2, 4, 8, 6, 10, 12, 5, 7] {
            keep(&mut state, depth, rung.clone());
        }
        let kept: Vec<usize> = state.ready.keys().copied().collect();
        assert!(kept.len() == KEPT && [6, 7, 8, 10].iter().all(|d| kept.contains(d)), "{kept:?}");
    }
}
