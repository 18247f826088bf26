//! The first line: model, preset, latency, bypass, look.

use egui::{Align, Layout, RichText, Ui};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::controls::{opener, switch, toggle};
use super::model_dialog::ModelDialog;
use super::panel::Desk;
use super::presets;
use super::watch::Live;
use crate::model::Phase;

pub fn show(ui: &mut Ui, desk: &mut Desk, live: Option<&Live>) {
    let theme = Theme::of(ui);
    let height = ui.available_height();
    ui.horizontal(|ui| {
        ui.set_height(height);
        ui.label(RichText::new("Residue").size(17.0).strong().color(theme.text));
        ui.add_space(size::SPACE);
        caption(ui, &theme, "Model");
        let wanted = &desk.model.wanted;
        let mark = match desk.model.phase {
            Phase::Missing(_) | Phase::Failed(_) => " (not running)",
            Phase::Loading => " \u{2026}",
            _ => "",
        };
        let name = format!("{}{mark}", short(&wanted.id));
        let precision = wanted.precision.runs_in().name();
        let label = format!("Model {}, {precision}", wanted.id);
        let button = opener(ui, &label, &name, precision);
        if button.on_hover_text("choose a model and its precision").clicked() {
            desk.dialog = Some(ModelDialog::open(&desk.instance));
        }
        ui.add_space(size::GAP);
        caption(ui, &theme, "Preset");
        presets::menu(ui, desk);

        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let saved = &desk.instance.params.editor;
            let light = saved.get().light;
            let other = if light { "Dark" } else { "Light" };
            if toggle(ui, false, other, 0.0, false)
                .on_hover_text("light on dark, or dark on light")
                .clicked()
            {
                saved.change(|look| look.light = !light);
            }
            let bypass = &desk.instance.params.engine.bypass;
            switch(ui, &mut desk.link, bypass, "Bypass", 0.0, true)
                .on_hover_text("the input, late by the latency, bit for bit");
            ui.add_space(size::SPACE);
            match live {
                Some(live) => {
                    let samples = live.latency.total();
                    let ms = samples as f64 * 1000.0 / f64::from(live.rate.max(1));
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

fn caption(ui: &mut Ui, theme: &Theme, text: &str) {
    ui.label(RichText::new(text).color(theme.weak));
    ui.add_space(-size::GAP);
}

/// A model's name; of a folder its last part.
pub fn short(id: &str) -> &str {
    let last = id.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next();
    last.filter(|last| !last.is_empty()).unwrap_or(id)
}
