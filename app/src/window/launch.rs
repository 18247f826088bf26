//! Opening a real window.

use std::env;
use std::io::{BufReader, stdin};
use std::path::PathBuf;
use std::sync::Arc;

use eframe::{CreationContext, NativeOptions, icon_data};
use egui::{Context, Ui, ViewportBuilder};
use residue_engine::models::{EMBEDDED, ModelLibrary, ModelStore};
use residue_engine::tokens::FrameReader;
use residue_ui::Theme;
use thiserror::Error;

use super::preferences::SMALLEST;
use super::{AppWindow, CONTROLS, Preferences};
use crate::studio::{CpalBackend, Severity, Studio, TokenSource, UserNotice};
use crate::terminal;

/// The icon, 64 pixels across, as PNG.
const ICON: &[u8] = include_bytes!("../../../assets/icon/residue-64.png");
/// File in Residue's home that holds the preferences.
const FILE: &str = "window.json";

/// The source that a window begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Launch {
    /// The one that it was left with.
    #[default]
    Empty,
    /// A file: audio, codes or a model's folder.
    File(PathBuf),
    /// Frames of codes as they arrive on stdin.
    Stdin,
}

/// Why there is no window.
#[derive(Debug, Error)]
pub enum WindowError {
    /// Nowhere to show it.
    #[error(
        "there is no display for the window (neither DISPLAY nor WAYLAND_DISPLAY is set); without \
         one, use `residue compare`, `roundtrip`, `encode`, `decode` or `listen`: `residue --help`"
    )]
    NoDisplay,
    /// The system refused.
    #[error(
        "the window cannot be opened: {0}; without one, use `residue compare`, `roundtrip`, \
         `encode`, `decode` or `listen`: `residue --help`"
    )]
    Refused(String),
    /// A file to open is not there.
    #[error("{} does not exist; `residue --help` lists the commands", .0.display())]
    NoFile(PathBuf),
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// If there is nothing at the path to be opened, or no display.
pub fn run(launch: Launch) -> Result<(), WindowError> {
    if let Launch::File(path) = &launch
        && !path.exists()
    {
        return Err(WindowError::NoFile(path.clone()));
    }
    if !has_display() {
        return Err(WindowError::NoDisplay);
    }
    let home = ModelLibrary::from_env().ok().map(|library| library.home().to_owned());
    let path = home.map(|home| home.join(FILE));
    let read = path.as_deref().map(Preferences::read_or_default);
    let (mut preferences, unread) = read.unwrap_or_default();
    let path = path.filter(|_| unread.as_ref().is_none_or(|unread| !unread.is_in_place()));
    let icon = icon_data::from_png_bytes(ICON).expect("the icon is a PNG");
    let newer = preferences.newer_version().map(newer_settings);
    let refused = refuse_unknown_model(&mut preferences, &ModelStore::from_env());
    let [width, height] = preferences.window;
    let viewport = ViewportBuilder::default()
        .with_title("Residue")
        .with_app_id("residue")
        .with_icon(icon)
        .with_inner_size([width, height])
        .with_min_inner_size(SMALLEST)
        .with_maximized(preferences.maximized);
    let options = NativeOptions { viewport, ..NativeOptions::default() };
    let create = move |cc: &CreationContext<'_>| {
        Theme::install(&cc.egui_ctx);
        let mut window = over_devices(&cc.egui_ctx, preferences);
        if let Some(unread) = unread {
            let text = unread.to_string();
            window.tell(&cc.egui_ctx, [UserNotice { severity: Severity::Warning, text }]);
        }
        window.tell(&cc.egui_ctx, newer);
        window.tell(&cc.egui_ctx, refused);
        match launch {
            Launch::Empty => {}
            Launch::File(file) => window.open(file),
            Launch::Stdin => {
                window.studio.stream_tokens(stdin_frames());
                window.studio.start();
            }
        }
        Ok(Box::new(App { window, path }) as Box<dyn eframe::App>)
    };
    eframe::run_native("Residue", options, Box::new(create))
        .map_err(|error| WindowError::Refused(without_source_paths(&error.to_string())))
}

/// Returns the notice that a newer version saved the settings.
fn newer_settings(version: &str) -> UserNotice {
    let text = format!(
        "the settings were saved by Residue {version}, and this is {}: what this version does not know is kept \
         for the newer one, and has no effect here",
        env!("CARGO_PKG_VERSION")
    );
    UserNotice::new(Severity::Warning, text)
}

