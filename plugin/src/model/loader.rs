//! The loading thread of an instance: neither the host nor audio waits for models.
//!
//! It ends when its instance does, after the load it is at. It is not waited for: freeing an instance
//! must not take as long as reading gigabytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use residue_engine::live::{CodecModel, OpenError};
use residue_engine::models::{PrecisionRequest, SavedNameError};

use super::instance_model::{InstanceModel, ModelPhase, Running, State};
use super::{ModelChoice, SharedModel};

/// A task of the loading thread.
enum Task {
    Load(u64, ModelChoice, bool),
    Switch(Running, Arc<SharedModel>),
    Checksum(u64, Arc<SharedModel>),
    Stop,
}

pub fn run(instance: &InstanceModel) {
    loop {
        match next(instance) {
            Task::Stop => return,
            Task::Load(request, choice, confirmed) => load(instance, request, &choice, confirmed),
            Task::Switch(running, model) => switch(instance, &running, model),
            Task::Checksum(request, model) => check(instance, request, &model),
        }
    }
}

/// Returns the most urgent task, waiting for one.
fn next(instance: &InstanceModel) -> Task {
    let mut state = instance.state.lock();
    loop {
        if state.stop {
            return Task::Stop;
        }
        if state.needed && state.answered != state.request {
            return Task::Load(state.request, state.requested.clone(), state.confirmed);
        }
        if let (Some(running), Some(model)) = (&state.running, &state.model)
            && !running.refused
            && !running.model.is_same(model)
        {
            return Task::Switch(running.clone(), Arc::clone(model));
        }
        if let Some(model) = &state.model
            && state.checked != state.request
        {
            return Task::Checksum(state.request, Arc::clone(model));
        }
        instance.changed.wait(&mut state);
    }
}

/// Loads the requested model, or the one that stands in for it. One that is not `confirmed` is loaded
/// only where a project may name it.
fn load(instance: &InstanceModel, request: u64, choice: &ModelChoice, confirmed: bool) {
    let get = |choice: &ModelChoice| {
        let get = || SharedModel::load(choice, instance.store());
        match catch_unwind(AssertUnwindSafe(get)) {
            Ok(Ok(model)) => Ok(model),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("loading {} failed with a panic", choice.id)),
        }
    };
    let checked = match confirmed {
        true => Ok(()),
        false => instance.store().check_saved_name(&choice.id),
    };
    let loaded = match checked {
        Ok(()) => get(choice).map_err(ModelPhase::Missing),
        Err(error @ SavedNameError::Unconfirmed { .. }) => {
            Err(ModelPhase::Unconfirmed(error.to_string()))
        }
        Err(SavedNameError::Models(error)) => Err(ModelPhase::Missing(error.to_string())),
    };
    let (model, phase) = match loaded {
        Ok(model) => (Some(model), ModelPhase::Ready),
        Err(phase) => (get(&choice.stand_in()).ok(), phase),
    };
    let mut state = instance.state.lock();
    if state.request != request {
        return;
    }
    state.answered = request;
    // A checksum says something of the requested model only.
    if phase != ModelPhase::Ready {
        state.checked = request;
    } else if let Some(model) = &model
        && choice.to_load() == PrecisionRequest::Automatic
    {
        // It came to this, and the project keeps it.
        state.requested.precision = Some(model.codec().precision().into());
    }
    state.phase = phase;
    // A port that refused the last model may take this one.
    state.running.iter_mut().for_each(|running| running.refused = false);
    if let Some(model) = &model
        && state.running.is_none()
    {
        instance.layer_bitrate().set(model.codec().config());
    }
    state.model = model;
    instance.changed.notify_all();
}

/// Changes the running port to another model.
fn switch(instance: &InstanceModel, running: &Running, model: Arc<SharedModel>) {
    let result = running.control.change_model(&CodecModel(model.codec().clone()));
    let mut state = instance.state.lock();
    let State { running: now, phase, .. } = &mut *state;
    // Audio may have been set up anew meanwhile.
    let Some(now) = now.as_mut().filter(|now| Arc::ptr_eq(&now.control, &running.control)) else {
        return;
    };
    match result {
        Ok(()) => {
            instance.layer_bitrate().set(model.codec().config());
            now.model = model;
        }
        Err(OpenError::Latency { .. }) => {
            now.refused = true;
            if *phase == ModelPhase::Ready {
                *phase = ModelPhase::WaitsForRestart;
            }
            instance.ask_for_restart();
        }
        Err(error) => {
            now.refused = true;
            *phase = ModelPhase::Failed(error.to_string());
        }
    }
}

/// Compares the checksum of the requested model with that of the project. Stops where something more
/// urgent comes.
fn check(instance: &InstanceModel, request: u64, model: &SharedModel) {
    let checksum = model.checksum(instance.store(), &|| {
        let state = instance.state.lock();
        state.request == request && !state.stop
    });
    let mut state = instance.state.lock();
    if state.request != request {
        return;
    }
    state.checked = request;
    if let Some(checksum) = checksum {
        match &state.requested.sha256 {
            Some(saved) => state.differs = *saved != checksum,
            None => state.requested.sha256 = Some(checksum),
        }
    }
}
