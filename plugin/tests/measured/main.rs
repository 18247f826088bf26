//! Time and memory of scans and instances, measured one test at a time.
#![cfg(target_os = "linux")]

mod memory;
// Only a part of these modules is used here.
#[allow(dead_code)]
#[path = "../host/project_states.rs"]
mod project_states;
#[allow(dead_code)]
#[path = "../host/rig.rs"]
mod rig;
mod scan;
#[allow(dead_code)]
#[path = "../shared/vst3_instance.rs"]
mod vst3_instance;
#[path = "../shared/vst3_module.rs"]
mod vst3_module;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks out the other tests of this program.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
