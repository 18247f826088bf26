//! A trial: listen to A, B and X, and say which X is.

use egui::{Align, Key, Layout, RichText, Sense, Ui, WidgetInfo, vec2};
use residue_engine::blind::AbxSide;
use residue_ui::Theme;

use super::answers::{rate_changed, transport, way_out};
use super::big_button::{ButtonStyle, big_button};
use super::{PageRequest, keys};
use crate::blind::{AuditionPlayer, TrialLabel, Trials};

/// The page's own state during a test: whether it is about to be stopped, the answer that the arrow
/// keys have chosen, whether it plays.
type Memory<'a> = (&'a mut bool, &'a mut Option<AbxSide>, &'a mut bool);

pub(super) fn show(
    ui: &mut Ui,
    test: &mut Trials,
    (stopping, chosen, playing): Memory<'_>,
    player: &mut dyn AuditionPlayer,
) -> Option<PageRequest> {
    progress(ui, test);
    ui.add_space(8.0);
    listen(ui, test, player);
    ui.add_space(6.0);
    transport(ui, playing, player);
    ui.add_space(10.0);
    // Before Enter is asked for, which confirms that as well.
    let answer = if *stopping { None } else { answer(ui, test, chosen) };
    ui.add_space(10.0);
    rate_changed(ui, test.rate(), player);
    let left = way_out(ui, stopping);
    let answered = answer.map(|answer| {
        (*chosen, *playing) = (None, true);
        test.answer(answer, player)
    });
    match (answered, left) {
        (Some(Err(error)), _) => Some(PageRequest::Failed(error)),
        (_, true) => Some(PageRequest::Stop),
        _ => test.report().map(|report| PageRequest::Finished(Box::new(report.clone()))),
    }
}

fn progress(ui: &mut Ui, test: &Trials) {
    let count = test.count();
    let theme = Theme::of(ui);
    let number = (count.answered + 1).min(count.of);
    ui.horizontal(|ui| {
        ui.heading(if count.exactly {
            format!("Trial {number} of {}", count.of)
        } else {
            format!("Trial {number}")
        });
        if !count.exactly {
            let about = format!("often 20 to 40, at most {}", count.of);
            ui.label(RichText::new(about).color(theme.weak));
        }
    });
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
    let step = rect.width() / count.of as f32;
    for n in 0..count.of {
        let left = rect.left() + step * n as f32;
        let part = rect.with_min_x(left).with_max_x(left + (step - 1.5).max(1.0));
        let color = if n < count.answered { theme.weak } else { theme.surface };
        ui.painter().rect_filled(part, 1, color);
    }
    response.widget_info(|| {
        let name = format!("{} trials answered", count.answered);
        WidgetInfo::labeled(egui::accesskit::Role::ProgressIndicator, true, name)
    });
    if !count.exactly {
        // Always as high, so that nothing moves when it comes and goes.
        ui.allocate_ui_with_layout(
            vec2(rect.width(), 18.0),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_height(18.0);
                if let Some(progress) = test.waiting() {
                    let text = RichText::new("Preparing the next trials").color(theme.weak);
                    ui.label(text).on_hover_text(progress.step);
                }
            },
        );
    }
}

fn listen(ui: &mut Ui, test: &mut Trials, player: &mut dyn AuditionPlayer) {
    let mut heard = None;
    ui.add_enabled_ui(test.playing().is_some(), |ui| {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - 2.0 * ui.spacing().item_spacing.x) / 3.0;
            for (label, key) in TrialLabel::ALL.into_iter().zip([Key::A, Key::B, Key::X]) {
                let detail = test.detail(label);
                let look = ButtonStyle {
                    text: label.name(),
                    detail,
                    key: label.name(),
                    name: &format!("Listen to {}: {detail}", label.name()),
                    chosen: test.playing() == Some(label),
                    size: vec2(width, 92.0),
                };
                let clicked = big_button(ui, &look).clicked();
                if (clicked || keys::pressed(ui, key)) && ui.is_enabled() {
                    heard = Some(label);
                }
            }
        });
    });
    if let Some(label) = heard {
        test.listen(label, player);
    }
}

/// The two answers; the one that was given.
fn answer(ui: &mut Ui, test: &Trials, chosen: &mut Option<AbxSide>) -> Option<AbxSide> {
    let allowed = test.may_answer();
    let mut given = None;
    ui.add_enabled_ui(allowed, |ui| {
        ui.horizontal(|ui| {
            let width = (ui.available_width() - ui.spacing().item_spacing.x) / 2.0;
            let both =
                [(AbxSide::A, "X is A", "1", Key::Num1), (AbxSide::B, "X is B", "2", Key::Num2)];
            for (side, text, key, number) in both {
                let chosen = *chosen == Some(side);
                let size = vec2(width, 48.0);
                let look = ButtonStyle { text, detail: "", key, name: text, chosen, size };
                let clicked = big_button(ui, &look).clicked();
                if (clicked || keys::pressed(ui, number)) && allowed {
                    given = Some(side);
                }
            }
        });
    });
    for (key, side) in [(Key::ArrowLeft, AbxSide::A), (Key::ArrowRight, AbxSide::B)] {
        if keys::free(ui, key) && allowed {
            *chosen = Some(side);
        }
    }
    if keys::free(ui, Key::Enter) && allowed {
        given = given.or(*chosen);
    }
    let hint = if allowed || test.playing().is_none() {
        "Answers are final. Keys: A, B, X to listen, 1 or 2 to answer (or arrows and Enter), Space to pause."
    } else {
        "Listen to X before answering. Keys: A, B, X to listen, Space to pause."
    };
    ui.label(RichText::new(hint).color(Theme::of(ui).weak));
    given
}
