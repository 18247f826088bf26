//! The top line: model, preset, latency, bypass, color theme.

use egui::{Align, Layout, RichText, Ui};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::context::EditorContext;
use super::controls::{menu_button, param_switch, toggle};
use super::model_text::short_name;
use super::port_observer::PortSnapshot;
use super::preset_menu;
use crate::model::ModelPhase;

/// Draws the header.
pub fn show(ui: &mut Ui, context: &mut EditorContext, port: Option<&PortSnapshot>) {
    let theme = Theme::of(ui);
    let height = ui.available_height();
    ui.horizontal(|ui| {
        ui.set_height(height);
        ui.label(RichText::new("Residue").size(17.0).strong().color(theme.text));
        ui.add_space(size::SPACE);
        caption(ui, &theme, "Model");
        let requested = &context.model.requested;
        let mark = match context.model.phase {
            ModelPhase::Missing(_) | ModelPhase::Unconfirmed(_) | ModelPhase::Failed(_) => {
                " (not running)"
            }
            ModelPhase::Loading => " \u{2026}",
            _ => "",
        };
        let name = format!("{}{mark}", short_name(&requested.id));
        let precision = requested.precision_label();
        let label = format!("Model {}, {precision}", requested.id);
        let button = menu_button(ui, &label, &name, &precision);
        if button.on_hover_text("choose a model and its precision").clicked() {
            context.open_model_dialog();
        }
        ui.add_space(size::GAP);
        caption(ui, &theme, "Preset");
        preset_menu::menu(ui, context);

        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let saved = &context.instance.params.editor;
            let light = saved.get().light;
            let other = if light { "Dark" } else { "Light" };
            if toggle(ui, false, other, 0.0, false)
                .on_hover_text("changes between the dark and the light theme")
                .clicked()
            {
                saved.change(|appearance| appearance.light = !light);
            }
            let bypass = &context.instance.params.engine.bypass;
            param_switch(ui, &mut context.host, bypass, "Bypass", 0.0, true)
                .on_hover_text("passes the input unchanged, delayed by the latency");
            ui.add_space(size::SPACE);
            match port {
                Some(port) => {
                    let samples = port.latency.total();
                    let ms = samples as f64 * 1000.0 / f64::from(port.rate.max(1));
                    let text = format!("{} samples", residue_ui::text::thousands(samples as u64));
                    ui.label(RichText::new(text).color(theme.weak));
                    ui.label(RichText::new(format!("{ms:.1} ms")).color(theme.text));
                }
                None => drop(ui.label(RichText::new("\u{2013}").color(theme.weak))),
            }
            caption(ui, &theme, "Latency");
        });
    });
}

/// Draws the caption in front of a control.
fn caption(ui: &mut Ui, theme: &Theme, text: &str) {
    ui.label(RichText::new(text).color(theme.weak));
    ui.add_space(-size::GAP);
}
