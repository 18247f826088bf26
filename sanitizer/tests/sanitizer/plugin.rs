//! The plugin in a CLAP host: everything that a host does on the audio thread is watched, and the
//! plugin's library allocates with the functions that the sanitizer watches.

use std::process::ExitCode;

use residue_plugin::{Instance, PRESETS};
use residue_sanitizer::runtime;

use super::rig::{Change, Param, Random, ClapRig, noise};
use super::project_states::{choice, clap_state, miniature, with_model};

/// The name of the violation that only the plugin's library can commit.
pub const VIOLATION: &str = "allocate in the plugin";
/// The library's name.
pub const LIBRARY: &str = "residue_plugin";

/// Rates and largest blocks of the sessions.
const SESSIONS: [(u32, usize); 4] = [(44_100, 64), (48_000, 512), (8000, 1), (192_000, 4096)];
/// Blocks of a session, or as many as make three seconds if that is less.
const BLOCKS: usize = 400;

/// What was played.
#[derive(Default)]
pub struct Played {
    pub blocks: usize,
    pub changes: usize,
    pub models: usize,
    pub presets: usize,
}

/// Has the plugin write a text under watch, for which it allocates: this has to end the program.
pub fn commit() -> ExitCode {
    let mut rig = ClapRig::new();
    let depth = rig.param("Depth A").id;
    runtime::watch(&mut || drop(rig.text(depth, 1.0)));
    ExitCode::SUCCESS
}

/// Plays sessions in realtime mode, all calls of the audio thread watched.
pub fn play() -> Played {
    let mut played = Played::default();
    let scale = Instance::new().model.layer_bitrate();
    let presets: Vec<Vec<u8>> = PRESETS
        .iter()
        .map(|preset| {
            let values = serde_json::to_string(&preset.values(&scale)).expect("values are JSON");
            clap_state(&format!(r#"{{"version":"","params":{values},"fields":{{}}}}"#))
        })
        .collect();
    // What is not there, a model that runs as it is, and two that need a longer latency.
    let models: Vec<Vec<u8>> =
        ["/nowhere", "embedded", &miniature("nano"), &miniature("v1"), "embedded"]
            .map(|id| with_model(&choice(id)))
            .into();
    for (number, (rate, block)) in SESSIONS.into_iter().enumerate() {
        let mut random = Random(number as u64 + 1);
        let mut rig = ClapRig::new();
        rig.watch = runtime::watch;
        rig.paced = true;
        rig.in_place = number % 2 == 1;
        rig.start(rate, block);
        let params = rig.params();
        let length = BLOCKS.min(3 * rate as usize / block);
        for turn in 0..length {
            match random.below(24) {
                0 => {
                    assert!(rig.load(&presets[random.below(presets.len())]));
                    played.presets += 1;
                }
                1 => {
                    let before = rig.shown("Depth A");
                    assert!(rig.load(&models[turn % models.len()]));
                    // The thread that loads gets its time, and the change falls into what follows.
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
            // Hosts may send more than they announced.
            let samples = 1 + random.below(2 * block);
            let mut input = vec![noise(turn as u64, samples, 0.5); 2];
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

/// A few changes at random samples, in order.
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
