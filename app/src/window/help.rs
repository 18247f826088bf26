//! The help page: depth, bitrate and latency explained, and all keys.

use egui::{Grid, RichText, ScrollArea, Ui};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::keys::TABLE;
use crate::explained::TEXTS;
use crate::version;

/// Libraries of other projects, with their licences.
const LIBRARIES: &str = include_str!("../../../assets/libraries.txt");

/// Widest a text is easy to read, in points.
const WIDTH: f32 = 620.0;

/// Draws the page.
pub fn show(ui: &mut Ui) {
    let theme = Theme::of(ui);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(WIDTH);
        for (title, text) in TEXTS {
            ui.add_space(size::SPACE);
            ui.label(RichText::new(title).heading().strong());
            ui.label(RichText::new(text).color(theme.text));
        }
        ui.add_space(2.0 * size::SPACE);
        ui.label(RichText::new("Keys").heading().strong());
        Grid::new("keys").num_columns(2).spacing([2.0 * size::SPACE, size::GAP]).show(ui, |ui| {
            for (keys, meaning) in TABLE {
                ui.label(RichText::new(keys).strong());
                ui.label(RichText::new(meaning).color(theme.weak));
                ui.end_row();
            }
        });
        ui.add_space(size::SPACE);
        let text = "The same engine without a window: residue --help lists the commands.";
        ui.label(RichText::new(text).color(theme.weak));
        ui.add_space(size::SPACE);
        let name = format!("Residue {}, MIT or Apache-2.0", version::text());
        ui.label(RichText::new(name).color(theme.weak));
        ui.collapsing("Libraries and their licences", |ui| {
            ui.label(RichText::new(LIBRARIES).color(theme.weak).size(size::SMALL));
        });
    });
}
