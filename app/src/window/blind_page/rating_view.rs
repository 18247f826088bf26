//! Several depths beside each other, 0 to 100, without their names.

use egui::layers::ShapeIdx;
use egui::{Align2, Button, Key, Rect, RichText, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use residue_ui::Theme;
use residue_ui::keys::DIGITS;
use residue_ui::theme;

use super::answers::{rate_changed, transport, way_out};
use super::big_button::{ButtonStyle, big_button};
use super::fader::{SCALE, fader, track};
use super::{PageRequest, keys};
use crate::blind::{AuditionPlayer, BlindError, RatingChoice, Ratings};

/// Height of the faders.
const HEIGHT: f32 = 240.0;
/// Width of what is written beside them.
const WORDS: f32 = 64.0;
/// Widest column.
const COLUMN: f32 = 96.0;

pub(super) fn show(
    ui: &mut Ui,
    test: &mut Ratings,
    (stopping, playing): (&mut bool, &mut bool),
    player: &mut dyn AuditionPlayer,
) -> Option<PageRequest> {
    ui.heading("How close is each to the reference?");
    let theme = Theme::of(ui);
    ui.label(
        RichText::new("One of them is the reference itself. Scores can change until you finish.")
            .color(theme.weak),
    );
    ui.add_space(6.0);
    reference(ui, test, player);
    ui.add_space(4.0);
    let rated = places(ui, test, player);
    transport(ui, playing, player);
    ui.label(
        RichText::new("Keys: R for the reference, digits to listen, arrows to rate, Space to pause, Enter to finish.")
            .color(theme.weak),
    );
    ui.add_space(8.0);
    rate_changed(ui, test.rate_hz(), player);
    let finished = if *stopping { Ok(()) } else { finish(ui, test, player) };
    let left = way_out(ui, stopping);
    if let Err(error) = rated.and(finished) {
        return Some(PageRequest::Failed(error));
    }
    if left {
        return Some(PageRequest::Stop);
    }
    test.report().map(|report| PageRequest::Finished(Box::new(report.clone())))
}

fn reference(ui: &mut Ui, test: &mut Ratings, player: &mut dyn AuditionPlayer) {
    let look = ButtonStyle {
        text: "Reference",
        detail: "",
        key: "R",
        name: "Listen to the reference",
        chosen: test.playing() == Some(RatingChoice::Reference),
        size: vec2(ui.available_width(), 40.0),
    };
    if big_button(ui, &look).clicked() || keys::pressed(ui, Key::R) {
        test.listen(RatingChoice::Reference, player);
    }
}

fn places(
    ui: &mut Ui,
    test: &mut Ratings,
    player: &mut dyn AuditionPlayer,
) -> Result<(), BlindError> {
    let count = test.places();
    let gap = ui.spacing().item_spacing.x;
    let free = ui.available_width() - WORDS - gap * count as f32;
    let width = (free / count as f32).clamp(36.0, COLUMN);
    let mut result = Ok(());
    // Behind the faders.
    let lines = ui.painter().add(Shape::Noop);
    ui.horizontal_top(|ui| {
        let (words, _) = ui.allocate_exact_size(vec2(WORDS, 44.0 + HEIGHT), egui::Sense::hover());
        let mut right = words.right();
        for place in 0..count {
            let column = ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 4.0;
                one(ui, test, place, width, player)
            });
            right = column.response.rect.right();
            if let Err(error) = column.inner {
                result = Err(error);
            }
        }
        scale(ui, words, right, lines);
    });
    result
}

/// A place: a button to listen, a fader, the score.
fn one(
    ui: &mut Ui,
    test: &mut Ratings,
    place: usize,
    width: f32,
    player: &mut dyn AuditionPlayer,
) -> Result<(), BlindError> {
    let number = (place + 1).to_string();
    let chosen = test.playing() == Some(RatingChoice::Place(place));
    let look = ButtonStyle {
        text: &number,
        detail: "",
        key: "",
        name: &format!("Listen to {number}"),
        chosen,
        size: vec2(width, 40.0),
    };
    let listen = big_button(ui, &look);
    let key = DIGITS.get(place + 1).is_some_and(|key| keys::pressed(ui, *key));
    let mut score = test.score(place);
    let fader = fader(ui, &mut score, &format!("Score of {number}"), vec2(width, HEIGHT));
    if key {
        fader.request_focus();
    }
    // Moving a score plays the stimulus that it is for.
    if (listen.clicked() || key || fader.gained_focus() || fader.changed()) && !chosen {
        test.listen(RatingChoice::Place(place), player);
    }
    let text = score.map_or("\u{2013}".into(), |score| score.to_string());
    ui.add_sized(vec2(width, 18.0), egui::Label::new(RichText::new(text).strong()));
    match score {
        Some(score) if fader.changed() => test.rate(place, score),
        _ => Ok(()),
    }
}

/// The words beside the faders, and the lines between them.
fn scale(ui: &Ui, words: Rect, right: f32, lines: ShapeIdx) {
    let theme = Theme::of(ui);
    let track = track(Rect::from_min_max(words.min + vec2(0.0, 44.0), words.max));
    let step = track.height() / SCALE.len() as f32;
    for (n, word) in SCALE.iter().enumerate() {
        let middle = pos2(words.left(), track.top() + step * (n as f32 + 0.5));
        ui.painter().text(middle, Align2::LEFT_CENTER, word, theme::body(), theme.weak);
    }
    let line = |n: usize| {
        let y = (track.top() + step * n as f32).round() + 0.5;
        Shape::hline(words.left()..=right, y, Stroke::new(1.0, Theme::faded(theme.line, 0.6)))
    };
    ui.painter().set(lines, Shape::Vec((0..=SCALE.len()).map(line).collect()));
}

fn finish(
    ui: &mut Ui,
    test: &mut Ratings,
    player: &mut dyn AuditionPlayer,
) -> Result<(), BlindError> {
    let missing = test.missing();
    let mut finished = false;
    ui.horizontal(|ui| {
        let button = ui.add_enabled(missing == 0, Button::new("Finish  Enter"));
        button.widget_info(|| {
            WidgetInfo::labeled(egui::accesskit::Role::Button, missing == 0, "Finish")
        });
        // The faders have the focus while rating and no use for Enter.
        finished = button.clicked() || (missing == 0 && keys::pressed(ui, Key::Enter));
        if missing > 0 {
            let text = format!("{missing} not rated yet");
            ui.label(RichText::new(text).color(Theme::of(ui).weak));
        }
    });
    if finished { test.close(player) } else { Ok(()) }
}
