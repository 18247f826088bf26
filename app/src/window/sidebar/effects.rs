//! Effects on frames: loss, freeze, concealment.

use egui::{Slider, Ui};
use residue_engine::live::{Concealment, LossConcealment};

use crate::studio::Studio;
use crate::window::parts;

pub fn show(ui: &mut Ui, studio: &mut Studio) {
    parts::heading(ui, "FRAMES");
    let before = studio.settings();
    let mut settings = before;
    let frames = &mut settings.frames;
    parts::field(ui, "Loss", |ui| {
        ui.spacing_mut().slider_width = slider_width(ui);
        let mut percent = frames.loss.rate * 100.0;
        let slider = Slider::new(&mut percent, 0.0..=100.0).suffix(" %").max_decimals(0);
        let response = ui.add(slider).on_hover_text("frames lost between encoder and decoder");
        frames.loss.rate = percent / 100.0;
        response
    });
    ui.add_enabled_ui(frames.loss.rate > 0.0, |ui| {
        parts::field(ui, "Burst", |ui| {
            ui.spacing_mut().slider_width = slider_width(ui);
            let slider = Slider::new(&mut frames.loss.burst, 1.0..=50.0).max_decimals(1);
            ui.add(slider).on_hover_text("average length of a loss, in frames")
        });
        parts::field(ui, "Lost frames", |ui| {
            let all = [("repeated", LossConcealment::Repeat), ("silent", LossConcealment::Silence)];
            pick(ui, "fill", &all, &mut frames.loss.fill)
        });
    });
    ui.checkbox(&mut frames.freeze, "Freeze the last frame")
        .on_hover_text("decodes the last frame again and again (F)");
    parts::field(ui, "Late frames", |ui| {
        let all = [
            ("dry", Concealment::Dry),
            ("repeated", Concealment::Hold),
            ("silent", Concealment::Silence),
        ];
        pick(ui, "late", &all, &mut settings.concealment)
            .on_hover_text("the sound in place of frames that come too late")
    });
    if settings != before {
        studio.set_settings(settings);
    }
}

fn slider_width(ui: &Ui) -> f32 {
    (ui.available_width() - 56.0).max(40.0)
}

fn pick<T: Copy + PartialEq>(
    ui: &mut Ui,
    id: &str,
    all: &[(&str, T)],
    value: &mut T,
) -> egui::Response {
    let shown = all.iter().find(|(_, this)| this == value).map_or("", |(name, _)| name);
    let choices = all.iter().map(|(name, this)| ((*name).to_owned(), *this));
    let (response, chosen) = parts::choice(ui, id, shown, choices);
    if let Some(chosen) = chosen {
        *value = chosen;
    }
    response
}
