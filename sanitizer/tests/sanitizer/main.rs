//! Plays sessions on a port, and on the plugin in a host, under LLVM's RealtimeSanitizer, which ends
//! the program when the audio thread allocates or calls what may block in the C library.
//!
//! `cargo xtask sanitize` builds and runs it. Before it trusts a quiet run, it has itself run with a
//! few violations and sees to it that they are found. What the sanitizer cannot see is what Rust does
//! without the C library's functions for it: locks (futexes), sleeping and yielding. The code of the
//! port has none of these outside its offline mode.

use std::process::ExitCode;

use residue_sanitizer::{WATCHES, runtime, violations};

/// The sessions of the allocation tests.
#[path = "../../../engine/tests/live/chaos.rs"]
mod chaos;
/// Their model.
#[path = "../../../engine/tests/live/identity.rs"]
mod identity;
mod plugin;
/// The host of the plugin's tests, of which not everything is needed here.
#[allow(dead_code)]
#[path = "../../../plugin/tests/host/rig.rs"]
mod rig;
#[allow(dead_code)]
#[path = "../../../plugin/tests/host/project_states.rs"]
mod project_states;

/// Sessions played on a port.
const SEEDS: std::ops::Range<u64> = 100..110;

fn main() -> ExitCode {
    if !WATCHES {
        eprintln!("residue-sanitizer: built without RTSAN_LIB_PATH; run `cargo xtask sanitize`");
        return ExitCode::FAILURE;
    }
    match std::env::args().nth(1).as_deref() {
        Some(plugin::VIOLATION) => return plugin::commit(),
        Some(name) => return violations::commit(name, &runtime::watch),
        None => {}
    }
    if let Err(message) = violations::are_found(&[(plugin::VIOLATION, plugin::LIBRARY)]) {
        eprintln!("residue-sanitizer: {message}");
        return ExitCode::FAILURE;
    }
    let (mut late, mut dropped) = (0, 0);
    for seed in SEEDS {
        // Not offline: there the port may yield to the worker.
        let status = chaos::play(seed, false, &runtime::watch);
        late += status.late_frames;
        dropped += status.dropped_samples;
    }
    println!("port: no violations; {late} late frames, {dropped} dropped samples");
    if late == 0 || dropped == 0 {
        eprintln!("residue-sanitizer: there was no overload, which is to be part of it");
        return ExitCode::FAILURE;
    }
    let played = plugin::play();
    println!(
        "plugin: no violations; {} blocks, {} changes of parameters, {} of models, {} presets",
        played.blocks, played.changes, played.models, played.presets
    );
    if played.models == 0 {
        eprintln!("residue-sanitizer: no model was changed, which is to be part of it");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
