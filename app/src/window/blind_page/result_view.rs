//! What came of a test.

use std::path::Path;

use egui::{Grid, Key, RichText, TextEdit, Ui, WidgetInfo, vec2};
use residue_engine::blind::{AbxResult, BlindTestReport, StimulusScore, TestResult, Threshold};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::staircase_plot::staircase_plot;
use super::{Wish, keys};
use crate::blind::export;

/// Whether the report was saved.
#[derive(Default)]
pub(super) struct Saving(Option<Result<String, String>>);

pub(super) fn show(
    ui: &mut Ui,
    report: &BlindTestReport,
    saving: &mut Saving,
    folder: &mut String,
) -> Option<Wish> {
    ui.heading("Result");
    ui.add_space(4.0);
    if let Some(figure) = figure(&report.findings) {
        ui.label(RichText::new(figure).size(28.0));
    }
    ui.label(RichText::new(&report.result).size(size::VALUE));
    ui.add_space(8.0);
    match &report.findings {
        TestResult::Abx(result) => abx(ui, result),
        TestResult::Staircase(result) => staircase_plot(ui, result),
        TestResult::Rating { scores, .. } => ratings(ui, scores),
    }
    ui.add_space(8.0);
    ui.scope(|ui| compared(ui, report));
    ui.add_space(8.0);
    save(ui, report, saving, folder);
    ui.add_space(8.0);
    let mut wish = None;
    ui.horizontal(|ui| {
        if ui.button("Same test again").clicked() {
            wish = Some(Wish::Start);
        }
        if ui.button("Another test  Esc").clicked() || keys::free(ui, Key::Escape) {
            wish = Some(Wish::SetUp);
        }
    });
    wish
}

/// The result in a number.
fn figure(findings: &TestResult) -> Option<String> {
    match findings {
        TestResult::Abx(AbxResult { p, .. }) if *p < 0.001 => Some(format!("p = {p:.1e}")),
        TestResult::Abx(AbxResult { p, .. }) => Some(format!("p = {p:.3}")),
        TestResult::Staircase(result) => match result.threshold {
            Threshold::Depth(depth) => Some(format!("{depth:.1} layers")),
            _ => None,
        },
        TestResult::Rating { .. } => None,
    }
}

fn abx(ui: &mut Ui, result: &AbxResult) {
    let theme = Theme::of(ui);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
        for (n, (x, answer)) in result.answers.iter().enumerate() {
            let right = x == answer;
            let (mark, color) = if right { ("right", theme.text) } else { ("wrong", theme.alert) };
            let text = format!("{} {mark}", n + 1);
            let was = format!("Trial {}: X was {x:?}, the answer was {answer:?}", n + 1);
            ui.label(RichText::new(text).size(size::SMALL).color(color)).on_hover_text(was);
        }
    });
}

fn ratings(ui: &mut Ui, scores: &[StimulusScore]) {
    let theme = Theme::of(ui);
    Grid::new("scores").num_columns(3).show(ui, |ui| {
        for StimulusScore { name, score } in scores {
            ui.label(RichText::new(score.to_string()).strong());
            let (rect, _) = ui.allocate_exact_size(vec2(220.0, 10.0), egui::Sense::hover());
            ui.painter().rect_filled(rect, 2, theme.surface);
            let end = rect.left() + rect.width() * f32::from(*score) / 100.0;
            ui.painter().rect_filled(rect.with_max_x(end), 2, theme.weak);
            ui.label(name);
            ui.end_row();
        }
    });
}

/// What was heard, and at which gain. Sums are in the report.
fn compared(ui: &mut Ui, report: &BlindTestReport) {
    let theme = Theme::of(ui);
    let weak = |text: String| RichText::new(text).color(theme.weak).size(size::SMALL);
    let passage = &report.heard.passage;
    let seconds = passage.samples as f64 / f64::from(passage.rate);
    ui.label(weak(format!("{}, {seconds:.1} s, at {} Hz", passage.file, report.heard.played_rate)));
    // A threshold test has heard many, and its picture says which.
    if matches!(report.findings, TestResult::Staircase(_)) {
        return;
    }
    ui.spacing_mut().interact_size.y = size::SMALL + 4.0;
    Grid::new("compared").num_columns(2).spacing(vec2(16.0, 2.0)).show(ui, |ui| {
        for one in &report.heard.compared {
            ui.label(weak(one.name.clone()));
            ui.label(weak(format!("played at {:+.1} dB", one.gain_db)));
            ui.end_row();
        }
    });
}

fn save(ui: &mut Ui, report: &BlindTestReport, saving: &mut Saving, folder: &mut String) {
    ui.horizontal(|ui| {
        let entry = TextEdit::singleline(folder).desired_width(ui.available_width() - 130.0);
        let entry = ui.add(entry.hint_text("Folder for the report"));
        entry.widget_info(|| {
            WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, "Folder for the report")
        });
        if ui.button("Save the report").clicked() {
            let named = Path::new(folder.trim());
            let named = if folder.trim().is_empty() { Path::new(".") } else { named };
            saving.0 = Some(match export(report, named) {
                Ok(files) => Ok(format!(
                    "Saved {} and {}",
                    files.json.display(),
                    files.text.file_name().unwrap_or_default().display()
                )),
                Err(error) => Err(error.to_string()),
            });
        }
    });
    let theme = Theme::of(ui);
    match &saving.0 {
        Some(Ok(text)) => drop(ui.label(RichText::new(text).color(theme.weak))),
        Some(Err(text)) => drop(ui.label(RichText::new(text).color(theme.alert))),
        None => {}
    }
}
