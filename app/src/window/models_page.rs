//! Models: the list, downloads, checks, measured costs of precisions.

use egui::{Button, Frame, Grid, Layout, ProgressBar, RichText, ScrollArea, TextEdit, Ui};
use residue_engine::models::{
    EMBEDDED, ListedModel, LiveLoad, ModelRequest, PrecisionRequest, TransferProgress,
};
use residue_ui::Theme;
use residue_ui::text::bytes;
use residue_ui::theme::size;

use super::dialogs::DialogPurpose;
use super::{AppWindow, parts};
use crate::studio::Studio;

/// Widest the page gets, in points.
const WIDTH: f32 = 760.0;

/// Draws the page.
pub fn show(ui: &mut Ui, window: &mut AppWindow) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_max_width(WIDTH);
        ui.horizontal(|ui| {
            parts::heading(ui, "MODELS");
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                let hint = "looks again for models on this computer";
                if parts::word(ui, "Refresh", "Refresh models", hint) {
                    window.studio.refresh_library();
                }
            });
        });
        let models = window.studio.library().to_vec();
        if models.is_empty() {
            ui.label(RichText::new("looking for models\u{2026}").color(Theme::of(ui).weak));
        }
        for model in &models {
            card(ui, &mut window.studio, model);
        }
        add(ui, window);
    });
}

/// The request that counts: of the model that is being loaded, or runs.
fn current_request(studio: &Studio) -> ModelRequest {
    let state = studio.model();
    let loading = state.loading.as_ref().map(|(request, _)| request.clone());
    let loaded = state.facts.as_ref().map(|facts| facts.request.clone());
    loading.or(loaded).unwrap_or_default()
}

fn card(ui: &mut Ui, studio: &mut Studio, model: &ListedModel) {
    let theme = Theme::of(ui);
    let request = current_request(studio);
    let chosen = request.id == model.id;
    let edge = if chosen { theme.text } else { theme.line };
    let frame = Frame::new()
        .stroke(egui::Stroke::new(1.0, edge))
        .corner_radius(size::RADIUS)
        .inner_margin(size::SPACE);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(&model.id).size(size::VALUE).strong());
            ui.label(RichText::new(summary(model)).color(theme.weak));
            ui.with_layout(Layout::right_to_left(egui::Align::Center), |ui| {
                actions(ui, studio, model, &request, chosen);
            });
        });
        let absent = !model.here && model.can_pull;
        let place = if absent { "not on this computer" } else { &model.place };
        let label = RichText::new(place).color(theme.weak).size(size::SMALL + 1.0);
        ui.add(egui::Label::new(label).truncate()).on_hover_text(&model.place);
        match &model.verified {
            Some(Ok(())) => {
                ui.label(RichText::new("Checked: all files are as they should be"));
            }
            Some(Err(why)) => {
                ui.label(RichText::new(why).color(theme.alert));
            }
            None => {}
        }
        if let Some(pull) = studio.pull_status().filter(|pull| pull.id == model.id)
            && bar(ui, &pull.progress, Some("keeps what has arrived for the next try"))
        {
            studio.cancel_pull();
        }
        if let Some((_, progress)) = studio.verify_status().filter(|(id, _)| *id == model.id) {
            bar(ui, &progress, None);
        }
        precisions(ui, studio, model, &request);
    });
}

/// Formats a model's layout in one line.
fn summary(model: &ListedModel) -> String {
    let mut parts = Vec::new();
    if let Some(summary) = &model.summary {
        let channels = if summary.channels == 1 { "mono" } else { "stereo" };
        parts.push(format!("{} {channels}", parts::kilohertz(summary.rate)));
        parts.push(format!("{} layers", summary.layers));
        parts.push(parameters(summary.parameters));
    }
    match (model.bytes, model.download_bytes) {
        (Some(size), _) => parts.push(bytes(size)),
        (None, Some(size)) => parts.push(format!("{} to download", bytes(size))),
        (None, None) => {}
    }
    parts.join(", ")
}

