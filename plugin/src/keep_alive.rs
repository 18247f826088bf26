//! What must outlive every instance.
//!
//! On Linux, nice-plug 0.4 runs what VST3 has to do on the host's main thread on a worker that all
//! instances share. An instance that goes while one of its tasks is pending ends that worker; when
//! the last instance goes, the wrapper then panics on finding it gone, inside a call from the host,
//! which aborts the host. Audio code posts such tasks: reporting a latency, asking for a restart.
//! One instance that is never freed keeps that last drop from happening. It costs a few kilobytes: an
//! instance loads nothing until it is activated.
//!
//! That thread, and those that free models or load them, may run when the host is done with the last
//! instance, so the library must stay mapped: `build.rs` links it with `-z nodelete`.

#[cfg(target_os = "linux")]
use std::sync::Once;

use nice_plug::prelude::PluginApi;

/// Keeps the wrapper's worker alive from the first activation on.
#[cfg(target_os = "linux")]
pub fn keep_worker_alive(api: PluginApi) {
    static ONCE: Once = Once::new();
    if api == PluginApi::Vst3 {
        ONCE.call_once(|| {
            std::mem::forget(nice_plug::wrapper::vst3::Wrapper::<crate::Residue>::new());
        });
    }
}

/// Elsewhere the host's own loop runs the tasks.
#[cfg(not(target_os = "linux"))]
pub fn keep_worker_alive(_: PluginApi) {}
