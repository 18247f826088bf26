//! Pictures of the editor, dark and light, compared with `plugin/tests/pictures`.

use std::path::Path;
use std::time::{Duration, Instant};

use egui::vec2;
use residue_engine::live::{PortHealth, PortStatus};
use residue_engine::models::ModelStore;
use residue_plugin::editor::{Panel, PortSnapshot};
use residue_plugin::{Instance, ModelChoice, ModelPhase, SharedModel};
use residue_ui::Theme;
use residue_ui_testing::compare::report;
use residue_ui_testing::{HeadlessStage, compare};

use crate::harness::panel;
use crate::synthetic_voice::VoicePlayer;

/// Compares the editor of an instance with a picture.
fn check(
    name: &str,
    instance: &Instance,
    panel: &mut Panel,
    port: Option<&PortSnapshot>,
) -> Result<(), String> {
    let light = name.ends_with("light");
    instance.params.editor.change(|appearance| appearance.light = light);
    let theme = if light { Theme::LIGHT } else { Theme::DARK };
    let mut stage = HeadlessStage::new(vec2(1060.0, 720.0), 1.0, &theme).bare();
    let picture = stage.picture(|ui| panel.draw(ui, port));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    compare(&picture, &folder, name, Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// Replaces what depends on the machine's speed.
fn measured(status: PortStatus, n: u64) -> PortStatus {
    let load = 0.031 + 0.004 * (n as f32 * 0.7).sin();
    PortStatus {
        health: PortHealth::Running,
        load,
        peak_load: load + 0.01,
        delivered: status.playing + 1700,
        late_frames: 0,
        ..status
    }
}

#[test]
fn running_audio_looks_as_it_did() {
    let (instance, mut panel, _) = panel();
    // In a precision that no instruction set changes.
    let choice = ModelChoice::new("embedded");
    let model = SharedModel::load(&choice, &ModelStore::from_env());
    let model = model.expect("the embedded model is sound");
    instance.model.choose(choice);
    let (mut playing, control) = VoicePlayer::new(9.0);
    instance.model.attach(control, model);
    let seconds = 0.1;
    let mut port = None;
    for n in 0..85 {
        port = panel.read(seconds);
        let port = port.as_mut().expect("audio runs");
        port.status = measured(port.status.clone(), n);
        panel.update(Some(port), seconds);
        playing.play(10);
    }
    let mut problems = Vec::new();
    for look in ["running-dark", "running-light"] {
        problems.extend(check(look, &instance, &mut panel, port.as_ref()).err());
    }
    drop(instance.model.detach());
    instance.stop();
    report(&problems);
}

#[test]
fn a_missing_model_looks_as_it_did() {
    let (instance, mut panel, _) = panel();
    instance.model.choose(ModelChoice::new("nano"));
    let until = Instant::now() + Duration::from_secs(60);
    while !matches!(instance.model.status().phase, ModelPhase::Missing(_)) {
        assert!(Instant::now() < until, "the model is found to be missing");
        std::thread::sleep(Duration::from_millis(5));
    }
    let port = panel.read(0.0);
    assert!(port.is_none());
    let problem = check("missing-dark", &instance, &mut panel, None).err();
    instance.stop();
    report(problem.as_slice());
}