fn parameters(count: u64) -> String {
    match count {
        0..1_000_000_000 => format!("{:.0} M parameters", count as f64 / 1e6),
        _ => format!("{:.2} B parameters", count as f64 / 1e9),
    }
}

fn actions(
    ui: &mut Ui,
    studio: &mut Studio,
    model: &ListedModel,
    request: &ModelRequest,
    chosen: bool,
) {
    let named = |ui: &mut Ui, enabled: bool, text: &str, hint: &str| {
        let response = ui.add_enabled(enabled, Button::new(text)).on_hover_text(hint);
        let name = format!("{text} {}", model.id);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::accesskit::Role::Button, enabled, &name)
        });
        response.clicked()
    };
    if model.here {
        let text = if chosen { "In use" } else { "Use" };
        let hint = "changes to it while sound goes on";
        if named(ui, !chosen, text, hint) {
            studio.choose_model(ModelRequest { id: model.id.clone(), ..request.clone() });
        }
        if model.id != EMBEDDED {
            let idle = studio.verify_status().is_none();
            let hint = "sizes, sums and tensors of its files";
            if named(ui, idle, "Check", hint) {
                studio.verify(&model.id);
            }
        }
    }
    if model.can_pull && !model.here {
        let idle = studio.pull_status().is_none();
        let hint = model.repository.unwrap_or("from the hub");
        if named(ui, idle, "Download", hint) {
            studio.pull(&model.id);
        }
    }
}

/// Draws the progress of a download or a check. Returns true if it is to be cancelled.
fn bar(ui: &mut Ui, progress: &TransferProgress, cancel: Option<&str>) -> bool {
    ui.horizontal(|ui| {
        let sizes = if progress.total > 0 {
            format!(", {} of {}", bytes(progress.done), bytes(progress.total))
        } else {
            String::new()
        };
        let text = format!("{} {}{sizes}", progress.stage, progress.file);
        let width = (ui.available_width() - 90.0).max(120.0);
        ui.add(
            ProgressBar::new(progress.share()).desired_width(width).desired_height(18.0).text(text),
        );
        let Some(hint) = cancel else { return false };
        ui.button("Cancel").on_hover_text(hint).clicked()
    })
    .inner
}

/// The precisions of a model: its load when live, and, if it is here, what they cost, to choose from.
fn precisions(ui: &mut Ui, studio: &mut Studio, model: &ListedModel, request: &ModelRequest) {
    let theme = Theme::of(ui);
    let chosen = request.id == model.id;
    let costs = studio.precision_costs(&model.id).map(<[_]>::to_vec);
    let threads = studio.model_threads();
    let speed = studio.machine_speed();
    let automatic = speed.and_then(|speed| model.automatic_precision(speed, threads));
    let loads = PrecisionRequest::ALL.map(|choice| {
        let precision = match choice {
            PrecisionRequest::Automatic => automatic.as_ref()?.precision,
            PrecisionRequest::Fixed(precision) => precision,
        };
        model.live_load(speed?, precision, threads)
    });
    if !model.here && loads.iter().all(Option::is_none) {
        return;
    }
    let mut pick = None;
    Grid::new(("precisions", &model.id)).num_columns(4).spacing([22.0, size::GAP]).show(ui, |ui| {
        let weak = |text: &str| RichText::new(text).color(theme.weak).size(size::SMALL + 1.0);
        let titles = ["precision", "load when live", "codes of f32", "mel distance"];
        for title in titles.into_iter().take(if model.here { 4 } else { 2 }) {
            ui.label(weak(title));
        }
        ui.end_row();
        for (choice, load) in PrecisionRequest::ALL.into_iter().zip(loads) {
            let text = choice.label(automatic.as_ref().map(|chosen| chosen.precision));
            if model.here {
                let this = chosen && request.precision == choice;
                let response = ui.radio(this, &text);
                response.widget_info(|| {
                    let name = format!("{} in {choice}", model.id);
                    egui::WidgetInfo::selected(egui::accesskit::Role::RadioButton, true, this, name)
                });
                if response.clicked() {
                    pick = Some(choice);
                }
                let reason = automatic.as_ref().and_then(|chosen| chosen.reason.clone());
                if let (PrecisionRequest::Automatic, Some(reason)) = (choice, reason) {
                    response.on_hover_text(reason);
                }
            } else {
                ui.label(text);
            }
            live_load(ui, load);
            let cost = match choice {
                PrecisionRequest::Automatic => None,
                PrecisionRequest::Fixed(precision) => costs
                    .as_ref()
                    .and_then(|costs| costs.iter().find(|cost| cost.precision == precision)),
            };
            match cost {
                Some(cost) => {
                    ui.label(format!("{:.1} %", cost.agreement * 100.0))
                        .on_hover_text("share of codes, over all layers, that equal those of f32");
                    ui.label(format!("{:+.1} %", cost.mel_growth_percent).replace('-', "\u{2212}"))
                        .on_hover_text("growth of the mel distance from the original, against f32");
                }
                None if model.here => {
                    (0..2).for_each(|_| drop(ui.label(weak("\u{2013}"))));
                }
                None => {}
            }
            ui.end_row();
        }
    });
    if let Some(precision) = pick {
        studio.choose_model(ModelRequest { id: model.id.clone(), precision, ..request.clone() });
    }
    if model.here {
        measure(ui, studio, model, costs.is_some());
    }
}

