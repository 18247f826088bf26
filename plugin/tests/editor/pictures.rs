//! The editor looks as it did, dark and light: compared with `plugin/tests/pictures`.

use std::path::Path;

use egui::vec2;
use residue_engine::live::{PortHealth, PortStatus};
use residue_plugin::editor::{Live, Panel};
use residue_plugin::{Instance, ModelChoice, Phase, SharedModel};
use residue_ui::Theme;
use residue_ui_testing::compare::report;
use residue_ui_testing::{Stage, compare};

use crate::gui::panel;
use crate::voice::Playing;

/// Fails if the editor of an instance does not look as it did.
fn check(
    name: &str,
    instance: &Instance,
    panel: &mut Panel,
    live: Option<&Live>,
) -> Result<(), String> {
    let light = name.ends_with("light");
    instance.params.editor.change(|look| look.light = light);
    let theme = if light { Theme::LIGHT } else { Theme::DARK };
    let mut stage = Stage::new(vec2(1060.0, 720.0), 1.0, &theme).bare();
    let picture = stage.picture(|ui| panel.draw(ui, live));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pictures");
    compare(&picture, &folder, name, Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// What a machine of its own speed would have measured.
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
    let model = SharedModel::embedded().expect("the embedded model is sound");
    let (mut playing, control) = Playing::new(9.0);
    instance.model.attach(control, model);
    let seconds = 0.1;
    let mut live = None;
    for n in 0..85 {
        live = panel.read(seconds);
        let live = live.as_mut().expect("audio runs");
        live.status = measured(live.status.clone(), n);
        // The sum that the slot's thread makes meanwhile changes nothing here.
        panel.note(Some(live), seconds);
        playing.play(10);
    }
    let mut problems = Vec::new();
    for look in ["running-dark", "running-light"] {
        problems.extend(check(look, &instance, &mut panel, live.as_ref()).err());
    }
    drop(instance.model.detach());
    instance.stop();
    report(&problems);
}

#[test]
fn a_missing_model_looks_as_it_did() {
    let (instance, mut panel, _) = panel();
    instance.model.choose(ModelChoice::new("nano"));
    while !matches!(instance.model.status().phase, Phase::Missing(_)) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let live = panel.read(0.0);
    assert!(live.is_none());
    let problem = check("missing-dark", &instance, &mut panel, None).err();
    instance.stop();
    report(problem.as_slice());
}
