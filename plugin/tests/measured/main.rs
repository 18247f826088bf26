//! Time and memory, which only a program that does nothing else meanwhile can measure.
#![cfg(target_os = "linux")]

mod memory;
// What the tests of the plugin need of these, these need less of.
#[allow(dead_code)]
#[path = "../host/project_states.rs"]
mod project_states;
#[allow(dead_code)]
#[path = "../host/rig.rs"]
mod rig;
mod scan;
mod vst3_instance;
#[path = "../shared/vst3_module.rs"]
mod vst3_module;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
