//! The column at the left: where sound comes from, which devices and which model run, what happens to
//! frames, recordings.

mod devices;
mod effects;
mod model;
mod recording;
mod source;

use egui::{ScrollArea, Ui};
use residue_ui::theme::size;

pub use devices::CONTROLS;

use super::AppWindow;
use super::page::Page;

/// Draws the column.
pub fn show(ui: &mut Ui, window: &mut AppWindow) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // Beside the scroll bar.
        ui.set_max_width(ui.available_width() - 2.0 * size::SPACE);
        source::show(ui, window);
        devices::show(ui, &mut window.studio);
        if model::show(ui, &mut window.studio) {
            window.preferences.page = Page::Models;
        }
        effects::show(ui, &mut window.studio);
        recording::show(ui, window);
        ui.add_space(size::SPACE);
    });
}
