//! The column at the left: source, devices, model, effects on frames, recordings.

mod devices;
mod effects;
mod model;
mod recording;
mod source;

use std::path::{Path, PathBuf};

use egui::{ScrollArea, Ui};
use residue_ui::theme::size;

pub use devices::CONTROLS;

use super::command::WindowCommand;
use super::page::Page;
use crate::studio::Studio;

/// State that the column shows and changes, beside the studio.
pub struct SidebarState<'a> {
    /// Files that were open last: audio, codes.
    pub recent: &'a [Option<PathBuf>; 2],
    /// The path that is being typed.
    pub typed: &'a mut String,
    /// The folder that recordings go into.
    pub recordings: &'a Path,
}

/// Draws the column; returns what it asks of the window.
pub fn show(ui: &mut Ui, studio: &mut Studio, state: &mut SidebarState<'_>) -> Vec<WindowCommand> {
    let mut commands = Vec::new();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // Beside the scroll bar.
        ui.set_max_width(ui.available_width() - 2.0 * size::SPACE);
        commands.extend(source::show(ui, studio, state));
        devices::show(ui, studio);
        if model::show(ui, studio) {
            commands.push(WindowCommand::Show(Page::Models));
        }
        effects::show(ui, studio);
        commands.extend(recording::show(ui, studio, state.recordings));
        ui.add_space(size::SPACE);
    });
    commands
}