/// Replaces a model of the settings that is not to be loaded unasked by the embedded one, and says so.
fn refuse_unknown_model(preferences: &mut Preferences, store: &ModelStore) -> Option<UserNotice> {
    let error = store.check_saved_name(&preferences.model.id).err()?;
    preferences.stand_in(EMBEDDED);
    let text = format!(
        "the model of the settings is not loaded: {error}. The embedded model plays; choose another in \
         the list of models"
    );
    Some(UserNotice::new(Severity::Warning, text))
}

/// Removes places in source code, which libraries put into errors as "at /path/file.rs:12:": they say
/// nothing to a person but where the program was built.
fn without_source_paths(text: &str) -> String {
    let is_place = |word: &str| {
        word.trim_end_matches(':').split_once(".rs:").is_some_and(|(_, numbers)| {
            !numbers.is_empty() && numbers.chars().all(|c| c.is_ascii_digit() || c == ':')
        })
    };
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        if !is_place(word) {
            words.push(word);
        } else if words.last() == Some(&"at") {
            words.pop();
            if word.ends_with(':') && words.ends_with(&["os", "error"]) {
                words.truncate(words.len() - 2);
            }
        }
    }
    words.join(" ")
}

/// A window over this computer's devices.
fn over_devices(ctx: &Context, preferences: Preferences) -> AppWindow {
    let wake = {
        let ctx = ctx.clone();
        Arc::new(move || ctx.request_repaint())
    };
    let backend = Arc::new(CpalBackend::new(&CONTROLS));
    let studio = Studio::new(backend, AppWindow::options(&preferences), wake.clone());
    AppWindow::new(studio, preferences, wake)
}

/// Whether there is somewhere to show a window, as far as the environment says.
fn has_display() -> bool {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(all(unix, not(target_vendor = "apple")))
        || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"].into_iter().any(set)
}

/// Frames of codes from stdin. What the model cannot decode, the studio refuses.
fn stdin_frames() -> TokenSource {
    let mut frames = FrameReader::new(BufReader::new(stdin()), "stdin");
    Box::new(move || frames.next().map(|frame| frame.map_err(Into::into)))
}

/// The window as eframe wants it.
struct App {
    window: AppWindow,
    /// The file of the preferences, if there is a home folder.
    path: Option<PathBuf>,
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.window.logic(ctx);
    }

    fn ui(&mut self, ui: &mut Ui, _: &mut eframe::Frame) {
        self.window.ui(ui);
    }

    fn on_exit(&mut self, _: Option<&eframe::glow::Context>) {
        let Some(path) = &self.path else { return };
        if let Err(error) = self.window.preferences().write(path) {
            // The window that would show it is gone.
            terminal::warn(format_args!("{}: {error}", terminal::name(path)));
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_load_no_folder_of_the_working_directory() {
        let home = tempfile::tempdir().unwrap();
        let hub = residue_engine::models::HubSettings::new(home.path().join("hub"));
        let store = ModelStore::from(ModelLibrary::new(home.path(), hub));
        let told = |id: &str| {
            let mut preferences = Preferences::default();
            preferences.model.id = id.to_owned();
            let notice = refuse_unknown_model(&mut preferences, &store);
            (preferences.model.id, notice.map(|notice| notice.text))
        };
        let whole = if cfg!(windows) { r"C:\a\whole\path" } else { "/a/whole/path" };
        for id in ["embedded", "nano", whole] {
            assert_eq!(told(id), (id.to_owned(), None));
        }
        // `src` is a folder where tests run.
        for id in ["src", "./src", r"\\server\share"] {
            let (used, notice) = told(id);
            assert_eq!(used, "embedded");
            assert!(notice.is_some_and(|text| text.contains(id)), "{id}");
        }
    }

    #[test]
    fn errors_name_no_place_in_source_code() {
        let winit = "winit EventLoopError: os error at /root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/winit-0.30.13/src/platform_impl/linux/mod.rs:788: Failed to open connection to X server";
        assert_eq!(
            without_source_paths(winit),
            "winit EventLoopError: Failed to open connection to X server"
        );
        let other = r"broke at C:\Users\me\x.rs:12:5 while it ran";
        assert_eq!(without_source_paths(other), "broke while it ran");
        for plain in ["GLX: no config at 24 bits", "see a.rs: it is there", ""] {
            assert_eq!(without_source_paths(plain), plain);
        }
    }
}
