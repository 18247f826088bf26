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
#[cfg(any(target_os = "linux", windows))]
mod saved_projects;
mod state;
// Only a part of these modules is used here.
#[cfg(any(target_os = "linux", windows))]
#[allow(dead_code)]
#[path = "../shared/vst3_instance.rs"]
mod vst3_instance;
#[cfg(any(target_os = "linux", windows))]
#[allow(dead_code)]
#[path = "../shared/vst3_module.rs"]
mod vst3_module;