/// Draws the load of a live stream, and whether it has room to spare.
fn live_load(ui: &mut Ui, load: Option<LiveLoad>) {
    let theme = Theme::of(ui);
    let Some(load) = load else {
        ui.label(RichText::new("\u{2013}").color(theme.weak));
        return;
    };
    let is_late = load.load >= 1.0;
    let verdict = if is_late { ", too slow" } else { "" };
    let text = RichText::new(format!("{load}{verdict}"));
    let text = text.color(if is_late { theme.alert } else { theme.text });
    ui.label(text).on_hover_text(match load.measured {
        true => "measured here: share of the time that a 48 kHz stereo stream takes, lanes A and B",
        false => {
            "estimated from how fast this computer reads and computes: share of the time that a \
             48 kHz stereo stream takes, lanes A and B"
        }
    });
}

/// Draws the button that measures a model's precisions.
fn measure(ui: &mut Ui, studio: &mut Studio, model: &ListedModel, was_measured: bool) {
    let measuring = studio.measuring().map(str::to_owned);
    let this = measuring.as_deref() == Some(&model.id);
    let text = match (this, was_measured) {
        (true, _) => "Measuring\u{2026}",
        (false, true) => "Measure again",
        (false, false) => "Measure here",
    };
    let response = ui.add_enabled(measuring.is_none(), Button::new(text).small());
    let hint = "load and codes of each precision, on the open file or a clip of speech; \
                sound goes on and slows it down";
    let name = format!("{text} {}", model.id);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::Button, measuring.is_none(), &name)
    });
    if response.on_hover_text(hint).clicked() {
        studio.measure_precisions(&model.id);
    }
}

/// Adding a folder.
fn add(ui: &mut Ui, window: &mut AppWindow) {
    parts::heading(ui, "ADD A FOLDER");
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut window.typed_model)
            .hint_text("folder with config.json and safetensors")
            .desired_width(420.0);
        let response = ui.add(edit);
        response.widget_info(|| {
            let role = egui::accesskit::Role::TextInput;
            egui::WidgetInfo::labeled(role, true, "Folder of a model")
        });
        let entered =
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let filled = !window.typed_model.trim().is_empty();
        let pressed = ui.add_enabled(filled, Button::new("Add")).clicked();
        if filled && (pressed || entered) {
            window.studio.add_model(window.typed_model.trim().into());
            window.typed_model.clear();
        }
        if ui.button("Browse\u{2026}").clicked() {
            window.ask(ui.ctx(), DialogPurpose::Model);
        }
    });
}
