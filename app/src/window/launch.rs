//! Opening a real window.

use std::env;
use std::io::{BufReader, stdin};
use std::path::PathBuf;
use std::sync::Arc;

use eframe::{CreationContext, NativeOptions};
use egui::{Color32, Context, IconData, Ui, ViewportBuilder};
use residue_engine::models::ModelLibrary;
use residue_engine::tokens::FrameReader;
use residue_ui::{Lane, Theme};
use thiserror::Error;

use super::preferences::SMALLEST;
use super::{AppWindow, CONTROLS, Preferences};
use crate::studio::{CpalBackend, Severity, Studio, TokenSource, UserNotice};
use crate::terminal;

/// Pixels across the icon.
const ICON: usize = 64;
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
    let (preferences, unread) = match path.as_deref().map(Preferences::read) {
        None => (Preferences::default(), None),
        Some(Ok(read)) => (read, None),
        Some(Err(error)) => (Preferences::default(), Some(error.to_string())),
    };
    let [width, height] = preferences.window;
    let viewport = ViewportBuilder::default()
        .with_title("Residue")
        .with_app_id("residue")
        .with_icon(icon())
        .with_inner_size([width, height])
        .with_min_inner_size(SMALLEST)
        .with_maximized(preferences.maximized);
    let options = NativeOptions { viewport, ..NativeOptions::default() };
    let create = move |cc: &CreationContext<'_>| {
        Theme::install(&cc.egui_ctx);
        let mut window = over_devices(&cc.egui_ctx, preferences);
        if let (Some(error), Some(path)) = (unread, &path) {
            let text = format!("{}: {error}; using default settings", path.display());
            window.tell(&cc.egui_ctx, [UserNotice { severity: Severity::Warning, text }]);
        }
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
        .map_err(|error| WindowError::Refused(error.to_string()))
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

/// Bars that grow shorter in the lanes' colors: what less depth leaves.
fn icon() -> IconData {
    let theme = Theme::DARK;
    let mut rgba = Vec::with_capacity(4 * ICON * ICON);
    for y in 0..ICON {
        for x in 0..ICON {
            rgba.extend(icon_color(&theme, x, y).to_array());
        }
    }
    IconData { rgba, width: ICON as u32, height: ICON as u32 }
}

fn icon_color(theme: &Theme, x: usize, y: usize) -> Color32 {
    let lanes = [Lane::Dry, Lane::A, Lane::B, Lane::Difference];
    let (column, inside) = (x / 16, (3..13).contains(&(x % 16)));
    let height = [50, 42, 30, 14][column];
    let edge = (ICON - height) / 2;
    if inside && (edge..ICON - edge).contains(&y) {
        theme.lane(lanes[column])
    } else {
        theme.background
    }
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
