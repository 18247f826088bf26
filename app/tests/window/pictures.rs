//! Every page looks as it did, dark and light: compared with `pictures`, drawn without a GPU.
//!
//! Nothing runs, so that nothing depends on the machine. After a change that is meant to be seen, run
//! with `RESIDUE_UPDATE_PICTURES=1` and look at what changed.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use egui::vec2;
use residue_app::studio::{SimulatedBackend, Studio, StudioOptions};
use residue_app::window::{AppWindow, Page, Preferences};
use residue_engine::codec::Precision;
use residue_engine::kernels::Isa;
use residue_engine::models::{HubSettings, ModelLibrary, embedded_precision};
use residue_ui::Theme;
use residue_ui_testing::compare::{compare, report};
use residue_ui_testing::{HeadlessStage, Picture};

use super::harness::clip;

/// Longest wait for what happens on other threads.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn every_page_looks_as_it_did_dark_and_light() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/window/pictures");
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut problems = Vec::new();
    for (look, theme) in [("dark", Theme::DARK), ("light", Theme::LIGHT)] {
        for (page, name) in [
            (Page::Listen, "listen"),
            (Page::Blind, "blind"),
            (Page::Models, "models"),
            (Page::Help, "help"),
        ] {
            // The page tells what automatic comes to, which with other instruction sets is not bf16.
            if page == Page::Models && embedded_precision().precision != Precision::Bf16 {
                continue;
            }
            let picture = draw(&theme, page);
            let name = format!("{name}-{look}");
            problems.extend(compare(&picture, &folder, &name, temporary).err());
        }
    }
    report(&problems);
}

/// Writes limits of a computer as if they had been measured.
fn write_machine_limits(home: &Path) {
    let isa = Isa::best().name();
    let limits = format!(
        r#"{{"version":"{}","instruction_set":"{isa}","limits":[{{"threads":1,"read_bytes_per_s":19000000000,
        "float_mac_per_s":45000000000,"int8_mac_per_s":75000000000}}]}}"#,
        env!("CARGO_PKG_VERSION")
    );
    std::fs::write(home.join(format!("machine-{isa}.json")), limits).unwrap();
}

/// A page of a window with an open file, as small as a window gets.
fn draw(theme: &Theme, page: Page) -> Picture {
    let home = tempfile::tempdir().unwrap();
    let mut hub = HubSettings::new(home.path());
    hub.offline = true;
    let library = ModelLibrary::new(home.path(), hub);
    let mut preferences = Preferences {
        page,
        recordings: Some("/music/Residue".into()),
        look: if theme.dark {
            residue_app::window::ThemeChoice::Dark
        } else {
            residue_app::window::ThemeChoice::Light
        },
        ..Preferences::default()
    };
    // Not as many as this machine has, nor the precision that its instruction set is fast in.
    preferences.model.threads = 1;
    preferences.model.precision = "f32".into();
    write_machine_limits(home.path());
    let options = StudioOptions { store: library.into(), ..AppWindow::options(&preferences) };
    let wake = Arc::new(|| ());
    let devices = Arc::new(SimulatedBackend::new(24_000, 256));
    let mut studio = Studio::new(devices, options, wake.clone());
    studio.open_file(clip());
    let mut window = AppWindow::new(studio, preferences, wake);
    let began = Instant::now();
    let ready = |window: &mut AppWindow| {
        let ctx = egui::Context::default();
        window.logic(&ctx);
        let studio = window.studio();
        studio.model().facts.is_some()
            && studio.file().is_some()
            && !studio.library().is_empty()
            && !studio.device_list().hosts.is_empty()
            && studio.machine_speed().is_some()
    };
    while !ready(&mut window) {
        assert!(began.elapsed() < PATIENCE, "the window is never ready");
        thread::sleep(Duration::from_millis(5));
    }
    let mut stage = HeadlessStage::new(vec2(960.0, 640.0), 1.0, theme).bare();
    stage.picture(|ui| window.ui(ui))
}
