//! The plugin in a CLAP host, with all calls of the audio thread in a realtime context. The plugin's
//! library allocates with the functions that the sanitizer intercepts.

use std::process::ExitCode;

use residue_plugin::{Instance, PRESETS};
use residue_sanitizer::runtime;

use super::project_states::{choice, clap_state, miniature, with_model};
use super::rig::{Change, ClapRig, Param, Random, noise};

/// The name of the violation that only the plugin's library can commit.
pub const VIOLATION: &str = "allocate in the plugin";
/// Name of the library in which it is detected.
pub const LIBRARY: &str = "residue_plugin";

/// Sample rates in Hz and largest blocks of the sessions.
const SESSIONS: [(u32, usize); 4] = [(44_100, 64), (48_000, 512), (8000, 1), (192_000, 4096)];
/// Most blocks of a session, which lasts three seconds at most.
const BLOCKS: usize = 400;

/// Numbers of events in the sessions.
#[derive(Default)]
pub struct SessionCounts {
    pub blocks: usize,
    pub changes: usize,
    pub models: usize,
    pub presets: usize,
}

/// Formats a parameter's value in a realtime context, for which the plugin allocates: this must end the
/// program.
pub fn commit() -> ExitCode {
    let mut rig = ClapRig::new();
    let depth = rig.param("Depth A").id;
    runtime::realtime_context(&mut || drop(rig.text(depth, 1.0)));
    ExitCode::SUCCESS
}

/// Plays sessions in realtime mode, with all calls of the audio thread in a realtime context.
pub fn play() -> SessionCounts {
    let mut played = SessionCounts::default();
    let layer_bitrate = Instance::new().model.layer_bitrate();
    let presets: Vec<Vec<u8>> = PRESETS
        .iter()
        .map(|preset| {
            let values =
                serde_json::to_string(&preset.values(&layer_bitrate)).expect("values are JSON");
            clap_state(&format!(r#"{{"version":"","params":{values},"fields":{{}}}}"#))
        })
        .collect();
    // A missing model, one that can be switched to, and two that need a longer latency.
    let models: Vec<Vec<u8>> =
        ["/nowhere", "embedded", &miniature("nano"), &miniature("v1"), "embedded"]
            .map(|id| with_model(&choice(id)))
            .into();
    for (number, (rate, block)) in SESSIONS.into_iter().enumerate() {
        let mut random = Random(number as u64 + 1);
        let mut rig = ClapRig::new();
        rig.guard = runtime::realtime_context;
        rig.paced = true;
        rig.in_place = number % 2 == 1;
        rig.start(rate, block);
        let params = rig.params();
        let length = BLOCKS.min(3 * rate as usize / block);
        for block_number in 0..length {
            match random.below(24) {
                0 => {
                    assert!(rig.load(&presets[random.below(presets.len())]));
                    played.presets += 1;
                }
                1 => {
                    let before = rig.shown("Depth A");
                    assert!(rig.load(&models[block_number % models.len()]));
                    // Time for the loading thread, so that the switch happens in one of the next blocks.
                    std::thread::sleep(std::time::Duration::from_millis(20));
                    played.models += usize::from(rig.shown("Depth A") != before);
                }
                2 => rig.reset(),
                3 => rig.pause(),
                4 if rig.take_restart() => rig.restart(),
                5 => {
                    rig.set(&[("Bypass", "On"), ("Freeze", "Off")]);
                    played.changes += 2;
                }
                _ => {}
            }
            // Hosts may send larger blocks than they announced.
            let samples = 1 + random.below(2 * block);
            let mut input = vec![noise(block_number as u64, samples, 0.5); 2];
            input[0][0] = [f32::NAN, f32::INFINITY, 1e-40, 0.5][random.below(4)];
            let changes = changes(&mut random, &params, samples);
            played.changes += changes.len();
            let out = rig.play(&input, 0, std::iter::repeat(samples), &changes);
            assert_eq!(out.len(), 2);
            played.blocks += 1;
        }
    }
    played
}

/// Returns up to seven parameter changes at random samples, in order.
fn changes(random: &mut Random, params: &[Param], samples: usize) -> Vec<Change> {
    let mut changes: Vec<Change> = (0..random.below(8))
        .map(|_| {
            let param = &params[random.below(params.len())];
            let value = param.min + (param.max - param.min) * random.next();
            (random.below(samples), param.id, value)
        })
        .collect();
    changes.sort_by_key(|change| change.0);
    changes
}
