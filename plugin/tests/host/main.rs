//! The plugin as a host meets it: the built library, loaded and run through CLAP.
//!
//! `process()` runs under an allocation guard, which ends the test where it allocates.

mod audio;
mod buffers;
mod lifecycle;
mod models;
mod parameters;
mod project_states;
mod rig;
#[cfg(target_os = "linux")]
mod saved_projects;
mod state;
#[cfg(target_os = "linux")]
#[path = "../shared/vst3_component.rs"]
mod vst3_component;
// The names of its classes are asked for elsewhere.
#[cfg(target_os = "linux")]
#[allow(dead_code)]
#[path = "../shared/vst3_module.rs"]
mod vst3_module;
