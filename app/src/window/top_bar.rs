//! The bar at the top: pages, mute and volume, looks.

use egui::{Align, Button, Layout, Popup, RichText, Slider, Ui, vec2};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::page::Page;
use super::parts;
use super::preferences::{Preferences, SCALES, ThemeChoice};
use crate::studio::{Studio, VOLUME_DB};

/// Steps of the scale.
const SCALE_STEP: f32 = 0.1;

/// Draws the bar.
pub fn show(ui: &mut Ui, preferences: &mut Preferences, studio: &mut Studio) {
    let theme = Theme::of(ui);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = size::GAP;
        ui.label(RichText::new("Residue").size(size::VALUE).strong());
        ui.add_space(size::SPACE);
        for (n, page) in Page::ALL.into_iter().enumerate() {
            let chosen = preferences.page == page;
            let button = Button::selectable(chosen, page.name()).min_size(vec2(0.0, 26.0));
            if ui.add(button).on_hover_text(format!("ctrl {}", n + 1)).clicked() {
                preferences.page = page;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            looks(ui, preferences);
            output(ui, &theme, studio);
        });
    });
}

fn looks(ui: &mut Ui, preferences: &mut Preferences) {
    let button = ui.button("Settings").on_hover_text("dark or light, size of everything");
    Popup::menu(&button).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(220.0);
        parts::heading(ui, "LOOK");
        for look in ThemeChoice::ALL {
            ui.radio_value(&mut preferences.look, look, look.name());
        }
        parts::heading(ui, "SIZE");
        ui.horizontal(|ui| {
            let scale = preferences.scale;
            if parts::word(ui, "\u{2212}", "Smaller", "ctrl \u{2212}") {
                preferences.scale = scaled(scale, -1.0);
            }
            ui.label(format!("{:.0} %", scale * 100.0));
            if parts::word(ui, "+", "Larger", "ctrl +") {
                preferences.scale = scaled(scale, 1.0);
            }
            if ui.button("Reset").on_hover_text("ctrl 0").clicked() {
                preferences.scale = 1.0;
            }
        });
    });
}

/// The next scale, in whole steps.
fn scaled(scale: f32, steps: f32) -> f32 {
    let stepped = ((scale / SCALE_STEP).round() + steps) * SCALE_STEP;
    stepped.clamp(*SCALES.start(), *SCALES.end())
}

fn output(ui: &mut Ui, theme: &Theme, studio: &mut Studio) {
    ui.spacing_mut().slider_width = 110.0;
    let mut volume = studio.volume_db();
    let slider = Slider::new(&mut volume, VOLUME_DB)
        .suffix(" dB")
        .max_decimals(0)
        .custom_formatter(|db, _| {
            if db <= f64::from(*VOLUME_DB.start()) { "off".into() } else { format!("{db:.0}") }
        });
    let response = ui.add(slider).on_hover_text("output gain; recordings are not affected");
    response.widget_info(|| egui::WidgetInfo::slider(true, f64::from(volume), "Volume"));
    if response.changed() {
        studio.set_volume_db(volume);
    }
    let muted = studio.muted();
    let (text, name) = if muted { ("Muted", "Unmute") } else { ("Mute", "Mute") };
    let color = if muted { theme.alert } else { theme.text };
    let button = Button::new(RichText::new(text).color(color)).min_size(vec2(84.0, 26.0));
    let response = ui.add(button).on_hover_text("mutes the output (M)");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, name));
    if response.clicked() {
        studio.set_muted(!muted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_go_by_tenths_and_end() {
        let steps = [(1.0, 1.0, 1.1), (1.04, -1.0, 0.9), (2.5, 1.0, 2.5), (0.6, -1.0, 0.6)];
        for (scale, step, expected) in steps {
            let next = scaled(scale, step);
            assert!((next - expected).abs() < 1e-5, "{scale} becomes {next}");
        }
    }
}
