//! The thread that loads models, so that neither the host nor audio waits for them.
//!
//! It ends when its instance does, after the load it is at. It is not waited for: freeing an instance
//! must not take as long as reading gigabytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use residue_engine::live::{CodecModel, OpenError};

use super::slot::{ModelSlot, Phase, Running, State};
use super::{ModelChoice, SharedModel};

/// What there is to do.
enum Job {
    Load(u64, ModelChoice),
    Switch(Running, Arc<SharedModel>),
    Sum(u64, Arc<SharedModel>),
    Stop,
}

pub fn run(slot: &ModelSlot) {
    loop {
        match next(slot) {
            Job::Stop => return,
            Job::Load(wish, choice) => load(slot, wish, &choice),
            Job::Switch(running, model) => switch(slot, &running, model),
            Job::Sum(wish, model) => sum(slot, wish, &model),
        }
    }
}

/// The most urgent thing to do; waits for one.
fn next(slot: &ModelSlot) -> Job {
    let mut state = slot.state.lock();
    loop {
        if state.stop {
            return Job::Stop;
        }
        if state.needed && state.answered != state.wish {
            return Job::Load(state.wish, state.wanted.clone());
        }
        if let (Some(running), Some(model)) = (&state.running, &state.model)
            && !running.refused
            && !Arc::ptr_eq(&running.model, model)
        {
            return Job::Switch(running.clone(), Arc::clone(model));
        }
        if let Some(model) = &state.model
            && state.summed != state.wish
        {
            return Job::Sum(state.wish, Arc::clone(model));
        }
        slot.changed.wait(&mut state);
    }
}

/// Loads what is wanted, or what stands in for it.
fn load(slot: &ModelSlot, wish: u64, choice: &ModelChoice) {
    let get = |choice: &ModelChoice| {
        let get = || SharedModel::get(choice, slot.library());
        match catch_unwind(AssertUnwindSafe(get)) {
            Ok(Ok(model)) => Ok(model),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("loading {} failed with a panic", choice.id)),
        }
    };
    let (model, phase) = match get(choice) {
        Ok(model) => (Some(model), Phase::Ready),
        Err(reason) => (get(&ModelChoice::default()).ok(), Phase::Missing(reason)),
    };
    let mut state = slot.state.lock();
    if state.wish != wish {
        return;
    }
    state.answered = wish;
    // A sum says something of the wanted model only.
    if phase != Phase::Ready {
        state.summed = wish;
    }
    state.phase = phase;
    // A port that refused the last model may take this one.
    state.running.iter_mut().for_each(|running| running.refused = false);
    if let Some(model) = &model
        && state.running.is_none()
    {
        slot.layer_bitrate().set(model.codec().config());
    }
    state.model = model;
    slot.changed.notify_all();
}

/// Changes the running port to another model.
fn switch(slot: &ModelSlot, running: &Running, model: Arc<SharedModel>) {
    let result = running.control.change_model(&CodecModel(model.codec().clone()));
    let mut state = slot.state.lock();
    let State { running: now, phase, .. } = &mut *state;
    // Audio may have been set up anew meanwhile.
    let Some(now) = now.as_mut().filter(|now| Arc::ptr_eq(&now.control, &running.control)) else {
        return;
    };
    match result {
        Ok(()) => {
            slot.layer_bitrate().set(model.codec().config());
            now.model = model;
        }
        Err(OpenError::Latency { .. }) => {
            now.refused = true;
            if *phase == Phase::Ready {
                *phase = Phase::WaitsForRestart;
            }
            slot.ask_for_restart();
        }
        Err(error) => {
            now.refused = true;
            *phase = Phase::Failed(error.to_string());
        }
    }
}

/// Sums the files of the wanted model and compares with what the project was saved with. Stops where
/// something more urgent comes.
fn sum(slot: &ModelSlot, wish: u64, model: &SharedModel) {
    let sum = model.sum(&|| {
        let state = slot.state.lock();
        state.wish == wish && !state.stop
    });
    let mut state = slot.state.lock();
    if state.wish != wish {
        return;
    }
    state.summed = wish;
    if let Some(sum) = sum {
        match &state.wanted.sha256 {
            Some(saved) => state.differs = *saved != sum,
            None => state.wanted.sha256 = Some(sum),
        }
    }
}
