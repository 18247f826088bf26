//! A window that nobody sees, over devices that make no sound.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use egui::vec2;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use residue_app::studio::{SimulatedBackend, Studio, StudioOptions};
use residue_app::window::{AppWindow, Preferences};
use residue_engine::models::{HubSettings, ModelLibrary};
use residue_ui::Theme;
use tempfile::TempDir;

/// How long something that happens on other threads may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Hz, and frames a block.
pub const RATE: u32 = 24_000;
pub const BLOCK: u32 = 256;

/// The window, its devices, and a folder for everything it keeps.
pub struct WindowHarness {
    pub egui: Harness<'static, AppWindow>,
    pub devices: SimulatedBackend,
    pub folder: TempDir,
}

impl WindowHarness {
    /// As on the first day.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With a hub at another place.
    pub fn with(set: impl FnOnce(&mut HubSettings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut hub = HubSettings::new(folder.path().join("hub"));
        hub.offline = true;
        set(&mut hub);
        let library = ModelLibrary::new(folder.path().join("home"), hub);
        let devices = SimulatedBackend::new(RATE, BLOCK);
        let preferences = Preferences {
            recordings: Some(folder.path().join("recordings")),
            ..Preferences::default()
        };
        let options = StudioOptions { store: library.into(), ..AppWindow::options(&preferences) };
        let wake = Arc::new(|| ());
        let studio = Studio::new(Arc::new(devices.clone()), options, wake.clone());
        let window = AppWindow::new(studio, preferences, wake);
        let harness = Harness::builder()
            .with_size(vec2(1280.0, 800.0))
            .with_step_dt(1.0 / 30.0)
            .with_context_setup(|ctx| {
                Theme::install(ctx);
                ctx.all_styles_mut(|style| style.animation_time = 0.0);
            })
            .build_ui_state(
                |ui, window: &mut AppWindow| {
                    window.logic(ui.ctx());
                    window.ui(ui);
                },
                window,
            );
        let mut harness = Self { egui: harness, devices, folder };
        harness.until("the model is loaded", |harness| harness.studio().model().facts.is_some());
        harness.until("the devices are listed", |harness| {
            !harness.studio().device_list().hosts.is_empty()
        });
        harness
    }

    pub fn studio(&mut self) -> &mut Studio {
        self.egui.state_mut().studio()
    }

    /// Lets frames and sound pass until something is so.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        loop {
            self.devices.play(BLOCK as usize * 4);
            self.egui.step();
            if done(self) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// A few frames, for what follows from a press.
    pub fn steps(&mut self) {
        self.egui.run_steps(3);
    }

    /// Clicks what is called so.
    pub fn click(&mut self, name: &str) {
        self.egui.get_by_label(name).click();
        self.steps();
    }

    pub fn press(&mut self, key: egui::Key) {
        self.egui.key_press(key);
        self.steps();
    }

    /// Whether a text can be read that has these words.
    pub fn reads(&self, words: &str) -> bool {
        self.egui.query_all_by_label_contains(words).next().is_some()
    }

    /// Whether a control has this value.
    pub fn shows_value(&self, value: &str) -> bool {
        self.egui.query_all_by_value(value).next().is_some()
    }

    /// Types a path and enters it.
    pub fn open(&mut self, path: &std::path::Path) {
        self.egui.get_by_label("Path to open").click();
        self.steps();
        self.egui.get_by_label("Path to open").type_text(&path.display().to_string());
        self.steps();
        self.press(egui::Key::Enter);
    }
}

/// A demo clip.
pub fn clip() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../assets/clips/speech.flac")
}
