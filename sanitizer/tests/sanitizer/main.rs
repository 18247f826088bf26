//! Sessions on a port, and on the plugin in a host, under LLVM's RealtimeSanitizer, which ends the program
//! when the audio thread allocates or calls a blocking function of the C library.
//!
//! `cargo xtask sanitize` builds and runs it. It first runs itself with a few deliberate violations and
//! checks that they are detected. The sanitizer does not see what Rust does without the C library: locks
//! (futexes), sleeping and yielding. The port's code has none of these outside its offline mode.

use std::process::ExitCode;

use residue_sanitizer::{SANITIZED, runtime, violations};

/// The sessions of the engine's allocation tests.
#[path = "../../../engine/tests/live/chaos.rs"]
mod chaos;
/// The sessions' model.
#[path = "../../../engine/tests/live/identity.rs"]
mod identity;
mod plugin;
#[allow(dead_code)]
#[path = "../../../plugin/tests/host/project_states.rs"]
mod project_states;
/// The host of the plugin's tests; only a part of it is used here.
#[allow(dead_code)]
#[path = "../../../plugin/tests/host/rig.rs"]
mod rig;

/// Seeds of the sessions on a port.
const SEEDS: std::ops::Range<u64> = 100..110;

fn main() -> ExitCode {
    if !SANITIZED {
        eprintln!("residue-sanitizer: built without RTSAN_LIB_PATH; run `cargo xtask sanitize`");
        return ExitCode::FAILURE;
    }
    match std::env::args().nth(1).as_deref() {
        Some(plugin::VIOLATION) => return plugin::commit(),
        Some(name) => return violations::commit(name, &runtime::realtime_context),
        None => {}
    }
    if let Err(error) = violations::check_detection(&[(plugin::VIOLATION, plugin::LIBRARY)]) {
        eprintln!("residue-sanitizer: {error}");
        return ExitCode::FAILURE;
    }
    let (mut late, mut dropped) = (0, 0);
    for seed in SEEDS {
        // Not offline: there the port may yield to the worker.
        let status = chaos::play(seed, false, &runtime::realtime_context);
        late += status.late_frames;
        dropped += status.dropped_samples;
    }
    println!("port: no violations; {late} late frames, {dropped} dropped samples");
    if late == 0 || dropped == 0 {
        eprintln!("residue-sanitizer: the sessions had no overload, which they must cover");
        return ExitCode::FAILURE;
    }
    let played = plugin::play();
    println!(
        "plugin: no violations; {} blocks, {} changes of parameters, {} of models, {} presets",
        played.blocks, played.changes, played.models, played.presets
    );
    if played.models == 0 {
        eprintln!("residue-sanitizer: the sessions changed no model, which they must cover");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
