//! A score on the scale of a rating page.

use egui::accesskit::{Action, ActionData};
use egui::{
    Align2, EventFilter, Key, Rect, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

/// The scale of ITU-R BS.1534-3, from the top: five parts of 20.
pub(super) const SCALE: [&str; 5] = ["Excellent", "Good", "Fair", "Poor", "Bad"];
/// Highest score.
const TOP: u8 = 100;
/// The score that keys start from where there is none.
const MIDDLE: i32 = 50;
/// Step of the page keys.
const PAGE: i32 = 10;
/// Width of the track.
const TRACK: f32 = 8.0;
/// Above and below the track, so that the handle fits.
const MARGIN: f32 = 8.0;

/// The range of scores in a fader that fills `rect`.
pub(super) fn track(rect: Rect) -> Rect {
    rect.shrink2(vec2(0.0, MARGIN))
}

/// A vertical fader from 0 to 100, `None` until it is first moved. Arrow and page keys, Home and End
/// move it while it has the focus.
pub(super) fn fader(ui: &mut Ui, score: &mut Option<u8>, name: &str, size: Vec2) -> Response {
    let (rect, mut response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let track = track(rect);
    let before = *score;
    if let Some(pointer) = response.interact_pointer_pos() {
        let share = (track.bottom() - pointer.y) / track.height();
        *score = Some((share.clamp(0.0, 1.0) * f32::from(TOP)).round() as u8);
        response.request_focus();
    }
    if response.has_focus() {
        let arrows = EventFilter { vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        ui.input(|input| {
            let count = |key| input.num_presses(key) as i32;
            let steps = count(Key::ArrowUp) - count(Key::ArrowDown)
                + PAGE * (count(Key::PageUp) - count(Key::PageDown));
            add(score, steps);
            if input.key_pressed(Key::Home) {
                *score = Some(0);
            }
            if input.key_pressed(Key::End) {
                *score = Some(TOP);
            }
        });
    }
    ui.input(|input| {
        let count = |action| input.num_accesskit_action_requests(response.id, action) as i32;
        add(score, count(Action::Increment) - count(Action::Decrement));
        for request in input.accesskit_action_requests(response.id, Action::SetValue) {
            if let Some(ActionData::NumericValue(number)) = request.data {
                *score = Some(number.clamp(0.0, f64::from(TOP)).round() as u8);
            }
        }
    });
    if *score != before {
        response.mark_changed();
    }
    paint(ui, &response, track, *score);
    describe(ui, &response, *score, name);
    response
}

fn add(score: &mut Option<u8>, steps: i32) {
    if steps != 0 {
        let from = score.map_or(MIDDLE, i32::from);
        *score = Some((from + steps).clamp(0, i32::from(TOP)) as u8);
    }
}

fn paint(ui: &Ui, response: &Response, track: Rect, score: Option<u8>) {
    let theme = Theme::of(ui);
    let painter = ui.painter();
    let groove = Rect::from_center_size(track.center(), vec2(TRACK, track.height()));
    painter.rect_filled(groove, 3, theme.surface);
    painter.rect_stroke(groove, 3, theme.outline(), StrokeKind::Inside);
    if response.has_focus() {
        let around = groove.expand2(vec2(22.0, MARGIN));
        painter.rect_stroke(around, size::RADIUS, Stroke::new(1.5, theme.text), StrokeKind::Inside);
    }
    let Some(score) = score else {
        let at = track.center();
        painter.text(at, Align2::CENTER_CENTER, "?", theme::value(), theme.weak);
        return;
    };
    let y = track.bottom() - track.height() * f32::from(score) / f32::from(TOP);
    painter.rect_filled(groove.with_min_y(y), 3, theme.weak);
    let handle = Rect::from_center_size(pos2(track.center().x, y), vec2(34.0, 12.0));
    let fill = if response.hovered() || response.dragged() { theme.line } else { theme.surface };
    painter.rect_filled(handle, size::RADIUS, fill);
    painter.rect_stroke(handle, size::RADIUS, Stroke::new(1.0, theme.weak), StrokeKind::Inside);
    let middle = [pos2(handle.left() + 5.0, y), pos2(handle.right() - 5.0, y)];
    painter.line_segment(middle, Stroke::new(1.5, theme.text));
}

fn describe(ui: &Ui, response: &Response, score: Option<u8>, name: &str) {
    let value = f64::from(score.unwrap_or(0));
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, name));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_value(match score {
            Some(score) => format!("{score}, {}", word(score)),
            None => "not rated".into(),
        });
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(f64::from(TOP));
        node.set_numeric_value_step(1.0);
        for action in [Action::SetValue, Action::Increment, Action::Decrement] {
            node.add_action(action);
        }
    });
}

/// The part of the scale that a score is in.
fn word(score: u8) -> &'static str {
    SCALE[4 - usize::from(score / 20).min(4)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_the_words_of_the_scale() {
        for (score, expected) in [
            (0, "Bad"),
            (19, "Bad"),
            (20, "Poor"),
            (59, "Fair"),
            (80, "Excellent"),
            (100, "Excellent"),
        ] {
            assert_eq!(word(score), expected);
        }
        let mut score = None;
        add(&mut score, -3);
        assert_eq!(score, Some(47));
        add(&mut score, 99);
        assert_eq!(score, Some(100));
    }
}
